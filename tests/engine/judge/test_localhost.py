"""Node ports on 127.0.0.1: kube-proxy's rules of iptables mode that such a packet meets."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.judge.localhost import localhost_findings
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.finding import Finding
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.service import FrontendKind
from kubectl_svcnet.parse.iptables_save import parse_save
from tests.samples import frontend, node

IPV4 = Family.IPV4
#: {} is how nodePortAddresses and localhostNodePorts show.
RULES = """\
*nat
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-NODEPORTS - [0:0]
-A OUTPUT -m addrtype --dst-type LOCAL {}-j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.1.2:80
-A POSTROUTING -j MASQUERADE
COMMIT
"""
PORT = frontend(FrontendKind.NODE_PORT, None, 30080)
OFF = {"net.ipv4.conf.all.route_localnet": "0", "net.ipv4.conf.cni0.route_localnet": "0"}


def found(
    rules: str = RULES.format(""), sysctls: dict[str, str] = OFF, device: str = "cni0"
) -> tuple[Finding, ...]:
    backends = ((Backend.NFT, rules), (Backend.LEGACY, ""))
    seen = NodeView(
        node="n1",
        rulesets={(IPV4, each): parse_save(text, IPV4, each) for each, text in backends},
        sysctls=sysctls,
        addresses=(InterfaceAddress(ip_address("10.244.1.1"), "cni0", 24),),
        routes=(Route(ip_network("10.244.1.0/24"), device),),
    )
    return localhost_findings(node("n1"), seen, [frontend(), PORT], "kube-system/kube-proxy-x")


def test_a_packet_that_may_not_leave() -> None:
    (one,) = found()
    assert (one.code, one.node) == ("SVN524", "n1")
    assert one.message == (
        "node port 30080/TCP is not reached on 127.0.0.1: route_localnet is off on cni0"
    )
    assert one.next.endswith("-- cat /proc/sys/net/ipv4/conf/all/route_localnet")


@pytest.mark.parametrize(
    ("rules", "sysctls"),
    [
        (RULES.format(""), {**OFF, "net.ipv4.conf.all.route_localnet": "1"}),
        (RULES.format(""), {**OFF, "net.ipv4.conf.cni0.route_localnet": "1"}),
        (RULES.format(""), {}),
        (RULES.format("! -d 127.0.0.0/8 "), OFF),  # not served there, by configuration
    ],
)
def test_where_it_arrives_or_is_not_served(rules: str, sysctls: dict[str, str]) -> None:
    assert found(rules, sysctls) == ()
