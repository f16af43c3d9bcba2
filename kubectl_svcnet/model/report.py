"""What a command found out, before anybody decides how it looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .address import SocketAddress
from .fate import Fate
from .finding import Finding, Gap, Level
from .iprange import AddressUse, IPRange
from .logline import LogLine
from .packet import Client, Packet, PacketId
from .proxystate import ProxyState
from .rights import Right
from .service import Endpoint, Frontend, Service
from .state import Change


class Verdict(str, Enum):
    """Of one frontend on one node; in this order the first that holds is the verdict."""

    UNREAD = "unread"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    BLOCKED = "blocked"
    POLICY = "policy"
    DIVERTED = "diverted"
    STALE = "stale"
    MISSING = "missing"
    UNBALANCED = "unbalanced"
    OK = "ok"


#: The verdicts that are errors (product.md, "Verdicts").
FAULTS = frozenset(
    (
        Verdict.ABSENT,
        Verdict.BLOCKED,
        Verdict.DIVERTED,
        Verdict.STALE,
        Verdict.MISSING,
        Verdict.UNBALANCED,
    )
)


class Defect(str, Enum):
    """Of packets that arrive where they should: what is wrong all the same. Findings, no
    verdicts."""

    UNSTICKY = "unsticky"  # session affinity is asked for, and nothing remembers clients
    MISTIMED = "mistimed"  # clients are remembered, for another time than it says
    UNMASQUERADED = "unmasqueraded"  # their source should change
    MASQUERADED = "masqueraded"  # their source should be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """How an answer came about. `bytes` are those read from nodes: stdout, stderr and logs."""

    context: str = ""
    started_at: float = 0.0
    seconds: float = 0.0
    nodes: int = 0
    nodes_read: int = 0
    execs: int = 0
    bytes: int = 0
    reread: tuple[str, ...] = ()  # nodes read again because they differed
    waited: float = 0.0  # seconds spent settling


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the API asks this node to do with one client's packets for one frontend.

    `endpoints` empty means a refusal is asked for. `alternatives` are further endpoint sets
    that are right too, where the API alone does not settle it (kube-proxy's detect-local mode
    decides whether a pod counts as inside: pkg/proxy/iptables/proxier.go). `may_pass`: where a
    refusal is asked for, going on untranslated is as right. `masquerade`: should the source
    change, unless the packet returns to its sender, or ends on this node itself (`here`)? None:
    not known, or either is right.
    """

    endpoints: frozenset[SocketAddress]
    alternatives: tuple[frozenset[SocketAddress], ...] = ()
    may_pass: bool = False
    masquerade: bool | None = None
    here: frozenset[SocketAddress] = frozenset()  # endpoints at the node's own addresses
    affinity: int | None = None  # the seconds that a client stays with its endpoint
    why: str = ""  # of a refusal: "no endpoints", "no local endpoints", "outside source ranges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One packet that stands for a client, and what the API wants of it. `note` says what was
    assumed, as "a free address of the node's podCIDR"."""

    client: Client
    packet: Packet
    expectation: Expectation
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """The fates of one asked packet."""

    asked: Asked
    fates: tuple[Fate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTrace:
    """One frontend on one node. `problems` lists every verdict that holds, worst first, and
    `defects` what is wrong with packets that arrive.
    `settled` is False while a difference has not outlived --settle."""

    node: str
    dataplane: str
    verdict: Verdict
    address: str | None = None  # where a NodePort was dialled
    problems: tuple[Verdict, ...] = ()
    defects: tuple[Defect, ...] = ()
    expected: tuple[SocketAddress, ...] = ()
    reached: tuple[SocketAddress, ...] = ()
    missing: tuple[SocketAddress, ...] = ()
    stale: tuple[SocketAddress, ...] = ()
    walks: tuple[Walk, ...] = ()
    settled: bool = True
    reason: str = ""  # for unread and unknown: why; for missing: an own chain that leads nowhere
    excused: bool = False  # unread, and nothing is amiss for it: its gap does not block

    @property
    def amiss(self) -> bool:
        """Does it differ from what the API asks?"""
        return bool(self.defects or FAULTS.intersection(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontendTrace:
    frontend: Frontend
    endpoints: tuple[Endpoint, ...]
    nodes: tuple[NodeTrace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTrace:
    """`sentence` replaces the frontends of a headless or ExternalName Service. `blind`: its
    endpoints were not read."""

    service: Service
    endpoints: tuple[Endpoint, ...] = ()
    blind: bool = False
    frontends: tuple[FrontendTrace, ...] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """One step of the documented way by hand: the command, and the lines it would yield.
    `service` is "" for a step about the cluster or a node."""

    title: str
    command: str
    lines: tuple[str, ...] = ()
    note: str = ""  # why it cannot be done through a pod, or what its lines mean
    service: str = ""  # ns/name


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseReport:
    """`missing`: named Services that do not exist, in kubectl's words."""

    collected: Collected
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReport(BaseReport):
    services: tuple[ServiceTrace, ...] = ()
    steps: tuple[ByHand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far a check looked, in Services: each counts once, as the worst of what it is on any
    node. `where`: the nodes on which some differ. `unsettled` ones differ for now."""

    ok: int = 0
    differ: int = 0
    where: tuple[str, ...] = ()
    unsettled: int = 0
    unknown: int = 0
    without: int = 0  # no frontends, so no rules on any node
    nodes: int = 0
    nodes_read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport(BaseReport):
    """`fails`: the level from which on a finding fails the run; None: never. `continued`: it goes
    on from a report before it, as `-w` does: of findings it has what is new, and what is `gone`."""

    coverage: Coverage = field(default_factory=Coverage)
    services: tuple[ServiceTrace, ...] = ()
    fails: Level | None = Level.ERROR
    continued: bool = False
    gone: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RangesReport(BaseReport):
    """`steps`: per source what a person would type, where it was asked for."""

    ranges: tuple[IPRange, ...] = ()
    steps: tuple[ByHand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressesReport(BaseReport):
    addresses: tuple[AddressUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsReport(BaseReport):
    """`nodes`: all that were asked, whether or not a line is theirs. `continued`: it goes on from
    a report before it, as `-f` does."""

    lines: tuple[LogLine, ...] = ()
    nodes: tuple[str, ...] = ()
    continued: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyReport(BaseReport):
    proxies: tuple[ProxyState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCommand:
    node: str
    pod: str
    argv: str
    shows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport(BaseReport):
    """The first round of commands, none of which was run, and what may follow."""

    commands: tuple[PlannedCommand, ...] = ()
    may_follow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotReport(BaseReport):
    file: str = ""
    size: int = 0
    captures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFates:
    """What becomes of one packet. `node` is "" where its rules were saved text."""

    id: PacketId
    packet: Packet
    fates: tuple[Fate, ...]
    node: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketsReport(BaseReport):
    """`explained`: the fates tell their walk; of many packets only their ends are shown."""

    packets: tuple[PacketFates, ...] = ()
    explained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """`needed_for`: commands as they are typed; `shows` what is not seen without it. `required`:
    without it those commands that were asked about cannot do their work."""

    right: Right
    needed_for: tuple[str, ...]
    shows: str
    allowed: bool | None  # None: nobody could be asked
    required: bool = False
    extra: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsReport(BaseReport):
    permissions: tuple[Permission, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffReport(BaseReport):
    """`before` and `after`: what was compared, as the user named it."""

    before: str = ""
    after: str = ""
    changes: tuple[Change, ...] = ()
