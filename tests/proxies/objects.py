"""Services of every kind and policy, with their slices, as one cluster may hold them.

Short words for what tests write often: `service("db", "mysql:3306")`, `slices("db", …)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .topology import addresses, pod, pod6

Object = dict[str, Any]

TARGET = 8080
NAME = "kubernetes.io/service-name"
OTHER_PROXY = {"service.kubernetes.io/service-proxy-name": "other"}
HINTED = {"service.kubernetes.io/topology-mode": "Auto"}
OLD_HINTED = {**HINTED, "service.kubernetes.io/topology-aware-hints": "Auto"}
GONE = {"ready": False, "serving": False, "terminating": True}
LEAVING = {"ready": False, "serving": True, "terminating": True}
NOT_READY = {"ready": False, "serving": False, "terminating": False}


@dataclass(frozen=True, slots=True)
class At:
    """An endpoint: where, on which node, in which condition."""

    address: str
    node: str
    conditions: Object | None = None
    hints: Object | None = None

    def object(self) -> Object:
        made: Object = {"addresses": [self.address], "nodeName": self.node}
        made["conditions"] = self.conditions or {"ready": True}
        return {**made, "hints": self.hints} if self.hints else made


def here(host: int, **values: Any) -> At:
    return At(pod("n1", host), "n1", **values)


def there(host: int, node: str = "n2", **values: Any) -> At:
    return At(pod(node, host), node, **values)


def zones(*names: str) -> Object:
    return {"forZones": [{"name": name} for name in names]}


def nodes(*names: str) -> Object:
    """As trafficDistribution PreferSameNode has them written, which is beside hints for zones."""
    return {**zones("zone-a"), "forNodes": [{"name": name} for name in names]}


def port(text: str, target: int = TARGET, node_port: int = 0) -> Object:
    """mysql:3306, dns:53/UDP, :80 (unnamed)"""
    name, _, rest = text.partition(":")
    number, _, protocol = rest.partition("/")
    made: Object = {"port": int(number), "protocol": protocol or "TCP", "targetPort": target}
    made |= {"name": name} if name else {}
    return {**made, "nodePort": node_port} if node_port else made


def service(
    name: str,
    *ports: Object,
    namespace: str = "default",
    labels: Object | None = None,
    annotations: Object | None = None,
    balancer: Iterable[Object] = (),
    **spec: Any,
) -> Object:
    """`balancer`: what a cloud would write into its status."""
    meta = {"name": name, "namespace": namespace}
    made: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**meta, "labels": labels or {}, "annotations": annotations or {}},
        "spec": {"ports": list(ports) or [port("http:80")], **spec},
    }
    ingress = list(balancer)
    return {**made, "status": {"loadBalancer": {"ingress": ingress}}} if ingress else made


def slices(of: Object, *groups: Iterable[At], **values: Any) -> list[Object]:
    """One slice for each group of endpoints, with the Service's ports."""
    return [endpoint_slice(of, number, group, **values) for number, group in enumerate(groups, 1)]


def endpoint_slice(
    of: Object, number: int, group: Iterable[At], *, target: int = 0, family: str = "IPv4"
) -> Object:
    meta, ports = of["metadata"], of["spec"]["ports"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{meta['name']}-{family.lower()}-{number}",
            "namespace": meta["namespace"],
            "labels": {NAME: meta["name"]},
        },
        "addressType": family,
        "endpoints": [one.object() for one in group],
        "ports": [
            {
                "name": one.get("name", ""),
                "port": target or one["targetPort"],
                "protocol": one["protocol"],
            }
            for one in ports
        ],
    }


def with_endpoints(of: Object, *groups: Iterable[At], **values: Any) -> list[Object]:
    return [of, *slices(of, *groups, **values)]


def node_port(name: str, number: int, **spec: Any) -> Object:
    return service(name, port("http:80", node_port=number), type="NodePort", **spec)


def balanced(
    name: str, host: int, number: int = 0, mode: str = "VIP", six: str = "", **spec: Any
) -> Object:
    """A LoadBalancer with an address, or one of each family; no node port without a number."""
    given: Object = {} if number else {"allocateLoadBalancerNodePorts": False}
    return service(
        name,
        port("http:80", node_port=number),
        type="LoadBalancer",
        balancer=[{"ip": ip, "ipMode": mode} for ip in (f"203.0.113.{host}", six) if ip],
        **given,
        **spec,
    )


