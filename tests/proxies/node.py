"""One real kube-proxy of any version, in either mode, on a node of its own.

    with proxy_node(plane, "v1.30.14", "nftables") as node:
        plane.replace(objects)
        node.catch_up()
        trace(node.source(), Options(all_namespaces=True, nodes=(HERE,)))

A node is a fresh network namespace with a link to the control plane's bridge. kube-proxy is
process 1 of a process namespace there, as in its container.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kubectl_svcnet.model.address import Family
from tests.lab import build, fabric, namespaces
from tests.lab.shell import attempt, run, wait_until

from . import topology
from .control_plane import BRIDGE, ControlPlane, Object, running
from .source import NodeSource
from .topology import GATEWAY, HERE, POD_RANGE

#: The mode came with 1.29, behind a gate that is off until 1.31 (KEP-3866).
GATED = re.compile(r"v1\.(29|30)\.")
#: Until 1.24 kube-proxy marks what is to be dropped, and the kubelet's rules drop it.
MARKS_DROPS = re.compile(r"v1\.(1\d|2[0-4])\.")
#: Source: kubernetes 1.24 pkg/kubelet/kubelet_network_linux.go, syncNetworkUtil.
KUBELET_RULES = """\
*filter
:KUBE-FIREWALL - [0:0]
-I OUTPUT -j KUBE-FIREWALL
-I INPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" \
-m mark --mark 0x8000/0x8000 -j DROP
COMMIT
*nat
:KUBE-MARK-DROP - [0:0]
-A KUBE-MARK-DROP -j MARK --or-mark 0x8000
COMMIT
"""
FAMILIES = {"iptables": ("iptables-nft-save", "ip6tables-nft-save"), "nftables": ("ip", "ip6")}
MARKER = "marker"
_serial = itertools.count()
_generations = itertools.count(20_000)


@dataclass(slots=True)
class ProxyNode:
    plane: ControlPlane
    version: str
    mode: str
    namespace: str
    folder: Path
    prefix: list[str] = field(default_factory=list)
    serves: tuple[Family, ...] = tuple(Family)

    @property
    def log(self) -> Path:
        return self.folder / "kube-proxy.log"

    @property
    def marks_drops(self) -> bool:
        return bool(MARKS_DROPS.match(self.version))

    def run(self, *argv: str, stdin: str | None = None) -> str:
        """A program of this machine on the node."""
        return run([*self.prefix, *argv], stdin=stdin)

    def node_exec(self, name: str, argv: Sequence[str]) -> str:
        """As the lab has it, for its tools."""
        assert name == HERE
        return self.run(*argv)

    def backend(self, name: str) -> str:
        assert name == HERE
        return "nft"

    def rules(self) -> list[str]:
        """All that kube-proxy wrote, of each family, read without the tool under test."""
        names = [FAMILIES[self.mode][family is Family.IPV6] for family in self.serves]
        if self.mode == "iptables":
            return [self.run(program) for program in names]
        return [
            attempt([*self.prefix, "nft", "list", "table", family, "kube-proxy"]).stdout
            for family in names
        ]

    def catch_up(self, timeout: float = 600) -> None:
        """Returns when all that was written to the API before is in the rules of each family.

        Services come by one watch and slices by another, each in order. So a Service that
        changes last, and its slice, tell when both have arrived.
        """
        port = next(_generations)
        self.plane.apply(marker(port))
        wait_until(
            f"kube-proxy {self.version} programs the Service {MARKER} of port {port}",
            lambda: all(shows(text, port) for text in self.rules()),
            timeout=timeout,
        )

    def source(self) -> NodeSource:
        return NodeSource(self.plane, self.prefix, self.log)


def marker(port: int) -> list[Object]:
    """A Service and its slices, both of which show the port."""
    ports = [{"name": "x", "port": port, "protocol": "TCP"}]
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": MARKER, "namespace": "default"},
        "spec": {"ipFamilyPolicy": "RequireDualStack", "ports": [{**ports[0], "targetPort": port}]},
    }
    slices = [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{MARKER}-{family.lower()}",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": MARKER},
            },
            "addressType": family,
            "endpoints": [{"addresses": [address], "nodeName": "n2"}],
            "ports": ports,
        }
        for family, address in (
            ("IPv4", topology.pod("n2", 250)),
            ("IPv6", topology.pod6("n2", 250)),
        )
    ]
    return [service, *slices]


def shows(rules: str, port: int) -> bool:
    """Whether the marker's Service port and its endpoint's are both this one."""
    dispatched = rf"--dport {port} |tcp \. {port} : goto"
    translated = rf"--to-destination \S+:{port}\b|dnat (ip6? )?to \S+:{port}\b|: \S+ \. {port}\b"
    return bool(re.search(dispatched, rules) and re.search(translated, rules))


@contextmanager
def proxy_node(
    plane: ControlPlane,
    version: str,
    mode: str,
    settings: Object | None = None,
    *,
    serves: Family | None = None,
) -> Iterator[ProxyNode]:
    """Starts it, builds it where that was never done, and waits until it has caught up.

    `settings` are fields of KubeProxyConfiguration; `serves`: the node lacks what the other family
    needs.
    """
    program = build.build_kubernetes(version, ("kube-proxy",)) / "kube-proxy"
    number = next(_serial)
    folder = plane.folder / f"{version}-{mode}-{number}"
    folder.mkdir()
    node = ProxyNode(plane, version, mode, f"{plane.stem}-{number}", folder)
    node.serves = (serves,) if serves else tuple(Family)
    config = folder / "config.conf"
    chosen = configuration(plane, version, mode) | (settings or {})
    config.write_text(json.dumps(chosen))
    unshare = ["unshare", "--mount", "--propagation=private", "--pid", "--fork"]
    unshare += ["--kill-child", "--mount-proc"]
    run(["ip", "netns", "add", node.namespace])
    try:
        _plug(node)
        _write_kubelet_rules(node)
        plane.apply([topology.proxy_config(config.read_text())])
        plane.apply([topology.proxy_pod(version)])  # started after that was written
        argv = [*fabric.inside(node.namespace), *unshare, str(program), f"--config={config}"]
        if serves is Family.IPV4 and mode == "nftables":  # nft works for both families always
            fabric.set_sysctls(node.namespace, ("net.ipv6.conf.all.disable_ipv6=1",))
        with running([*argv, "--v=2"], node.log, _iptables_nft(folder, serves)) as holder:
            node.prefix = namespaces.entering(holder)
            wait_until("kube-proxy runs", lambda: _has_children(holder), timeout=300)
            node.catch_up()
            yield node
    finally:
        attempt(["ip", "-netns", plane.namespace, "link", "delete", f"to-{number}"])
        run(["ip", "netns", "delete", node.namespace])
        pod = topology.proxy_pod(version)["metadata"]
        plane.kubectl(
            "delete", "pod", "-n", pod["namespace"], pod["name"], "--grace-period=0", "--force"
        )


def configuration(plane: ControlPlane, version: str, mode: str) -> Object:
    """As the lab's; and no sync without a reason, which would undo a fault."""
    gates = {"NFTablesProxyMode": True} if mode == "nftables" and GATED.match(version) else {}
    unchanged = {"syncPeriod": "1h"}
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "hostnameOverride": HERE,
        "mode": mode,
        "clusterCIDR": POD_RANGE,
        "detectLocalMode": "ClusterCIDR",
        "clientConnection": {"kubeconfig": str(plane.proxy_kubeconfig)},
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpCloseWaitTimeout": "0s",
            "tcpEstablishedTimeout": "0s",
        },
        "oomScoreAdj": 0,
        mode: unchanged,
        "featureGates": gates,
    }


