"""What is known of the proxy of one node: configured, running, programmed, and how it fares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import Family, IPNetwork
from .counted import counted


class Harm(str, Enum):
    """What a leftover does to packets, as the simulator finds."""

    HARMLESS = "harmless"
    CHANGES = "changes the path of packets"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Rules of another mode, backend or program than the one at work. `because` says what was
    walked, or which packet goes another way for it."""

    what: str  # "212 KUBE-* chains (iptables, legacy)"
    harm: Harm = Harm.UNKNOWN
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A kube-proxy's configuration, as far as it is compared. A `mode` of "" leaves it to
    kube-proxy. `node_port_addresses` are () for the primary ones, and for all. `interface`: the
    bridge, or the names' beginning, by which it detects its pods. `source`: "configmap
    kube-system/kube-proxy", "flags of pod …", "/configz"."""

    mode: str = ""
    cluster_cidr: tuple[IPNetwork, ...] = ()
    detect_local: str = ""
    node_port_addresses: tuple[IPNetwork, ...] = ()
    interface: str = ""
    masquerade_all: bool = False
    no_external_ips: bool = False
    source: str = ""
    changed: float | None = None  # when it was last edited, seconds since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """What of a node's kube-proxy decides, beside the API's objects, what it should program.
    `minor`: of its version, 1.36 is 36. None: not known."""

    ipvs: bool = False
    minor: int | None = None
    setting: Setting | None = None


UNKNOWN = Conduct()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Of GET /metrics, over both families: the oldest sync that is still due counts. A counter
    of failures is 0 until it counts; None: of a kube-proxy that was not asked. `families` are those
    of which it counts syncs; before 1.33 it does not tell."""

    last_sync: float | None = None
    last_queued: float | None = None
    late_by: float = 0.0  # by how much `queued` exceeds `last_timestamp`, in the worst family
    failures: int = 0
    partial_failures: int = 0  # of partial restores: a full one follows each
    families: tuple[Family, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What kube-proxy says of itself. `mode` is that of /proxyMode, `log_mode` its log's. None:
    not read."""

    mode: str = ""
    log_mode: str = ""
    log_version: str = ""
    setting: Setting | None = None  # of /configz
    metrics: Metrics | None = None
    healthy: bool | None = None
    failed_syncs: tuple[str, ...] = ()  # lines of its log

    @property
    def running(self) -> str:
        """An endpoint beats the log, the log beats nothing."""
        return self.mode or (self.setting.mode if self.setting else "") or self.log_mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """Why kube-proxy's container does not run ("CrashLoopBackOff"); `starting`: its pod was made
    less than a minute before."""

    why: str
    restarts: int = 0
    starting: bool = False

    def __str__(self) -> str:
        times = f", {counted(self.restarts, 'restart')}" if self.restarts else ""
        return f"{self.why}{times}"


class SyncState(str, Enum):
    UP_TO_DATE = "up to date"
    LATE = "late"
    FAILING = "failing"
    STOPPED = "stopped"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """`unseen`: a change of the API that the kernel does not show although it is old enough."""

    state: SyncState = SyncState.UNKNOWN
    why: str = ""
    metrics: Metrics | None = None
    healthy: bool | None = None
    unseen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyState:
    """One node. `owner` is the dataplane ("kube-proxy/iptables", "cilium"); `pod` "ns/name" of
    kube-proxy, "" where it has none. `programmed` are the modes that the kernel shows, None: it
    was not read. `process` is the letter of /proc/1/status; `others` are other proxies whose
    agents run beside kube-proxy. `apart`: Windows or a virtual node, unlike the others by nature.
    `bare`: families of the node of which the kernel shows no rules, while it shows the other's;
    `serves`: those that kube-proxy says it serves, () if it was not asked or does not say, and
    `witness` what says so.
    """

    node: str
    owner: str
    apart: bool = False
    pod: str = ""
    configured: Setting | None = None
    told: Told = Told()
    programmed: tuple[str, ...] | None = None
    bare: tuple[Family, ...] = ()
    serves: tuple[Family, ...] = ()
    witness: str = ""
    backend: str = ""  # of iptables: nft, legacy
    backends: tuple[str, ...] = ()  # all that hold rules of kube-proxy
    version: str = ""
    kernel: str = ""
    nft: str = ""  # version of the image's nft
    down: Down | None = None
    process: str = ""
    restarts: int = 0
    started: float | None = None
    sync: Sync = Sync()
    leftovers: tuple[Leftover, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def running(self) -> str:
        return self.told.running

    @property
    def setting(self) -> Setting:
        """What it runs with, as far as anybody says; its configuration may be newer."""
        return self.told.setting or self.configured or Setting()