LOCAL: Object = {"externalTrafficPolicy": "Local"}
INTERNAL_LOCAL: Object = {"internalTrafficPolicy": "Local"}
RANGES: Object = {"loadBalancerSourceRanges": ["198.51.100.0/25", "10.244.0.0/16"]}
TWO = (here(2), there(2))
THREE = (here(2), there(2), there(3, "n3"))
FAR = (there(4), there(4, "n3"))


def plain() -> list[Object]:
    """ClusterIPs: names, ports, protocols."""
    mysql = port("mysql:3306", 3306)
    both = (port("dns:53/UDP", 8053, 30053), port("dns-tcp:53/TCP", 8053, 30053))
    dns = service("dns", *both, namespace="kube-system", type="NodePort")
    return [
        *with_endpoints(service("db-service", mysql), THREE),
        *with_endpoints(service("db", mysql), TWO),
        *with_endpoints(service("db2", mysql), (here(5), there(5))),
        *with_endpoints(service("web"), TWO),
        *with_endpoints(service("web", namespace="shop"), (here(6), there(6))),
        *with_endpoints(service("unnamed", port(":80")), TWO),
        *with_endpoints(service("single"), (there(7),)),
        *with_endpoints(service("two-ports", port("http:80"), port("admin:81", 9090)), TWO),
        *with_endpoints(dns, TWO),
        *with_endpoints(service("stream", port("s:9999/SCTP", 9999)), TWO),
        *with_endpoints(service("sticky", sessionAffinity="ClientIP"), TWO),
        *with_endpoints(service("many"), tuple(there(n) for n in range(20, 40))),
    ]


def external() -> list[Object]:
    """Node ports, external addresses, load balancers, under every policy."""
    return [
        *with_endpoints(node_port("np", 30080), TWO),
        *with_endpoints(node_port("np-local", 30081, **LOCAL), TWO),
        *with_endpoints(node_port("np-local-far", 30082, **LOCAL), FAR),
        *with_endpoints(node_port("np-sticky", 30083, sessionAffinity="ClientIP", **LOCAL), TWO),
        *with_endpoints(service("ext-ip", externalIPs=["203.0.113.1"]), TWO),
        *with_endpoints(service("ext-ip-local", externalIPs=["203.0.113.2"], **LOCAL), TWO),
        *with_endpoints(service("ext-ip-local-far", externalIPs=["203.0.113.3"], **LOCAL), FAR),
        *with_endpoints(balanced("lb", 10, 30084), TWO),
        *with_endpoints(balanced("lb-local", 11, 30085, **LOCAL), TWO),
        *with_endpoints(balanced("lb-local-far", 12, 30086, **LOCAL), FAR),
        *with_endpoints(balanced("lb-ranges", 13, 30087, **RANGES), TWO),
        *with_endpoints(balanced("lb-ranges-local", 14, 30088, **RANGES, **LOCAL), TWO),
        *with_endpoints(balanced("lb-proxied", 15, 30089, mode="Proxy"), TWO),
        *with_endpoints(balanced("lb-bare", 16), TWO),
        *with_endpoints(balanced("lb-nobody", 17, 30090), ()),
        *with_endpoints(balanced("lb-sticky", 18, 30091, sessionAffinity="ClientIP"), TWO),
    ]


def internal() -> list[Object]:
    """internalTrafficPolicy Local."""
    both = node_port("both-local", 30092, **INTERNAL_LOCAL, **LOCAL)
    return [
        *with_endpoints(service("near", **INTERNAL_LOCAL), TWO),
        *with_endpoints(service("near-far", **INTERNAL_LOCAL), FAR),
        *with_endpoints(node_port("near-np", 30093, **INTERNAL_LOCAL), THREE),
        *with_endpoints(node_port("near-np-far", 30094, **INTERNAL_LOCAL), FAR),
        *with_endpoints(both, TWO),
    ]


