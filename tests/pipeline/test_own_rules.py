"""Rules of one Service among those of a node: by jumps and hashes, with their numbers."""

from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.dataplanes import owner_of
from kubectl_svcnet.dataplanes.kube_proxy_iptables import OWN, chain_hash
from kubectl_svcnet.model.address import Family, Protocol, SocketAddress
from kubectl_svcnet.model.fate import Backend, ChainId, RuleRef
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.service import (
    Endpoint,
    Frontend,
    Node,
    Pod,
    Service,
    ServiceName,
    ServicePort,
    frontends,
)
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.pipeline.nodes import NodeReading
from kubectl_svcnet.pipeline.own_rules import hash_check, own_rules

NAME = ServiceName("default", "web")
HASH = chain_hash("default/web:httptcp")
SEP = f"KUBE-SEP-{chain_hash('default/web:httptcp10.244.1.2:80')}"

SERVICE = Service(
    name=NAME,
    type="NodePort",
    ports=(ServicePort(name="http", protocol=Protocol.TCP, port=80, node_port=30080),),
    cluster_ips=(ip_address("10.96.0.9"), ip_address("fd00::9")),
)
ENDPOINTS = (
    Endpoint(
        address=SocketAddress(ip_address("10.244.1.2"), 80),
        port_name="http",
        protocol=Protocol.TCP,
    ),
)
V4 = f"""\
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-EXT-{HASH} - [0:0]
:KUBE-SVC-{HASH} - [0:0]
:{SEP} - [0:0]
:KUBE-SEP-OLD - [0:0]
-A KUBE-SERVICES -d 10.96.0.8/32 -j KUBE-SVC-OTHER
-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-{HASH}
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-EXT-{HASH}
-A KUBE-EXT-{HASH} -j KUBE-MARK-MASQ
-A KUBE-EXT-{HASH} -j KUBE-SVC-{HASH}
-A KUBE-SVC-{HASH} -m statistic --mode random --probability 0.5 -j {SEP}
-A KUBE-SVC-{HASH} -j KUBE-SEP-OLD
-A {SEP} -p tcp -m tcp -j DNAT --to-destination 10.244.1.2:80
-A KUBE-SEP-OLD -p tcp -m tcp -j DNAT --to-destination 10.244.1.9:80
COMMIT
"""


def reading(*texts: tuple[str, Family, Backend]) -> NodeReading:
    node = Node(name="n1")
    pod = Pod(namespace="kube-system", name="kube-proxy-a", labels={"k8s-app": "kube-proxy"})
    rulesets = {
        (family, backend): parse_save(text, family, backend) for text, family, backend in texts
    }
    view = NodeView(node="n1", rulesets=rulesets, own=OWN)
    return NodeReading(node=node, owner=owner_of(node, (pod,)), view=view)


def places(found: NodeReading) -> list[str]:
    return [str(ref) for ref in own_rules(found, SERVICE, frontends(SERVICE), ENDPOINTS)]


def test_dispatch_first_then_chains_then_those_of_endpoints() -> None:
    assert places(reading((V4, Family.IPV4, Backend.NFT))) == [
        "nat/KUBE-NODEPORTS:1",
        "nat/KUBE-SERVICES:2",
        f"nat/KUBE-EXT-{HASH}:1",
        f"nat/KUBE-EXT-{HASH}:2",
        f"nat/KUBE-SVC-{HASH}:1",
        f"nat/KUBE-SVC-{HASH}:2",
        f"nat/{SEP}:1",
        "nat/KUBE-SEP-OLD:1",
    ]


def test_both_backends_and_both_families() -> None:
    v6 = V4.replace("10.96.0.9/32", "fd00::9/128").replace(SEP, "KUBE-SEP-SIX")
    found = places(
        reading((V4, Family.IPV4, Backend.LEGACY), (v6, Family.IPV6, Backend.NFT)),
    )
    assert "legacy:nat/KUBE-SERVICES:2" in found
    assert "nat/KUBE-SEP-SIX:1" in found
    assert len(found) == 16


def test_nothing_of_it_there() -> None:
    empty = "*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j KUBE-NODEPORTS\nCOMMIT\n"
    assert places(reading((empty, Family.IPV4, Backend.NFT))) == []
    assert places(reading()) == []


def test_a_node_that_was_not_read() -> None:
    node = Node(name="n1", os="windows")
    found = NodeReading(node=node, owner=owner_of(node, ()))
    assert own_rules(found, SERVICE, frontends(SERVICE), ENDPOINTS) == ()


def test_a_circle_of_chains_ends() -> None:
    circle = V4.replace("-A KUBE-SEP-OLD -p tcp -m tcp -j DNAT --to-destination 10.244.1.9:80", "")
    circle = circle.replace("COMMIT", f"-A KUBE-SEP-OLD -j KUBE-SVC-{HASH}\nCOMMIT")
    assert len(places(reading((circle, Family.IPV4, Backend.NFT)))) == 8


def refs(*chains: str) -> list[RuleRef]:
    return [RuleRef(ChainId(Family.IPV4, Backend.NFT, "nat", c), 1, f"-A {c}") for c in chains]


def frontend(port_name: str) -> Frontend:
    return next(
        Frontend(
            service=f.service,
            kind=f.kind,
            address=f.address,
            port=f.port,
            protocol=f.protocol,
            port_name=port_name,
            family=f.family,
        )
        for f in frontends(SERVICE)
    )


def test_hashes() -> None:
    own = [frontend("http")]
    assert hash_check(refs(f"KUBE-SVC-{HASH}", SEP, "KUBE-SERVICES"), own, OWN) == (
        f"KUBE-SVC-{HASH}: the hash is that of default/web:http and tcp"
    )
    assert hash_check(refs("KUBE-SVC-XA5OGUC7YRHOS3PU"), own, OWN) == (
        "KUBE-SVC-XA5OGUC7YRHOS3PU: inconsistent, no hash of default/web:http and tcp"
    )
    assert hash_check(refs(SEP, "KUBE-SERVICES"), own, OWN) == ""


def test_an_unnamed_port_has_two_spellings() -> None:
    for spelling in ("default/webtcp", "default/web:tcp"):
        chain = f"KUBE-SVC-{chain_hash(spelling)}"
        assert "inconsistent" not in hash_check(refs(chain), [frontend("")], OWN)
