"""What becomes of the first packet of a flow. A walk answers the *set* of possible fates."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from .address import Family, IPAddress, SocketAddress


class Backend(str, Enum):
    """Which kernel interface a rule was loaded through."""

    NFT = "nft"
    LEGACY = "legacy"
    NFTABLES = "nftables"  # native nftables; the two above are iptables
    IPVS = "ipvs"  # no rules: virtual servers


#: The two that iptables can be; one machine may have rules in both.
IPTABLES = (Backend.NFT, Backend.LEGACY)


class FateKind(str, Enum):
    ENDPOINT = "endpoint"  # arrives, translated, at `endpoint`
    LOCAL = "local"  # delivered to this node, untranslated
    PASS = "pass"  # sent on, untranslated
    REJECT = "reject"
    DROP = "drop"
    UNKNOWN = "unknown"  # because of a rule that is not understood: `because`
    UNREAD = "unread"  # a chain, map or set was not read: `unread`


#: What is remembered without a limit.
FOR_EVER = 0


class ChainId(NamedTuple):
    """One chain of one table. `str` is the contract's spelling: nat/CHAIN, legacy:nat/CHAIN, and
    for native nftables, whose `table` is family and name, ip kube-proxy/CHAIN. There a set or
    map that was not read is named like a chain, with the @ of rules before its name. A virtual
    server of IPVS is ipvs/ADDR:PORT, and has no number."""

    family: Family
    backend: Backend
    table: str
    chain: str

    def __str__(self) -> str:
        prefix = "legacy:" if self.backend is Backend.LEGACY else ""
        return f"{prefix}{self.table}/{self.chain}"


@dataclass(frozen=True, slots=True)
class RuleRef:
    """A rule that the packet met: its chain, its number from 1, its own text, and the chain that
    it led this packet to, which the text of a verdict map does not tell. `remembers`: for how many
    seconds it knows a client again (FOR_EVER), or what may be meant by how it is listed; empty
    where it does not, or that is not known."""

    chain: ChainId
    number: int
    raw: str
    into: str = field(default="", compare=False)
    remembers: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        if self.chain.backend is Backend.IPVS:
            return str(self.chain)
        return f"{self.chain}:{self.number}"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a walk that a person can follow (`--explain`, `packet`)."""

    hook: str  # PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING, ROUTING
    rule: RuleRef | None  # None: the policy of a base chain, or a routing decision
    action: str  # what it did, in words: "jump KUBE-SVC-…", "mark 0x4000", "policy ACCEPT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One possible end of the walk.

    `probability` is None where state or time decides (affinity, limits, hashes); the
    probabilities of all fates of a walk otherwise add up to 1. `masquerade` is None where it
    could not be decided, and for fates that never leave. `rules` are those that decided:
    every jump, goto, translation, mark and verdict on the way, in order.
    """

    kind: FateKind
    endpoint: SocketAddress | None = None
    probability: float | None = 1.0
    masquerade: bool | None = None
    source: IPAddress | None = None  # the source after translation, where it is known
    rules: tuple[RuleRef, ...] = ()
    steps: tuple[Step, ...] = ()
    because: str = ""  # for UNKNOWN: the rule and what in it; for REJECT and DROP: the rule
    unread: frozenset[ChainId] = frozenset()
    translated_by: RuleRef | None = None  # the rule that gave it its new destination
