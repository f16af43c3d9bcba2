from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.engine.judge.health import health_findings
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.service import Service
from kubectl_svcnet.parse.iptables_save import parse_save
from tests.samples import node, service

IPV4 = Family.IPV4
LOCAL = service(type="LoadBalancer", external_local=True, health_check_node_port=31760)
RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
{nat}COMMIT
*filter
:INPUT {policy} [0:0]
:FORWARD ACCEPT [0:0]
{filter}COMMIT
"""


def found(*services: Service, **rules: str) -> tuple[Finding, ...]:
    text = RULES.format(**{"nat": "", "policy": "ACCEPT", "filter": "", **rules})
    backends = ((Backend.NFT, text), (Backend.LEGACY, ""))
    here = ip_address("172.18.0.2")
    seen = NodeView(
        node="n1",
        rulesets={(IPV4, each): parse_save(text, IPV4, each) for each, text in backends},
        addresses=(InterfaceAddress(here, "eth0", 24),),
        routes=(
            Route(ip_network("172.18.0.0/24"), "eth0"),
            Route(ip_network("0.0.0.0/0"), "eth0", ip_address("172.18.0.1")),
        ),
        sysctls={"net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.eth0.rp_filter": "0"},
    )
    return health_findings(node("n1", "172.18.0.2"), seen, services or (LOCAL, service()))


DNAT = "-A PREROUTING -p tcp -m tcp --dport 31760 -j DNAT --to-destination 10.244.1.2:80\n"
DROP = "-A INPUT -p tcp -m tcp --dport 31760 -j DROP\n"


@pytest.mark.parametrize(
    ("rules", "said", "evidence"),
    [
        ({"filter": DROP}, "dropped", "filter/INPUT:1"),
        ({"policy": "DROP"}, "dropped", "policy"),
        ({"filter": DROP.replace("DROP", "REJECT")}, "refused", "filter/INPUT:1"),
        (
            {"nat": DNAT},
            "led elsewhere",
            "nat/PREROUTING:1",
        ),
    ],
)
def test_a_question_that_is_lost(rules: dict[str, str], said: str, evidence: str) -> None:
    (one,) = found(**rules)
    assert (one.code, one.level, one.node) == ("SVN525", Level.WARNING, "n1")
    assert one.service == "default/db"
    assert one.message.endswith(f"at health check node port 31760 is {said}")
    assert evidence in " ".join(one.evidence)
    assert one.next == "kubectl svcnet packet tcp 198.51.100.77 172.18.0.2:31760 --node n1"


@pytest.mark.parametrize(
    "source",
    [
        "-s 35.191.0.0/16",
        "-m iprange --src-range 35.191.0.0-35.191.255.255",
    ],
)
@pytest.mark.parametrize("rules", [{"policy": "DROP"}, {"filter": DROP}])
def test_its_balancer_may_be_let_in(source: str, rules: dict[str, str]) -> None:
    let_in = f"-A INPUT {source} -p tcp -m tcp --dport 31760 -j ACCEPT\n"
    (one,) = found(**{**rules, "filter": let_in + rules.get("filter", "")})
    assert (one.code, one.level) == ("SVN525", Level.INFO)
    assert one.message.endswith(
        "31760 is dropped, if it is from 198.51.100.77; others may be let in"
    )
    elsewhere = let_in.replace("31760", "22")
    (one,) = found(**{**rules, "filter": elsewhere + rules.get("filter", "")})
    assert one.level is Level.WARNING


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"filter": DROP.replace("31760", "31761")},
        {"filter": f"-A INPUT -p tcp -m tcp --dport 31760 -j ACCEPT\n{DROP}"},
        {"filter": f"-A INPUT -m weird --thing -j ACCEPT\n{DROP}"},  # who knows
    ],
)
def test_one_that_arrives(rules: dict[str, str]) -> None:
    assert found(**rules) == ()


def test_nobody_asks() -> None:
    assert found(service(), filter=DROP) == ()
    assert found(replace(LOCAL, other_proxy="cilium"), filter=DROP) == ()
    seen = NodeView(node="n1")  # nothing was read
    assert health_findings(node("n1", "172.18.0.2"), seen, [LOCAL]) == ()
    assert health_findings(node("n1", "fd00::2"), seen, [LOCAL]) == ()
