"""Rights: what each command asks of the API server. The one table of it.

`permissions` asks the API server row by row, docs/rbac.md is made from it, and `cluster` sends no
request that is not in it (law 3): what stands here is all that this tool can ever ask for. Reviews
of one's own rights and what every user may read (/version) need no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from .capture import (
    ApiRequest,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    ProbeRequest,
    Request,
    ReviewRequest,
)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """`resource` as kubectl writes it: pods/exec, endpointslices.discovery.k8s.io. A `namespace`
    of "" is all of them, or none where the resource has none; a `name` of "" is any."""

    resource: str
    verb: str
    namespace: str = ""
    name: str = ""

    @property
    def parts(self) -> tuple[str, str, str]:
        """Resource, subresource, API group."""
        plural, _, group = self.resource.partition(".")
        resource, _, subresource = plural.partition("/")
        return resource, subresource, group

    @property
    def named(self) -> str:
        return self.resource + (f"/{self.name}" if self.name else "")

    @property
    def object(self) -> str:
        """What it is about, as words for kubectl."""
        if self.namespace:
            return f"{self.named} -n {self.namespace}"
        everywhere = not self.name and self.resource not in CLUSTER_SCOPED
        return f"{self.named} -A" if everywhere else self.named

    def can_i(self) -> str:
        """The command that asks for it. kubectl reads `pods/exec` as the pod named exec; a
        subresource is a flag."""
        _, subresource, _ = self.parts
        words = self.object
        if subresource:
            words = words.replace(f"/{subresource}", f" --subresource={subresource}", 1)
        return f"kubectl auth can-i {self.verb} {words}"


class Where(str, Enum):
    """The values stand in docs/rbac.md."""

    CLUSTER = "everywhere"
    SERVICES = "the namespace asked for; with `-A` everywhere"
    AGENTS = "where kube-proxy and network plugins run: kube-system"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One row: with `verbs` of `resource` these `commands` see what is in `shows`."""

    verbs: tuple[str, ...]
    resource: str
    where: Where
    commands: tuple[str, ...]
    shows: str
    names: tuple[str, ...] = ()  # objects, where not all
    since: tuple[int, int] = (0, 0)  # the first Kubernetes that asks for it
    product: str = ""  # only where it is installed
    extra: bool = False  # for a flag that few want: not in the least Role

    def __contains__(self, right: Right) -> bool:
        return right.verb in self.verbs and right.resource == self.resource


CLUSTER_SCOPED = frozenset(
    {
        "ipaddresses.networking.k8s.io",
        "namespaces",
        "nodes",
        "servicecidrs.networking.k8s.io",
    }
)
SLICES = "endpointslices.discovery.k8s.io"
#: From here on a WebSocket needs create as well: AuthorizePodWebsocketUpgradeCreatePermission of
#: the API server.
UPGRADE = (1, 35)

_NODES = ("trace", "check", "diff", "logs", "packet", "proxy", "ranges", "snapshot")
#: A trace reaches its verdict without, only less exactly.
_TRACE = "trace (if granted)"
#: Whose address or node port it is stands in any namespace.
_BY_ADDRESS = ("trace ADDRESS", "logs ADDRESS", "check ADDRESS")
_EXEC = "what a node's kernel is programmed with"
_LOGS = "kube-proxy's mode, ranges and changes of Services that are written in logs"
_FORWARD = "what kube-proxy answers: mode, configuration, syncs, health"


def _listed(resource: str, product: str, shows: str = "its ranges") -> Need:
    return Need(
        verbs=("list",),
        resource=resource,
        where=Where.CLUSTER,
        commands=("check", "diff", "ranges", "snapshot"),
        shows=shows,
        product=product,
    )


