from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.judge.kernel import (
    conntrack_findings,
    hairpin_findings,
    kernel_findings,
)
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.bridge import BridgePort
from kubectl_svcnet.model.conntrack import Connection, Conntrack
from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.nodeview import OwnChains, Route
from tests.samples import at, node, view

GOOD = {
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "0",
    "net.bridge.bridge-nf-call-iptables": "1",
}
NET = ip_network("10.244.1.0/24")
CNI0 = (Route(NET, "cni0"),)
VIP, POD, GONE = at("10.96.0.10:53"), at("10.244.1.2:8053"), at("10.244.1.9:8053")
CLIENT = at("10.244.1.3:40000")


@pytest.mark.parametrize(
    ("changed", "families", "codes"),
    [
        ({}, [Family.IPV4], []),
        ({"net.ipv4.ip_forward": "0"}, [Family.IPV4], ["SVN511"]),
        ({}, list(Family), ["SVN511", "SVN512"]),
        ({"net.bridge.bridge-nf-call-iptables": "0"}, [Family.IPV4], ["SVN512"]),
        ({"net.bridge.bridge-nf-call-iptables": ""}, [Family.IPV4], ["SVN512"]),
    ],
)
def test_sysctls(changed: dict[str, str], families: list[Family], codes: list[str]) -> None:
    sysctls = {name: value for name, value in {**GOOD, **changed}.items() if value}
    seen = view(sysctls=sysctls, routes=CNI0)
    found = kernel_findings(node("n1"), seen, families, "kube-system/kube-proxy-x")
    assert [one.code for one in found] == codes
    assert all(one.next.startswith("kubectl -n kube-system exec kube-proxy-x ") for one in found)


def test_sysctls_that_were_not_read_or_do_not_matter() -> None:
    assert kernel_findings(node("n1"), view(routes=CNI0), list(Family), "a/b") == ()
    routed = view(sysctls={"net.ipv4.ip_forward": "1"})
    assert kernel_findings(node("n1"), routed, [Family.IPV4], "a/b") == ()


def found(seen: Conntrack) -> list[tuple[str, Level, str]]:
    services, answering = {VIP: "kube-system/dns"}, {VIP: frozenset((POD,))}
    stated = conntrack_findings(node("n1"), seen, services, answering, "kube-system/kube-proxy-x")
    return [(one.code, one.level, one.message) for one in stated]


@pytest.mark.parametrize(
    ("count", "most", "level"),
    [(89, 100, None), (90, 100, Level.WARNING), (100, 100, Level.ERROR), (7, 0, None)],
)
def test_the_table_fills(count: int, most: int, level: Level | None) -> None:
    stated = found(Conntrack(count=count, most=most))
    said = f"{count} of {most} connections are tracked"
    assert stated == ([("SVN513", level, said)] if level else [])


def test_what_was_lost() -> None:
    assert found(Conntrack(counts={"insert_failed": 0, "drop": 0, "found": 9})) == []
    (one,) = found(Conntrack(counts={"insert_failed": 7, "drop": 2}))
    assert one == ("SVN514", Level.INFO, "insert_failed 7 and drop 2")


def flow(answered: str, protocol: Protocol = Protocol.UDP) -> Connection:
    return Connection(protocol, CLIENT, VIP, at(answered))


def test_flows_of_dead_endpoints() -> None:
    fine = (flow(str(POD)), flow(str(GONE), Protocol.TCP))
    assert found(Conntrack(connections=fine)) == []
    other = Connection(Protocol.UDP, CLIENT, at("192.0.2.1:53"), GONE)
    assert found(Conntrack(connections=(other,))) == []
    (one,) = found(Conntrack(connections=(*fine, flow(str(GONE)), flow(str(GONE)))))
    assert one[0] == "SVN515"
    assert one[2] == "2 flows for 10.96.0.10:53/UDP go to 10.244.1.9:8053, no endpoint of it"
    (one,) = found(Conntrack(connections=(flow(str(VIP)),)))
    assert "1 flow for 10.96.0.10:53/UDP goes on untranslated" in one[2]


def port(name: str, *, hairpin: bool = False, **values: object) -> BridgePort:
    return BridgePort(name=name, hairpin=hairpin, **{"bridge": "cni0", **values})  # type: ignore[arg-type]


OFF, ON = port("veth1"), port("veth2", hairpin=True)
HERE = {"default/db": [POD.address], "default/web": [ip_address("10.244.1.7")]}


def hairpin(ports: list[BridgePort], here: object = HERE, **values: object) -> list[Finding]:
    seen = replace(view(sysctls=GOOD, routes=CNI0), **values)  # type: ignore[arg-type]
    return [*hairpin_findings(node("n1"), seen, ports, here, "a/b")]  # type: ignore[arg-type]


def test_a_pod_that_cannot_call_itself() -> None:
    (one,) = hairpin([OFF])
    assert (one.code, one.node, one.level) == ("SVN516", "n1", Level.WARNING)
    assert one.message == (
        "hairpin_mode is off on 1 of 1 port of cni0, so an endpoint pod cannot call itself by "
        "2 Services with endpoints here (first: default/db)"
    )
    assert one.evidence[0] == "first veth1"
    assert one.next == (
        "kubectl -n a exec b -- cat /sys/devices/virtual/net/veth1/brport/hairpin_mode"
    )
    (one,) = hairpin([ON, OFF])  # whose port it is may be no endpoint's
    assert one.level is Level.INFO
    assert "1 of 2 ports of cni0, so an endpoint pod behind one of them cannot" in one.message
    (one,) = hairpin([port("veth1", promiscuous=True)], {"default/db": [POD.address]})
    assert (one.level, one.message.rpartition(" ")[2]) == (Level.INFO, "default/db")


@pytest.mark.parametrize(
    ("ports", "values"),
    [
        ([ON], {}),
        ([], {}),
        ([port("eth1", bridge="docker0")], {}),
        ([port("vethwe-bridge", bridge="weave")], {"routes": (Route(NET, "weave"),)}),
        ([OFF], {"sysctls": {**GOOD, "net.bridge.bridge-nf-call-iptables": "0"}}),  # routed
        ([OFF], {"routes": (Route(NET, "eth0"),)}),
        ([OFF], {"here": {}}),
        ([OFF], {"own": OwnChains(ipvs=True)}),
    ],
)
def test_where_it_can_or_nobody_would(ports: list[BridgePort], values: dict[str, object]) -> None:
    assert hairpin(ports, **values) == []
