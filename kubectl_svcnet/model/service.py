"""The API objects that Services are made of, typed: only the fields that decide something."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from .address import Family, IPAddress, IPNetwork, Protocol, SocketAddress, family_of


class FrontendKind(str, Enum):
    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER_IP = "LoadBalancerIP"
    EXTERNAL_IP = "ExternalIP"


@dataclass(frozen=True, slots=True, order=True)
class ServiceName:
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    name: str  # "" for the unnamed port
    protocol: Protocol
    port: int
    target_port: str = ""
    node_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`load_balancer_ips` leaves out ingress entries with ipMode Proxy, as kube-proxy does since
    1.30 (KEP-1860); those are `proxied_ips`. `cluster_ips` is empty for a headless or ExternalName
    Service. `whole`: none of its ports and addresses was beyond reading."""

    name: ServiceName
    type: str
    ports: tuple[ServicePort, ...] = ()
    cluster_ips: tuple[IPAddress, ...] = ()
    external_ips: tuple[IPAddress, ...] = ()
    load_balancer_ips: tuple[IPAddress, ...] = ()
    proxied_ips: tuple[IPAddress, ...] = ()
    source_ranges: tuple[IPNetwork, ...] = ()
    internal_local: bool = False  # internalTrafficPolicy: Local
    external_local: bool = False  # externalTrafficPolicy: Local
    affinity_seconds: int | None = None  # sessionAffinity ClientIP
    selector: Mapping[str, str] = field(default_factory=dict)
    headless: bool = False
    external_name: str = ""
    other_proxy: str = ""  # label service.kubernetes.io/service-proxy-name; '""': without a name
    marked_headless: bool = False  # label service.kubernetes.io/headless, whatever its address
    health_check_node_port: int = 0
    publish_not_ready: bool = False
    resource_version: str = ""
    aware_hints: str = ""  # annotation topology-aware-hints, which goes before topology-mode
    topology_mode: str = ""
    whole: bool = True

    @property
    def externally_accessible(self) -> bool:
        """kube-proxy's ExternallyAccessible (pkg/proxy/serviceport.go): a node port, a load
        balancer address or an external IP leads to it."""
        return bool(
            self.external_ips
            or self.load_balancer_ips
            or any(port.node_port for port in self.ports)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontend:
    """What a client dials. `address` is None for a NodePort: it is dialled at each node's own."""

    service: ServiceName
    kind: FrontendKind
    address: IPAddress | None
    port: int
    protocol: Protocol
    port_name: str
    family: Family

    def __str__(self) -> str:
        where = SocketAddress(self.address, self.port) if self.address else f":{self.port}"
        return f"{where}/{self.protocol.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of one slice, for one of its ports. kube-proxy's reading of the conditions
    (pkg/proxy/endpointslicecache.go): ready and serving count when they are missing."""

    address: SocketAddress
    port_name: str
    protocol: Protocol
    node: str = ""
    pod: str = ""
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    zone_hints: frozenset[str] = frozenset()
    node_hints: frozenset[str] = frozenset()
    headless: bool = False  # its slice has the label headless, and is not watched
    other_proxy: bool = False  # its slice has the label service-proxy-name
    twins: tuple[Endpoint, ...] = ()  # the same address in other slices that say otherwise of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`virtual`: a Fargate or virtual-kubelet node, which has no kernel of its own to read.
    `proxy_off`: where it is written that no kube-proxy runs there."""

    name: str
    addresses: tuple[IPAddress, ...] = ()  # InternalIPs, in the API's order
    pod_cidrs: tuple[IPNetwork, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    ready: bool = True
    os: str = "linux"
    kernel: str = ""
    kubelet: str = ""
    virtual: bool = False
    proxy_off: str = ""
    external_addresses: tuple[IPAddress, ...] = ()

    @property
    def zone(self) -> str:
        return self.labels.get("topology.kubernetes.io/zone", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """What a container says that it listens on; it need not say so."""

    number: int
    protocol: Protocol
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    name: str
    image: str = ""
    command: tuple[str, ...] = ()  # command and args, one after the other
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)  # volume name: path
    sub_paths: Mapping[str, str] = field(default_factory=dict)  # volume name: part of it
    running: bool = False
    restarts: int = 0
    started: str = ""  # RFC 3339, as the API writes it
    ended: str = ""  # when the run before this one did
    ended_why: str = ""  # "Error, exit code 2"
    waiting: str = ""  # why it has not started, as "CrashLoopBackOff"
    ports: tuple[ContainerPort, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    namespace: str
    name: str
    node: str = ""
    addresses: tuple[IPAddress, ...] = ()
    host_network: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    phase: str = ""
    ready: bool = False
    deleting: bool = False
    unready_why: str = ""  # of its condition Ready
    created: str = ""
    containers: tuple[Container, ...] = ()
    sidecar_ports: tuple[ContainerPort, ...] = ()  # of init containers that keep running
    config_maps: Mapping[str, str] = field(default_factory=dict)  # volume name: ConfigMap
    config_keys: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict
    )  # volume name: key by path
    host_paths: Mapping[str, str] = field(default_factory=dict)  # volume name: path on the node

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def ports(self) -> tuple[ContainerPort, ...]:
        """Those among which a targetPort by name is looked up, in this order."""
        return (*(port for c in self.containers for port in c.ports), *self.sidecar_ports)

    def container(self, name: str) -> Container | None:
        return next((c for c in self.containers if c.name == name), None)

    def config_at(self, container: Container, file: str) -> tuple[str, str] | None:
        """The ConfigMap that the container has mounted where the file lies, and the file's key
        in it: its name, unless the volume or the mount gives it another."""
        folder, _, name = file.rpartition("/")
        for volume, config_map in self.config_maps.items():
            path = container.mounts.get(volume, "").rstrip("/")
            if path and path in (folder, file):
                held = container.sub_paths.get(volume, name) if path == file else name
                return config_map, self.config_keys.get(volume, {}).get(held, held)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMap:
    namespace: str
    name: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What was observed of an object. Times are RFC 3339; `node`: where it was seen."""

    kind: str
    namespace: str
    name: str
    type: str = ""  # Normal, Warning
    reason: str = ""
    message: str = ""
    node: str = ""
    first: str = ""
    last: str = ""
    count: int = 1
    version: int = 0  # in the order in which they were stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One EndpointSlice by itself. `changed`: when its fields last did, and who did it, as far
    as the API keeps it (RFC 3339, whole seconds)."""

    name: ServiceName
    service: ServiceName | None = None
    endpoints: tuple[Endpoint, ...] = ()
    created: str = ""
    changed: str = ""
    changed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What the API said in one reading. None: that list was not read (the gap says why)."""

    nodes: tuple[Node, ...] | None = None
    every: tuple[Node, ...] = ()  # also those that --node leaves out: clients may be there
    agents: tuple[Pod, ...] | None = None  # pods that program or may read a node
    read_at: float = 0.0


def pods_on(node: Node, pods: Iterable[Pod] | None) -> tuple[Pod, ...]:
    return tuple(pod for pod in pods or () if pod.node == node.name)


def frontends(service: Service) -> tuple[Frontend, ...]:
    """Everything a client may dial, in the API's order; none for a headless, ExternalName or
    otherwise proxied Service (kube-proxy skips those: pkg/proxy/util/utils.go ShouldSkipService).
    """
    elsewhere = service.headless or service.external_name or service.other_proxy
    if elsewhere or not service.cluster_ips:
        return ()
    found = []
    families = [family_of(address) for address in service.cluster_ips]
    for port in service.ports:
        places: list[tuple[FrontendKind, IPAddress | None, int, Family]] = [
            (FrontendKind.CLUSTER_IP, address, port.port, family_of(address))
            for address in service.cluster_ips
        ]
        if port.node_port:
            places += [(FrontendKind.NODE_PORT, None, port.node_port, f) for f in families]
        places += [
            (kind, address, port.port, family_of(address))
            for kind, addresses in (
                (FrontendKind.LOAD_BALANCER_IP, service.load_balancer_ips),
                (FrontendKind.EXTERNAL_IP, service.external_ips),
            )
            for address in addresses
            if family_of(address) in families
        ]
        found += [
            Frontend(
                service=service.name,
                kind=kind,
                address=address,
                port=number,
                protocol=port.protocol,
                port_name=port.name,
                family=family,
            )
            for kind, address, number, family in places
        ]
    return tuple(found)


def endpoints_of(frontend: Frontend, endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Those of this frontend's port name, protocol and family."""
    return tuple(
        endpoint
        for endpoint in endpoints
        if endpoint.port_name == frontend.port_name
        and endpoint.protocol is frontend.protocol
        and family_of(endpoint.address.address) is frontend.family
    )


def dialled(frontend: Frontend, node: Node) -> IPAddress | None:
    """The address that reaches the frontend on this node; a NodePort's is the node's first
    InternalIP of the family."""
    if frontend.kind is not FrontendKind.NODE_PORT:
        return frontend.address
    return next((a for a in node.addresses if family_of(a) is frontend.family), None)
