"""IP ranges that a cluster uses, and where each one is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .address import Family, IPAddress, IPNetwork
from .service import Endpoint, Node, Pod, Service, ServiceName

#: The allocator of node.spec.podCIDRs (kube-controller-manager's node-ipam-controller), which gives
#: a node one range per family and never another.
NODE_IPAM = "node-ipam"

#: Others that cut the nodes' ranges out of the cluster's, once for each node and family; and two
#: that give a node further ones as it needs them.
CILIUM, OVN_KUBERNETES, OPENSHIFT_SDN = "cilium", "ovn-kubernetes", "openshift-sdn"
CALICO, CILIUM_POOLS = "calico", "cilium pools"

#: Whoever gives pods addresses of a cloud's network, in which the nodes are too.
CLOUD_NETWORK = "cloud network"


class RangeKind(str, Enum):
    SERVICE = "Service"
    POD = "Pod"
    NODE = "Node"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    TUNNEL = "Tunnel"
    GIVEN = "Given"  # the caller's own, of --with


class Confidence(str, Enum):
    STATED = "stated"  # a configuration says so
    OBSERVED = "observed"  # seen in use
    ASSUMED = "assumed"  # a default, or derived


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeClaim:
    """One place that says (or shows) one range. For a NodePort, `ports` instead of `network`.

    Claims of the same `statement` are parts of one whole: the two CIDRs of one flag, or all
    ServiceCIDR objects together. Statements can disagree, their parts cannot.
    """

    kind: RangeKind
    source: str  # "kube-apiserver --service-cluster-ip-range"
    object: str  # "pod kube-system/kube-apiserver-n1"
    confidence: Confidence
    network: IPNetwork | None = None
    ports: tuple[int, int] | None = None
    node: str = ""
    evidence: str = ""  # the line or field itself, raw
    address: IPAddress | None = None  # the node's own address inside it (a bridge's, a tunnel's)
    allocator: str = ""  # who cuts the nodes' ranges of this name out of the cluster's
    statement: str = ""
    local: bool = False  # by it kube-proxy tells who is inside the cluster
    closed: bool = False  # nobody is given a further address of it

    @property
    def text(self) -> str:
        """The range as it names a row: "10.96.0.0/16", "30000-32767"."""
        if self.ports:
            return f"{self.ports[0]}-{self.ports[1]}"
        return str(self.network)

    @property
    def value(self) -> str:
        """What this place says: the range, or the node's address with the range's prefix."""
        if self.address is not None and self.network is not None:
            return f"{self.address}/{self.network.prefixlen}"
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class CNIFiles:
    """The configurations of network plugins that a node has, the one that counts first."""

    node: str
    names: tuple[str, ...]
    object: str = ""  # where they were seen
    next: str = ""  # what shows them


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Of a range that is cut up among nodes: how many of its parts they have, and how many are
    left, each as long as most are."""

    noun: str  # what a part is for: "node"; "block", where a node gets further ones
    length: int  # of a part's prefix
    given: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IPRange:
    """One range with every claim of it. `used`, `size` and `room` are None where they are not
    known."""

    kind: RangeKind
    text: str  # "10.96.0.0/16", "30000-32767"
    claims: tuple[RangeClaim, ...]
    family: Family | None = None
    network: IPNetwork | None = None
    node: str = ""
    used: int | None = None
    size: int | None = None
    room: Room | None = None

    @property
    def closed(self) -> bool:
        """Whoever hands addresses out gives none of it: another object of the same statement, as a
        second ServiceCIDR, may still hold it open; what others say of it changes nothing."""
        shut = {claim.statement for claim in self.claims if claim.closed}
        deciding = [claim for claim in self.claims if claim.statement in shut]
        return bool(deciding) and all(claim.closed for claim in deciding)


class AddressState(str, Enum):
    ALLOCATED = "allocated"
    FREE = "free"  # of a range whose holders are all known
    RESERVED = "reserved"  # nobody is ever given it
    OUTSIDE = "outside"  # of every range that is known
    UNKNOWN = "unknown"  # inside a range, not all of whose holders are known


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressUse:
    """One thing that an address is. `kind` "", where nothing is known of it."""

    address: IPAddress
    state: AddressState
    kind: str = ""  # "ClusterIP", "Pod", "Loopback"
    owner: str = ""  # "service default/db (mysql 3306/TCP)"
    range: str = ""  # the narrowest of its kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Who holds addresses and node ports, of one reading of the API's lists. None: that list
    was not read (the gap says why), which is not the same as empty. `counted`: `pods` are all
    that there are, not only those that may program nodes. `doubtful`: an object could not be
    read, so nobody knows what it holds. For an address alone are read: `endpoints`; and of what no
    Service has in a Service range, `allocated` by owner."""

    pods: tuple[Pod, ...] | None = None
    counted: bool = True
    doubtful: bool = False
    services: tuple[Service, ...] | None = None
    nodes: tuple[Node, ...] | None = None
    endpoints: Mapping[ServiceName, tuple[Endpoint, ...]] | None = None
    allocated: Mapping[IPAddress, str] = field(default_factory=dict)


def holds_address(pod: Pod) -> bool:
    """The pod has an address of its own, and holds it: a pod that ended has given it back."""
    return bool(pod.addresses) and not pod.host_network and pod.phase not in _ENDED


_ENDED = ("Succeeded", "Failed")
