"""Services and slices at random, from a seed: every field that kube-proxy looks at, combined.

    generated(seed, count) -> namespace, Services, EndpointSlices

What a controller would never write is made as well, as long as the API server takes it: a Service
of one address and slices of two, endpoints without a node, one address in two slices that
disagree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from .objects import NAME, Object
from .topology import ZONES, addresses, pod, pod6

NAMESPACE = "generated"
PROXY_NAME = "service.kubernetes.io/service-proxy-name"
HEADLESS = "service.kubernetes.io/headless"
NODES = tuple(ZONES)
FAMILIES = ("IPv4", "IPv6")

READY: Object = {"ready": True, "serving": True, "terminating": False}
STARTING: Object = {"ready": False, "serving": False, "terminating": False}
LEAVING: Object = {"ready": False, "serving": True, "terminating": True}
GONE: Object = {"ready": False, "serving": False, "terminating": True}
#: Unset counts as ready and serving; ready and terminating is publishNotReadyAddresses.
ODD: Sequence[Object] = (
    {},
    {"terminating": True},
    {"ready": False},
    {"ready": False, "terminating": True},
    {"ready": True, "serving": True, "terminating": True},
)
TEMPERS: Sequence[Sequence[Object]] = (
    (READY,),
    (READY,),
    (READY, STARTING),
    (READY, LEAVING),
    (LEAVING, GONE, STARTING),
    ODD,
)
RANGES = (
    ("198.51.100.0/25", "2001:db8:77::/48"),
    ("198.51.100.0/25", "10.244.0.0/16"),
    ("10.244.0.0/16", "fd00:10:244::/48"),
    ("172.21.0.0/16", "fd00:172:21::/64"),
    ("172.21.0.11/32",),
    ("2001:db8:77::/48",),
    (" 203.0.113.0/24", "198.51.100.0/24"),
    ("0.0.0.0/0", "198.51.100.0/25"),
    ("::/0", "10.1.0.0/16"),
)
ANNOTATIONS: Sequence[Object] = (
    {},
    {},
    {"service.kubernetes.io/topology-mode": "Auto"},
    {"service.kubernetes.io/topology-mode": "auto"},
    {"service.kubernetes.io/topology-mode": "Disabled"},
    {"service.kubernetes.io/topology-mode": "example.com/own"},
    {"service.kubernetes.io/topology-aware-hints": "Auto"},
    {"service.kubernetes.io/topology-aware-hints": "disabled"},
)


@dataclass(slots=True)
class Maker:
    """`seed` and `serial` keep what must differ apart: names, addresses, node ports."""

    seed: int
    random: Random
    serial: int = 0
    node_ports: Iterator[int] = field(default_factory=lambda: iter(range(30200, 32700)))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def service(self) -> list[Object]:
        """A Service, and what slices name it."""
        self.serial += 1
        name = f"s{self.seed}-{self.serial}"
        kind = self.random.choices(
            ("ClusterIP", "NodePort", "LoadBalancer", "None", "ExternalName"), (8, 6, 8, 1, 1)
        )[0]
        made: Object = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": {PROXY_NAME: "other"} if self.chance(0.03) else {},
                "annotations": self.random.choice(ANNOTATIONS),
            },
        }
        if kind == "ExternalName":
            made["spec"] = {"type": kind, "externalName": "db.example.com"}
            return [made]
        made["spec"] = self._spec(kind)
        if kind == "LoadBalancer":
            made["status"] = {"loadBalancer": {"ingress": self._ingress()}}
        return [made, *self._slices(made)]

    def _spec(self, kind: str) -> Object:
        spec: Object = {"ports": self._ports(kind), **self._families()}
        if kind == "None":
            return {**spec, "clusterIP": "None"}
        spec["type"] = kind
        if self.chance(0.25):
            spec["internalTrafficPolicy"] = "Local"
        if self.chance(0.2):
            spec["sessionAffinity"] = "ClientIP"
            if self.chance(0.5):
                seconds = self.random.choice((1, 60, 10800, 86400))
                spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": seconds}}
        if self.chance(0.1):
            spec["publishNotReadyAddresses"] = True
        if self.chance(0.25):
            both = [f"203.0.113.{self.serial}", f"2001:db8:1::{self.serial:x}"]
            spec["externalIPs"] = self.random.choice((both, both[:1], both[1:]))
        if (kind != "ClusterIP" or "externalIPs" in spec) and self.chance(0.5):
            spec["externalTrafficPolicy"] = "Local"
            if kind == "LoadBalancer":
                spec["healthCheckNodePort"] = next(self.node_ports)
        if kind == "LoadBalancer" and self.chance(0.4):
            spec["loadBalancerSourceRanges"] = list(self.random.choice(RANGES))
        if kind == "LoadBalancer" and not any("nodePort" in port for port in spec["ports"]):
            spec["allocateLoadBalancerNodePorts"] = False
        return spec

    def _families(self) -> Object:
        wanted = self.random.choice((("IPv4",), ("IPv4",), ("IPv6",), FAMILIES, FAMILIES[::-1]))
        policy = "SingleStack" if len(wanted) == 1 else "RequireDualStack"
        return {"ipFamilies": list(wanted), "ipFamilyPolicy": policy}

    def _ports(self, kind: str) -> list[Object]:
        """One unnamed, or several, of which two may share their number."""
        if self.chance(0.15):
            found: list[Object] = [{"port": 80, "protocol": "TCP"}]
        else:
            first: list[Object] = [{"name": "http", "port": 80, "protocol": "TCP"}]
            more: list[Object] = [
                {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                {"name": "stream", "port": 9999, "protocol": "SCTP"},
            ]
            found = [*first, *self.random.sample(more, self.random.choice((0, 0, 1, 2, 3)))]
        opened = kind == "NodePort" or (kind == "LoadBalancer" and self.chance(0.7))
        shared: dict[tuple[int, str], int] = {}
        for port in found:
            port["targetPort"] = port.get("name", 8080)
            if opened:
                twin = (port["port"], "TCP" if port["protocol"] == "UDP" else "UDP")
                number = shared.get(twin) or next(self.node_ports)
                shared[port["port"], port["protocol"]] = port["nodePort"] = number
        return found

    def _ingress(self) -> list[Object]:
        """What a cloud wrote: nothing yet, a name, addresses that lead here or to its proxy."""
        six: Object = {"ip": f"2001:db8:2::{self.serial:x}"}
        mode = self.random.choice(({}, {"ipMode": "VIP"}, {"ipMode": "VIP"}, {"ipMode": "Proxy"}))
        one: Object = {"ip": f"192.0.2.{self.serial}", **mode}
        named: Object = {"hostname": "lb.example.com"}
        return self.random.choice(([], [named], [one], [one], [one, six], [one, six], [six, named]))

    def _slices(self, of: Object) -> list[Object]:
        families = of["spec"]["ipFamilies"]
        if self.chance(0.05):
            families = FAMILIES  # of one that the Service does not have (any more)
        return [one for family in families for one in self._family(of, family)]

    def _family(self, of: Object, family: str) -> list[Object]:
        pool = self._pool(family)
        count = self.random.choice((0, 1, 1, 1, 2, 3)) if pool else self.random.choice((0, 1))
        groups: list[list[Object]] = [[] for _ in range(count)]
        for endpoint in pool:
            if groups:
                self.random.choice(groups).append(endpoint)
        if count > 1 and groups[0] and self.chance(0.3):
            twin = dict(groups[0][0])
            if self.chance(0.5):
                twin["conditions"] = self.random.choice((READY, STARTING, LEAVING, GONE))
            groups[1].append(twin)
        found = [self._slice(of, family, n, group) for n, group in enumerate(groups, 1)]
        if self.chance(0.05):
            strange = self._slice(of, family, 9, [self._endpoint(family, 99, "n2")])
            strange["metadata"]["labels"] |= self.random.choice(
                ({PROXY_NAME: "other"}, {HEADLESS: ""})
            )
            found.append(strange)
        return found

    def _slice(self, of: Object, family: str, number: int, group: list[Object]) -> Object:
        """Named target ports may have another number in each slice; one may lack a port."""
        meta = of["metadata"]
        shift = self.random.choice((0, 0, 0, 1000))
        ports = [
            {
                "name": port.get("name", ""),
                "port": 8000 + port["port"] % 1000 + shift,
                "protocol": port["protocol"],
            }
            for port in of["spec"]["ports"]
        ]
        if self.chance(0.05):
            ports.append({"name": "unheard-of", "port": 1, "protocol": "TCP"})
        if len(ports) > 1 and self.chance(0.1):
            ports.pop()
        if len(ports) == 1 and self.chance(0.1):
            del ports[0]["port"]  # beside others it would crash kube-proxy 1.23 to 1.30 (byPort)
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{meta['name']}-{family.lower()}-{number}",
                "namespace": meta["namespace"],
                "labels": {NAME: meta["name"]},
            },
            "addressType": family,
            "endpoints": group,
            "ports": ports,
        }

    def _pool(self, family: str) -> list[Object]:
        """Endpoints of one temper: most all ready, others with some of each condition."""
        count = self.random.choice((0, 1, 1, 2, 3, 3, 5, 8))
        places = self.random.choice((NODES, NODES, NODES[1:], NODES[:1], ("n1", "n2", "")))
        hosts = self.random.sample(range(2, 60), count)
        found = [self._endpoint(family, host, self.random.choice(places)) for host in hosts]
        if self.chance(0.06):
            found.append(self._endpoint(family, 0, self.random.choice(("n1", "n2"))))
        temper = self.random.choice(TEMPERS)
        hinted = self.random.choice((0.0, 0.0, 0.0, 1.0, 1.0, 0.7))
        by_node = self.chance(0.5)
        for endpoint in found:
            endpoint["conditions"] = dict(self.random.choice(temper))
            if self.chance(hinted):
                endpoint["hints"] = self._hints(by_node)
        return found

    def _hints(self, by_node: bool) -> Object:
        zones = self.random.sample(("zone-a", "zone-b", "zone-c"), self.random.choice((1, 1, 2)))
        hints: Object = {"forZones": [{"name": zone} for zone in zones]}
        if by_node:
            hints["forNodes"] = [{"name": self.random.choice(NODES)}]
        return hints

    def _endpoint(self, family: str, host: int, node: str) -> Object:
        """Host 0 is the node itself, as a hostNetwork pod has it; without a node it is anywhere."""
        six = family == "IPv6"
        if not host:
            address = addresses(node)[six]
        else:
            address = pod6(node or "n3", host) if six else pod(node or "n3", host)
        made: Object = {"addresses": [address]}
        return {**made, "nodeName": node} if node else made


def generated(seed: int, count: int) -> list[Object]:
    maker = Maker(seed, Random(seed))
    namespace: Object = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE},
    }
    return [namespace, *(one for _ in range(count) for one in maker.service())]