NEEDS: tuple[Need, ...] = (
    Need(
        verbs=("get", "list"),
        resource="services",
        where=Where.SERVICES,
        commands=("trace", "check", "logs"),
        shows="the Services",
    ),
    Need(
        verbs=("list",),
        resource=SLICES,
        where=Where.SERVICES,
        commands=("trace", "check", "logs"),
        shows="their endpoints",
    ),
    Need(
        verbs=("list",),
        resource="nodes",
        where=Where.CLUSTER,
        commands=_NODES,
        shows="which nodes there are",
    ),
    Need(
        verbs=("list",),
        resource="pods",
        where=Where.CLUSTER,
        commands=_NODES,
        shows="through which pods nodes are read, and who might be a client",
    ),
    Need(
        verbs=("get",),
        resource="pods/exec",
        where=Where.AGENTS,
        commands=_NODES,
        shows=_EXEC,
    ),
    Need(
        verbs=("create",),
        resource="pods/exec",
        where=Where.AGENTS,
        commands=_NODES,
        shows=_EXEC,
        since=UPGRADE,
    ),
    Need(
        verbs=("get",),
        resource="pods/log",
        where=Where.AGENTS,
        commands=("logs", "check", "diff", "proxy", "ranges", "snapshot", "trace --steps", _TRACE),
        shows=_LOGS,
    ),
    Need(
        verbs=("get",),
        resource="pods/portforward",
        where=Where.AGENTS,
        commands=("check", "diff", "proxy", "snapshot"),
        shows=_FORWARD,
    ),
    Need(
        verbs=("create",),
        resource="pods/portforward",
        where=Where.AGENTS,
        commands=("check", "diff", "proxy", "snapshot"),
        shows=_FORWARD,
        since=UPGRADE,
    ),
    Need(
        verbs=("get",),
        resource="configmaps",
        where=Where.AGENTS,
        commands=("check", "diff", "proxy", "ranges", "snapshot", _TRACE),
        shows="what kube-proxy, kubeadm and network plugins are configured with",
        names=("kube-proxy", "kubeadm-config"),
    ),
    Need(
        verbs=("list",),
        resource="services",
        where=Where.CLUSTER,
        commands=("check", "diff", "proxy", "ranges", "snapshot", "trace -A", *_BY_ADDRESS[:2]),
        shows="the Services of all namespaces",
    ),
    Need(
        verbs=("list",),
        resource=SLICES,
        where=Where.CLUSTER,
        commands=("diff", "proxy", "snapshot", "check -A", "trace -A", *_BY_ADDRESS),
        shows="their endpoints",
    ),
    Need(
        verbs=("get",),
        resource="pods",
        where=Where.CLUSTER,
        commands=("packet NS/POD", "check --from", "trace --from"),
        shows="the address and node of a pod that sends",
    ),
    Need(
        verbs=("list",),
        resource="events",
        where=Where.SERVICES,
        commands=("logs",),
        shows="Events of the Service and its pods",
    ),
    Need(
        verbs=("list",),
        resource="events",
        where=Where.CLUSTER,
        commands=("snapshot",),
        shows="Events of all namespaces",
    ),
    Need(
        verbs=("watch",),
        resource="events",
        where=Where.SERVICES,
        commands=("logs -f",),
        shows="Events that come",
    ),
    Need(
        verbs=("watch",),
        resource=SLICES,
        where=Where.SERVICES,
        commands=("logs -f",),
        shows="changes of endpoints that come",
    ),
    Need(
        verbs=("list",),
        resource="networkpolicies.networking.k8s.io",
        where=Where.SERVICES,
        commands=("check",),
        shows="by which policies endpoints are isolated, and whom those let in",
    ),
    Need(
        verbs=("list",),
        resource="networkpolicies.networking.k8s.io",
        where=Where.CLUSTER,
        commands=("snapshot", "check -A"),
        shows="the policies of all namespaces",
    ),
    Need(
        verbs=("list",),
        resource="servicecidrs.networking.k8s.io",
        where=Where.CLUSTER,
        commands=("check", "diff", "ranges", "snapshot", "trace --steps"),
        shows="the API server's Service ranges (from 1.31 on)",
    ),
    Need(
        verbs=("get",),
        resource="ipaddresses.networking.k8s.io",
        where=Where.CLUSTER,
        commands=("ranges --ip",),
        shows="whether an address that no Service has is given out anyway",
        since=(1, 31),
    ),
    Need(
        verbs=("get",),
        resource="services",
        where=Where.CLUSTER,
        commands=("ranges --ip",),
        shows="whether the Service exists that such an address is given to",
        since=(1, 31),
    ),
    Need(
        verbs=("create",),
        resource="services",
        where=Where.DEFAULT,
        commands=("ranges --probe",),
        shows="the Service ranges, by a dry-run that is refused; nothing is created",
        extra=True,
    ),
    Need(
        verbs=("list",),
        resource="namespaces",
        where=Where.CLUSTER,
        commands=("completion",),
        shows="their names: to complete one, and to tell one that does not exist",
        extra=True,
    ),
    _listed("blockaffinities.crd.projectcalico.org", "Calico"),
    _listed("blockaffinities.projectcalico.org", "Calico"),
    _listed("bgpconfigurations.crd.projectcalico.org", "Calico"),
    _listed("bgpconfigurations.projectcalico.org", "Calico"),
    _listed("ippools.crd.projectcalico.org", "Calico"),
    _listed("ippools.projectcalico.org", "Calico"),
    _listed("ciliumloadbalancerippools.cilium.io", "Cilium"),
    _listed("ciliumnodes.cilium.io", "Cilium"),
    _listed("ciliumpodippools.cilium.io", "Cilium"),
    _listed("clusternetworks.network.openshift.io", "OpenShift SDN"),
    _listed("eips.network.kubesphere.io", "OpenELB"),
    _listed("externalippools.crd.antrea.io", "Antrea"),
    _listed("hostsubnets.network.openshift.io", "OpenShift SDN"),
    _listed("ipaddresspools.metallb.io", "MetalLB"),
    _listed("ippools.crd.antrea.io", "Antrea"),
    _listed("nodenetworkconfigs.acn.azure.com", "Azure CNI"),
    _listed("subnets.kubeovn.io", "Kube-OVN"),
    Need(
        verbs=("get",),
        resource="networks.config.openshift.io",
        where=Where.CLUSTER,
        commands=("check", "diff", "ranges", "snapshot"),
        shows="its ranges",
        names=("cluster",),
        product="OpenShift",
    ),
)


