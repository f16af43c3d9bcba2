from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.pod_cidrs import SOURCE


def test_each_node(ask: Any) -> None:
    cidrs = (ip_network("10.244.1.0/24"), ip_network("fd00:1::/64"))
    nodes = (Node(name="n1", pod_cidrs=cidrs), Node(name="n2"))
    claims = ask(SOURCE, Census(nodes=nodes)).claims
    assert [(c.node, c.text, c.object) for c in claims] == [
        ("n1", "10.244.1.0/24", "node n1"),
        ("n1", "fd00:1::/64", "node n1"),
    ]
    assert claims[0].evidence == "spec.podCIDRs: 10.244.1.0/24, fd00:1::/64"


def test_nodes_not_read() -> None:
    assert SOURCE.recognise(Census()) == ()
