from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Service, ServiceName
from kubectl_svcnet.ranges.calico_rules import SOURCE

RULES = """\
*filter
-A cali-cidr-block -d 10.96.0.0/17 -m comment --comment "cali:x" -j DROP
-A cali-cidr-block -d 203.0.113.0/24 -m comment --comment "cali:y" -j DROP
COMMIT
"""


def test_the_rule_with_the_first_service(ask: Any, agent: Any, printed: Any) -> None:
    first = Service(
        name=ServiceName("default", "kubernetes"),
        type="ClusterIP",
        cluster_ips=(ip_address("10.96.0.1"),),
    )
    census = Census(pods=(agent("calico-node"),), services=(first,))
    claims = ask(SOURCE, census, printed(RULES)).claims
    assert {claim.text for claim in claims} == {"10.96.0.0/17"}
    assert {claim.confidence for claim in claims} == {Confidence.ASSUMED}


def test_without_that_service_nothing_is_known(ask: Any, agent: Any, printed: Any) -> None:
    assert ask(SOURCE, Census(pods=(agent("calico-node"),)), printed(RULES)).claims == ()