def conditions() -> list[Object]:
    """Endpoints that may not be used, or only because there is no other."""
    ready = (here(8), there(8, conditions=NOT_READY), there(9, conditions=LEAVING))
    gone = (here(8, conditions=GONE), there(8, conditions=GONE))
    leaving = (here(8, conditions=LEAVING), there(8, conditions=LEAVING))
    last = (here(8, conditions=LEAVING), there(8))
    waiting = (here(8, conditions=NOT_READY), there(8, conditions=NOT_READY))
    return [
        service("no-slices"),
        *with_endpoints(node_port("nobody", 30095), ()),
        *with_endpoints(service("one-ready"), ready),
        *with_endpoints(service("not-ready"), waiting),
        *with_endpoints(service("terminated"), gone),
        *with_endpoints(service("terminating"), leaving),
        *with_endpoints(node_port("terminating-local", 30096, **LOCAL), last),
        *with_endpoints(service("published", publishNotReadyAddresses=True), TWO),
    ]


def unusual() -> list[Object]:
    """Slices, hints, other proxies, other families."""
    zone = (here(2, hints=zones("zone-a")), there(3, "n3", hints=zones("zone-b")))
    other = (there(3, "n3", hints=zones("zone-b")), there(4, "n3", hints=zones("zone-c")))
    same = (here(2, hints=nodes("n1")), there(2, hints=nodes("n2")))
    partly = (here(2, hints=zones("zone-a")), there(3, "n3"))
    hosts = (At(addresses("n1")[0], "n1"), At(addresses("n2")[0], "n2"))
    moved = service("moved", port("http:80"))
    six = service("six", ipFamilies=["IPv6"], ipFamilyPolicy="SingleStack")
    dual = node_port("dual", 30097, ipFamilyPolicy="RequireDualStack")
    pods6 = (At(pod6("n1", 2), "n1"), At(pod6("n2", 2), "n2"))
    nowhere: Object = {"type": "ExternalName", "externalName": "db.example.com"}
    return [
        *with_endpoints(service("hinted", annotations=OLD_HINTED), zone),
        *with_endpoints(service("hinted-plain"), zone),
        *with_endpoints(service("hinted-nodes"), same),
        *with_endpoints(service("hinted-elsewhere", annotations=OLD_HINTED), other),
        *with_endpoints(service("hinted-partly", annotations=OLD_HINTED), partly),
        *with_endpoints(service("three-slices"), (here(2), there(2)), (there(2),), FAR),
        moved,
        endpoint_slice(moved, 1, (here(2),)),
        endpoint_slice(moved, 2, (there(2),), target=9090),
        *with_endpoints(service("hosts"), hosts),
        *with_endpoints(service("elsewhere", labels=OTHER_PROXY), TWO),
        *with_endpoints(service("headless", clusterIP="None"), TWO),
        service("named", **nowhere),
        *with_endpoints(six, pods6, family="IPv6"),
        *with_endpoints(dual, TWO),
        *slices(dual, pods6, family="IPv6"),
    ]


def both_families() -> list[Object]:
    """Dual stack at every kind of address, under every policy; and lists of ranges that mix."""
    both: Object = {"ipFamilyPolicy": "RequireDualStack"}
    six: Object = {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"}
    ranges: Object = {"loadBalancerSourceRanges": ["198.51.100.0/25", "2001:db8:77::/48"]}
    outer: Object = {"externalIPs": ["203.0.113.4", "2001:db8:1::4"]}
    found = [
        balanced("dual-lb", 20, 30100, six="2001:db8:1::20", **both, **ranges),
        balanced("dual-lb-local", 21, 30101, six="2001:db8:1::21", **both, **LOCAL, **ranges),
        service("dual-ext-ip", **both, **outer),
        node_port("dual-sticky", 30102, sessionAffinity="ClientIP", **both, **LOCAL),
        service("dual-near", **both, **INTERNAL_LOCAL),
    ]
    pods6 = (At(pod6("n1", 2), "n1"), At(pod6("n2", 2), "n2"))
    far6 = (At(pod6("n2", 4), "n2"), At(pod6("n3", 4), "n3"))
    made = [one for of in found for one in with_endpoints(of, TWO)]
    made += [one for of in found for one in slices(of, pods6, family="IPv6")]
    half = node_port("dual-half", 30103, **both, **LOCAL)
    nobody = node_port("six-nobody", 30104, **six)
    return [
        *made,
        *with_endpoints(half, TWO),
        *slices(half, far6, family="IPv6"),
        *with_endpoints(nobody, (), family="IPv6"),
        *with_endpoints(node_port("six-far", 30105, **six, **LOCAL), far6, family="IPv6"),
    ]


def every_kind() -> list[Object]:
    shop: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    return [shop, *plain(), *external(), *internal(), *conditions(), *unusual(), *both_families()]