def _write_kubelet_rules(node: ProxyNode) -> None:
    """There is no kubelet, and without these an old kube-proxy refuses nothing."""
    if node.marks_drops:
        for program in ("iptables-nft-restore", "ip6tables-nft-restore"):
            run([*fabric.inside(node.namespace), program, "--noflush"], stdin=KUBELET_RULES)


def _iptables_nft(folder: Path, serves: Family | None) -> str:
    """A folder for PATH, for the plain names may mean the other backend on this machine. Those of
    a family that is not served fail, as without its kernel modules."""
    for family, program in zip(Family, ("iptables", "ip6tables"), strict=True):
        works = serves in (None, family)
        for suffix in ("", "-save", "-restore"):
            target = f"/usr/sbin/{program}-nft{suffix}" if works else "/bin/false"
            (folder / f"{program}{suffix}").symlink_to(target)
    return str(folder)


def _has_children(holder: int) -> bool:
    return bool(Path(f"/proc/{holder}/task/{holder}/children").read_text().split())


def _plug(node: ProxyNode) -> None:
    name, plane = node.namespace, node.plane.namespace
    port = f"to-{name.rpartition('-')[2]}"
    fabric.set_sysctls(name, fabric.NODE_SYSCTLS)
    peer = ("type", "veth", "peer", "name", "eth0", "netns", name)
    fabric.ip(plane, "link", "add", port, *peer)
    fabric.ip(plane, "link", "set", port, "master", BRIDGE, "up")
    fabric.ip(name, "link", "add", "cni0", "type", "bridge")
    here = topology.addresses(HERE)
    for address, device in ((here[0], "eth0"), (topology.pod(HERE, 1), "cni0")):
        fabric.ip(name, "address", "add", f"{address}/24", "dev", device)
    for address, device in ((here[1], "eth0"), (topology.pod6(HERE, 1), "cni0")):
        fabric.ip(name, "address", "add", f"{address}/64", "dev", device, "nodad")
    for device in ("lo", "eth0", "cni0"):
        fabric.ip(name, "link", "set", device, "up")
    for other in topology.ZONES:
        if other != HERE:
            _routes(name, topology.pod_ranges(other), topology.addresses(other))
    _routes(name, ("default", "default"), GATEWAY)


def _routes(name: str, targets: Sequence[str], gateways: Sequence[str]) -> None:
    for option, target, gateway in zip(("-4", "-6"), targets, gateways, strict=True):
        fabric.ip(name, option, "route", "add", target, "via", gateway)
