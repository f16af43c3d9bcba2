"""What of a Service a text is about: its name, its addresses, its node ports, its endpoints.

Everything is matched whole: 10.96.0.1 is not in 10.96.0.10, db-service not in db-service2, and a
network is no address. A line whose known wording names Services is about those and no others,
though an endpoint of ours stands in it too: many Services share their endpoints. Any other line
that holds an address of ours counts, for wordings change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..model.address import IPAddress
from ..model.logline import About, AboutKind, Subject
from ..model.service import ServiceName
from ..parse.klog import LogRecord

#: Keys of structured messages that hold NAMESPACE/NAME or NAMESPACE/NAME:PORT (1.21 to 1.37).
_KEYS = ("portName", "servicePortName", "service", "serviceName", "svc")
#: How unstructured ones name it, 1.1 to 1.22; the guide's log has `Addming`, typed by hand.
_NAMES = tuple(
    re.compile(pattern)
    for pattern in (
        r'(?:ing new|ing existing|ing) service(?: port)? "([^"\s]+)"',
        r'(?:[Ee]ndpoints for|nodePort for|port for|healthcheck) "?([^"\s]+)"?',
        r"\b[Ss]ervice(?: port)? ([^\s/\"]+/[^\s\"]+) (?:updated|due to|with)",
        r'--comment "([^"\s]+)',
    )
)
_SERVICE = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+)(?::[a-z0-9-]*)?[:.,]?")
#: The alphabet of generated names (apimachinery util/rand), as of slices that are gone.
_GENERATED = "-[bcdfghjklmnpqrstvwxz2456789]{5}"
#: The last of several before it, so that no text is searched to its end from each of them.
_ON_SLICE = r"OnEndpointSlice(?:(?!OnEndpointSlice).)*"

#: Addresses, NAMESPACE/NAME, IPv6 addresses with or without a port, numbers. All are bounded: a log
#: may hold a line of a million letters.
_WORDS = tuple(
    map(
        re.compile,
        (
            r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}",
            r"[a-z0-9-]{1,63}/[a-z0-9-]{1,253}(?:\.[a-z0-9][a-z0-9-]{0,252}){0,9}",
            r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?!\w|\.\w)",
            r"\d+",
        ),
    )
)


class Mentions:
    """Finds what a text says of one subject. Compiled once, asked for every line of every log: a
    text is cut into words that might be ours, and only what these lead to is matched exactly."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._services = frozenset(service.name for service in subject.services)
        self._exact: dict[str, list[tuple[int, About, re.Pattern[str]]]] = {}
        for rank, (word, about, pattern) in enumerate(_patterns(subject)):
            self._exact.setdefault(word, []).append((rank, about, re.compile(pattern)))

    def in_record(self, record: LogRecord) -> About | None:
        """None: it is not about this Service."""
        found = self.in_text(record.said)
        if found is None:
            return None
        named = frozenset(_named(record))
        if named:
            ours = sorted(named & self._services)
            return About(AboutKind.SERVICE, str(ours[0])) if ours else None
        return found

    def in_text(self, text: str) -> About | None:
        found = {word for words in _WORDS for word in words.findall(text)}
        words = {part for word in found for part in _parts(word)}
        ours = [one for word in words for one in self._exact.get(word, ())]
        return next(
            (about for _, about, exact in sorted(ours, key=_rank) if exact.search(text)), None
        )


def _rank(one: tuple[int, About, re.Pattern[str]]) -> int:
    return one[0]


def _parts(word: str) -> Iterator[str]:
    """What a word may stand for: a slice of `shop/web` (`shop/web-x2x4z`), `fd00::1:80`."""
    yield word
    if "/" in word:
        yield word.rpartition("-")[0]
    elif ":" in word:
        word = word.lower()
        yield from (word, word.rpartition(":")[0], word.rstrip(":"))


def _named(record: LogRecord) -> Iterator[ServiceName]:
    """The Services that a known wording names."""
    texts = [record.values[key] for key in _KEYS if key in record.values]
    if not texts:
        texts = [found for pattern in _NAMES for found in pattern.findall(record.said)]
    for text in texts:
        if found := _SERVICE.fullmatch(text):
            yield ServiceName(found[1], found[2])


def _patterns(subject: Subject) -> Iterator[tuple[str, About, str]]:
    """The word that leads to it, and what it is; what says most comes first."""
    for service in subject.services:
        name = str(service.name)
        yield name, About(AboutKind.SERVICE, name), _name_pattern(name)
    for name in sorted(subject.slices):
        yield name, About(AboutKind.SLICE, name), _word(re.escape(name))
    for service in subject.services:
        name = str(service.name)
        gone = rf"{_ON_SLICE}{_word(re.escape(name) + _GENERATED)}"
        yield name, About(AboutKind.SLICE, name), gone
        dialled = (*service.cluster_ips, *service.external_ips, *service.load_balancer_ips)
        for address in dict.fromkeys(dialled):
            text = str(address)
            yield text, About(AboutKind.ADDRESS, text), _address_pattern(address)
    for address in _endpoint_addresses(subject):
        yield str(address), About(AboutKind.ENDPOINT, str(address)), _address_pattern(address)
    for port in _node_ports(subject):
        yield str(port), About(AboutKind.NODE_PORT, str(port)), _port_pattern(port)
    for pod in sorted(subject.pods):
        yield pod, About(AboutKind.POD, pod), _word(re.escape(pod))


def _endpoint_addresses(subject: Subject) -> Iterable[IPAddress]:
    return dict.fromkeys(
        endpoint.address.address for found in subject.endpoints.values() for endpoint in found
    )


def _node_ports(subject: Subject) -> Iterable[int]:
    ports = {port.node_port for service in subject.services for port in service.ports}
    return sorted((ports | {s.health_check_node_port for s in subject.services}) - {0})


def _word(pattern: str) -> str:
    return rf"(?<![\w./-]){pattern}(?![\w/-]|\.\w)"


def _name_pattern(name: str) -> str:
    """nft's chains and maps go on with the protocol: `default/db-service/tcp/mysql`."""
    return rf"(?<![\w./-]){re.escape(name)}(?![\w-]|\.\w|/(?!(?:tcp|udp|sctp)/))"


def _address_pattern(address: IPAddress) -> str:
    """A prefix length other than the whole address makes it a network. kube-proxy also writes
    IPv6 without brackets before a port, `fd00::1:80/TCP`, which the protocol behind it tells."""
    text = re.escape(str(address))
    if address.version == 4:
        return rf"(?<![\w.]){text}(?!\w|\.\d|/(?!32\b|[A-Z]))"
    other = r":(?=[0-9A-Fa-f:])(?!\d+/[A-Z])"
    return rf"(?<![0-9A-Fa-f:.])(?i:{text})(?!\w|\.\w|/(?!128\b|[A-Z])|{other})"


def _port_pattern(port: int) -> str:
    """Behind a colon or the word port: `(:30080/tcp)`, `nodePort=30080`, `nodePorts=[80 30080]`."""
    return rf"(?::|[Pp]ort[ =]\"?|[Pp]orts=\[(?:[^][]*[^][\w.])?){port}(?![\w.-])"
