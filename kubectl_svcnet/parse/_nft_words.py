"""The words of an nft rule, and the values that they stand for, by nft's own names of types.

Each reader raises ValueError for what does not fit; the caller then keeps the words as Unknown.
Which names nft prints for numbers: src/datatype.c, src/proto.c, src/fib.c, src/ct.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network

from ..model.address import IPAddress
from ..model.nft import Anything, Flags, Interval, NameStart, Parts, Value

_TOKEN = re.compile(r'"([^"]*)"?|([{}(),;])|([^\s{}(),;"]+)')
_HANDLE = re.compile(r"\s+# handle \d+$")

PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "comp": 108,
    "sctp": 132,
    "udplite": 136,
}
#: nft 0.9.0 and `nft -S` print names of ports; these are the common ones of /etc/services.
_SERVICES = {
    "ftp": 21,
    "ssh": 22,
    "smtp": 25,
    "domain": 53,
    "bootps": 67,
    "bootpc": 68,
    "http": 80,
    "pop3": 110,
    "sunrpc": 111,
    "ntp": 123,
    "imap2": 143,
    "snmp": 161,
    "bgp": 179,
    "ldap": 389,
    "https": 443,
    "mysql": 3306,
    "postgresql": 5432,
    "mdns": 5353,
    "http-alt": 8080,
}


class Quoted(str):
    """A word that stood in quotes: never a keyword, whatever it says."""

    __slots__ = ()


def split_tokens(line: str) -> list[str]:
    return [
        mark or word or Quoted(quoted)
        for quoted, mark, word in _TOKEN.findall(without_handle(line))
    ]


def without_handle(line: str) -> str:
    return _HANDLE.sub("", line) if "# handle " in line else line


def read_value(words: Sequence[str], types: tuple[str, ...]) -> Value:
    """A key or value that is one word, or several with dots between them."""
    if len(words) == len(types) == 1 and words[0] not in ("*", "."):
        return read_word(words[0], types[0])
    if list(words) == ["*"]:
        return Anything()
    parts = list(_between_dots(words))
    if len(parts) != len(types):
        raise ValueError(f"{len(parts)} parts for {types}")
    values = tuple(read_word(word, kind) for word, kind in zip(parts, types, strict=True))
    return values[0] if len(values) == 1 else Parts(values)


def _between_dots(words: Sequence[str]) -> Iterable[str]:
    for index, word in enumerate(words):
        if (word == ".") is not bool(index % 2):
            raise ValueError(f"a dot is missing in {' '.join(words)}")
        if word != ".":
            yield word


def read_word(word: str, kind: str) -> Value:
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(f"a value of type {kind}")
    return reader(word)


def address(word: str) -> IPAddress:
    return ip_address(word.strip("[]"))


def _addresses(word: str) -> Value:
    if "/" in word:
        net = ip_network(word)
        return Interval(net.network_address, net.broadcast_address)
    if "-" in word:
        first, last = map(address, word.split("-"))
        if first.version != last.version:
            raise ValueError(word)
        return Interval(first, last)
    return address(word)


def number(word: str) -> int:
    return int(word, 0)


def _numbers(names: Mapping[str, int]) -> Callable[[str], Value]:
    def one(word: str) -> int:
        return names[word] if word in names else number(word)

    def read(word: str) -> Value:
        if word not in names and "-" in word.lstrip("-"):
            first, last = word.split("-")
            return Interval(one(first), one(last))
        return one(word)

    return read


def _device(word: str) -> Value:
    if word.endswith("*") and not word.endswith("\\*"):
        return NameStart(word[:-1])
    return word.replace("\\*", "*")


def _one_of(*names: str) -> Callable[[str], Value]:
    def read(word: str) -> Value:
        if word not in names:
            raise ValueError(word)
        return word

    return read


def _packet_type(word: str) -> Value:
    """host and unicast are one (PACKET_HOST); nft prints either, by its version."""
    return _one_of("unicast", "broadcast", "multicast", "other")(word.replace("host", "unicast"))


#: linux/rtnetlink.h, RTN_*, which -n prints as numbers.
_ROUTE_TYPES = [
    "unspec",
    "unicast",
    "local",
    "broadcast",
    "anycast",
    "multicast",
    "blackhole",
    "unreachable",
    "prohibit",
]


def _route_type(word: str) -> Value:
    return word if word in _ROUTE_TYPES else _ROUTE_TYPES[int(word)]


def _flags(names: Sequence[str], numbers: Mapping[int, str]) -> Callable[[str], Value]:
    def read(word: str) -> Value:
        if word in names:
            return Flags(frozenset([word]))
        bits = number(word)
        known = sum(numbers)
        if bits & ~known:
            raise ValueError(word)
        return Flags(frozenset(name for bit, name in numbers.items() if bits & bit))

    return read


def _named_flags(**names: int) -> Callable[[str], Value]:
    return _flags(tuple(names), {bit: name for name, bit in names.items()})


_FLAG_TYPES = {
    "ct_state": _named_flags(invalid=1, established=2, related=4, new=8, untracked=64),
    "ct_status": _flags(
        ("expected", "seen-reply", "assured", "confirmed", "snat", "dnat", "dying"),
        {
            1: "expected",
            2: "seen-reply",
            4: "assured",
            8: "confirmed",
            16: "snat",
            32: "dnat",
            512: "dying",
        },
    ),
    "tcp_flag": _named_flags(fin=1, syn=2, rst=4, psh=8, ack=16, urg=32, ecn=64, cwr=128),
}

_READERS: Mapping[str, Callable[[str], Value]] = {
    **_FLAG_TYPES,
    "boolean": _one_of("exists", "missing"),
    "ct_dir": _one_of("original", "reply"),
    "dscp": str,
    "ecn": str,
    "fib_addrtype": _route_type,
    "gid": _numbers({"root": 0}),
    "icmp_type": str,
    "icmpv6_type": str,
    "iface_index": _device,
    "ifname": _device,
    "inet_proto": _numbers(PROTOCOLS),
    "inet_service": _numbers(_SERVICES),
    "integer": _numbers({}),
    "ipv4_addr": _addresses,
    "ipv6_addr": _addresses,
    "mark": _numbers({}),
    "nf_proto": _one_of("ipv4", "ipv6"),
    "pkt_type": _packet_type,
    "uid": _numbers({"root": 0}),
    "verdict": str,
}


def read_flags(words: Iterable[str], kind: str) -> Flags:
    """`new,established`, or (fin | syn)."""
    found: set[str] = set()
    for word in words:
        value = read_word(word, kind)
        if not isinstance(value, Flags):
            raise ValueError(word)
        found |= value.words
    return Flags(frozenset(found))


def is_flags(kind: str) -> bool:
    return kind in _FLAG_TYPES
