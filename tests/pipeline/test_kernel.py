from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.dataplanes import Owner
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.service import ServiceName, ServicePort
from kubectl_svcnet.node.vantage import Vantage
from kubectl_svcnet.pipeline.expected import Expected
from kubectl_svcnet.pipeline.inventory import ServicesRead
from kubectl_svcnet.pipeline.kernel import commands_beside, judge
from kubectl_svcnet.pipeline.nodes import NodeReading
from tests.parse.test_conntrack import TABLE
from tests.samples import capture, endpoint, node, service, view

DNS = service(
    name=ServiceName("kube-system", "dns"),
    ports=(ServicePort(name="dns", protocol=Protocol.UDP, port=53),),
    cluster_ips=(ip_address("10.96.0.10"),),
)
HERE = endpoint("10.244.2.9:8053", port_name="dns", protocol=Protocol.UDP)
READ = ServicesRead(services=(DNS, service()), endpoints={DNS.name: (HERE,)})


def test_only_udp_is_asked_for() -> None:
    *_, asked = commands_beside(READ)
    dialled, leave = asked.arguments
    assert dialled == " udp .* dport=(53) "
    assert r"10\.244\.2\.9" in leave
    assert "connections" not in {
        c.name for c in commands_beside(ServicesRead(services=(service(),)))
    }


def test_each_node_is_judged_by_its_own_answers() -> None:
    *_, asked = commands_beside(READ)
    vantage = Vantage(
        node="n1",
        namespace="kube-system",
        pod="kube-proxy-x",
        container="kube-proxy",
        proxy=True,
    )
    owner = Owner(name="kube-proxy/iptables")
    seen = NodeReading(
        node=node("n1"),
        owner=owner,
        vantage=vantage,
        view=view(sysctls={"net.ipv4.ip_forward": "0"}),
        captures={asked: capture(asked, TABLE)},
    )
    absent = NodeReading(
        node=node("n2"),
        owner=owner,
        vantage=vantage,
        view=view(),
        captures={asked: capture(asked, exit_code=2)},
    )
    unread = NodeReading(node=node("n3"), owner=owner)
    expected = Expected(services=READ.services, endpoints=READ.endpoints)
    found, gaps = judge(expected, [seen, absent, unread])
    assert [(one.code, one.node, one.service) for one in found] == [
        ("SVN511", "n1", ""),
        ("SVN515", "n1", "kube-system/dns"),
    ]
    assert "1 flow for 10.96.0.10:53/UDP goes on untranslated" in found[1].message
    assert [(gap.node, gap.blocking) for gap in gaps] == [("n2", False)]
