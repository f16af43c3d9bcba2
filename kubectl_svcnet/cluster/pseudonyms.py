"""Consistent other names for nodes, namespaces, pods and Services. Pure.

One name has one pseudonym for as long as a `Pseudonyms` lives, in objects and in text alike. Names
of the cluster's own parts (kube-system and such) stay, because dataplanes are recognised by
them. kube-proxy's chain names hash a Service's name, so they are hashed anew from its pseudonym.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator

#: Namespaces of the cluster's own parts; nobody's secret, and readers look for them.
OWN_NAMESPACES = re.compile(
    r"|default|kube-[a-z0-9-]+|[a-z0-9-]+-system|tigera-operator|cilium[a-z0-9-]*|openshift-[a-z0-9-]+"
)

_PROTOCOLS = ("tcp", "udp", "sctp")
_CHAIN = re.compile(r"\bKUBE-(SVC|SVL|SEP|EXT|FW|XLB)-([A-Z2-7]{16})\b")
_COMMENT = re.compile(r'(?<=comment ")([^"\n]*)')
_PAIR = r"(?<![\w./-])([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?![\w/])"
#: klog's JSON.
_NAMED = re.compile(r'\{"name":"([a-z0-9.-]+)","namespace":"([a-z0-9-]+)"\}')
_PORT = re.compile(_PAIR + r"(:[a-z0-9-]*)?")
_DNAT = re.compile(
    r'^-A KUBE-SEP-([A-Z2-7]{16}) (?:.* )?-p (\w+) .*comment "([^"/]+)/([^":]+)(:[^"]*)?" .*'
    r"--to-destination (\S+)$",
    re.MULTILINE,
)
# kube-proxy's nftables.go: HASH-ns/name/protocol/port, of an endpoint also __address/port.
_NFT = re.compile(
    r"\b([A-Z2-7]{8})-([a-z0-9-]+)/([a-z0-9.-]+)/(tcp|udp|sctp)/([a-z0-9-]*)(__[^\s;{},\"]+)?"
)


def _hash(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


class Pseudonyms:
    def __init__(self) -> None:
        self._given: dict[str, dict[tuple[str, ...], str]] = {}
        self._hashes: dict[str, str] = {}
        self._words: re.Pattern[str] | None = None
        self._counted = -1

    def _give(self, kind: str, *key: str) -> str:
        given = self._given.setdefault(kind, {})
        return given.setdefault(key, f"{kind}-{len(given) + 1}")

    def node(self, name: str) -> str:
        return self._give("node", name) if name else ""

    def namespace(self, name: str) -> str:
        return name if OWN_NAMESPACES.fullmatch(name) else self._give("ns", name)

    def is_own(self, namespace: str) -> bool:
        """A namespace whose objects keep their names; `default` keeps only its own."""
        return namespace != "default" and bool(OWN_NAMESPACES.fullmatch(namespace))

    def service(self, namespace: str, name: str) -> str:
        if self.is_own(namespace) or (namespace, name) == ("default", "kubernetes") or not name:
            return name
        return self._give("svc", namespace, name)

    def service_named(self, name: str) -> str:
        """The pseudonym of the only Service of this name, in whatever namespace; else empty."""
        given = self._given.get("svc", {})
        found = [pseudonym for key, pseudonym in given.items() if key[1] == name]
        return found[0] if len(found) == 1 else ""

    def pod(self, namespace: str, name: str) -> str:
        if not self.is_own(namespace):
            return self._give("pod", namespace, name) if name else ""
        for (node,), pseudonym in self._given.get("node", {}).items():
            if name.endswith(f"-{node}"):  # a static pod
                return name.removesuffix(node) + pseudonym
        return name

    def value(self, text: str) -> str:
        """A label's value, a zone, any other word."""
        return self._give("value", text) if text else ""

    def object(self, namespace: str, name: str) -> str:
        return name if self.is_own(namespace) else self._give("object", namespace, name)

    # Text

    def listing(self, text: str) -> str:
        """iptables or nft output: chain names, and comments."""
        self._learn_hashes(text)
        text = _COMMENT.sub(lambda found: self._pairs(found[1], known=False), text)
        text = _NFT.sub(self._nft, text)
        return _CHAIN.sub(lambda found: f"KUBE-{found[1]}-{self._hashed(found[2])}", text)

    def prose(self, text: str) -> str:
        """Logs and messages: NAMESPACE/NAME, and names of nodes and pods as words."""
        text = self._pairs(self.listing(text), known=True)
        text = _NAMED.sub(self._json_named, text)
        words = self._known_words()
        return words.sub(lambda found: self._word(found[0]), text) if words else text

    def _json_named(self, found: re.Match[str]) -> str:
        name, namespace = self._either(found[2], found[1]), self.namespace(found[2])
        return f'{{"name":"{name}","namespace":"{namespace}"}}'

    def _pairs(self, text: str, *, known: bool) -> str:
        """With `known`, only where the first word is a namespace met before."""

        def change(found: re.Match[str]) -> str:
            namespace, name = found[1], found[2]
            if known and not self._is_namespace(namespace):
                return found[0]
            if re.fullmatch(r"[\d.]+", namespace):  # a network
                return found[0]
            return f"{self.namespace(namespace)}/{self._either(namespace, name)}"

        return re.sub(_PAIR, change, text)

    def _is_namespace(self, name: str) -> bool:
        return bool(OWN_NAMESPACES.fullmatch(name)) or (name,) in self._given.get("ns", {})

    def _either(self, namespace: str, name: str) -> str:
        if (namespace, name) in self._given.get("pod", {}) or self.is_own(namespace):
            return self.pod(namespace, name)
        return self.service(namespace, name)

    def _nft(self, found: re.Match[str]) -> str:
        _, namespace, name, protocol, port, endpoint = found.groups()
        spelled = f"{self.namespace(namespace)}/{self.service(namespace, name)}/{protocol}/{port}"
        spelled += endpoint or ""
        return f"{_hash(spelled, 8)}-{spelled}"

    def learn_port(self, namespace: str, name: str, port: str) -> None:
        """The hashes of one port of a Service; `port` with its colon, or empty."""
        for suffix in dict.fromkeys((port, port or ":")):
            for protocol in _PROTOCOLS:
                new = f"{self.namespace(namespace)}/{self.service(namespace, name)}{suffix}"
                old = _hash(f"{namespace}/{name}{suffix}{protocol}", 16)
                self._hashes[old] = _hash(new + protocol, 16)

    def _learn_hashes(self, text: str) -> None:
        comments = dict.fromkeys(_COMMENT.findall(text))
        for namespace, name, port in dict.fromkeys(_ports(comments)):
            self.learn_port(namespace, name, port)
        for old, protocol, namespace, name, port, endpoint in _DNAT.findall(text):
            new = f"{self.namespace(namespace)}/{self.service(namespace, name)}{port}"
            self._hashes[old] = _hash(new + protocol + endpoint, 16)

    def _hashed(self, old: str) -> str:
        return self._hashes.setdefault(old, _hash(f"unknown {old}", 16))

    def _known_words(self) -> re.Pattern[str] | None:
        """All names of nodes and pods as words; made again when there are more."""
        count = sum(len(self._given.get(kind, {})) for kind in ("node", "pod"))
        if count != self._counted:
            self._counted = count
            names = sorted(
                {key[-1] for kind in ("node", "pod") for key in self._given.get(kind, {})}
            )
            joined = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            self._words = re.compile(rf"(?<![\w.])(?:{joined})(?![\w-])") if names else None
        return self._words

    def _word(self, name: str) -> str:
        if (name,) in self._given.get("node", {}):
            return self.node(name)
        key = next(k for k in self._given["pod"] if k[-1] == name)
        return self.pod(*key)


def _ports(comments: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for comment in comments:
        yield from _PORT.findall(comment)
