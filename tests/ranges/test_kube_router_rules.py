from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from kubectl_svcnet.model.capture import ExecRequest
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.kube_router_rules import SOURCE

COMMENT = "allow traffic to primary/secondary cluster IP range - EKROEGTNIJ3AP3LC"
RULES = f"""\
*filter
-A KUBE-ROUTER-INPUT -d 10.43.0.0/16 -m comment --comment "{COMMENT}" -j RETURN
-A KUBE-ROUTER-INPUT -d 192.0.2.0/24 -m comment --comment "allow traffic to external IP" -j RETURN
COMMIT
"""


def test_the_service_range(ask: Any, agent: Any, printed: Any, texts: Any) -> None:
    reading = ask(SOURCE, Census(pods=(agent("kube-router"),)), printed(RULES))
    assert set(texts(reading)) == {("Service", "", "10.43.0.0/16")}


def test_families_of_the_node(agent: Any) -> None:
    node = Node(name="n1", addresses=(ip_address("fd00::1"),))
    (place,) = SOURCE.recognise(Census(pods=(agent("kube-router"),), nodes=(node,)))
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert [command.name for command in request.commands] == [
        "ip6tables-legacy-save-all",
        "ip6tables-nft-save",
    ]