def rights_of(request: Request, *, follow: bool = False) -> tuple[Right, ...]:
    """What a request needs; nothing where every user may ask."""
    match request:
        case ApiRequest():
            return tuple(_api_right(request, follow))
        case LogRequest(namespace=namespace):
            return (Right("pods/log", "get", namespace),)
        case ExecRequest(namespace=namespace):
            return tuple(Right("pods/exec", verb, namespace) for verb in ("get", "create"))
        case ForwardRequest(namespace=namespace):
            return tuple(Right("pods/portforward", verb, namespace) for verb in ("get", "create"))
        case ProbeRequest():
            return (Right("services", "create", "default"),)
        case ReviewRequest():
            return ()


def _api_right(request: ApiRequest, follow: bool) -> Iterator[Right]:
    """/api/v1/namespaces/NS/configmaps/NAME, /apis/GROUP/VERSION/RESOURCE, /version."""
    words = request.path.strip("/").split("/")
    group = words[1] if words[0] == "apis" and len(words) > 1 else ""
    rest = words[3:] if group else words[2:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    if words[0] in ("api", "apis") and rest:
        resource = "/".join(rest[::2][:2]) + (f".{group}" if group else "")
        verb = "watch" if follow else "list" if request.many else "get"
        yield Right(resource, verb, namespace, rest[1] if len(rest) > 1 else "")


def checked(request: Request, *, follow: bool = False) -> None:
    """Raises ValueError for a request that needs a right that no row of the table names."""
    for right in rights_of(request, follow=follow):
        if not any(right in need for need in NEEDS):
            raise ValueError(f"no command needs {right.verb} {right.resource}")
