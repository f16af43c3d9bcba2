from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from kubectl_svcnet.model.capture import Capture, ExecRequest, Request
from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Service, ServiceName
from kubectl_svcnet.ranges.calico_rules import SOURCE

RULES = """\
*filter
-A cali-cidr-block -d 10.96.0.0/17 -m comment --comment "cali:x" -j DROP
-A cali-cidr-block -d 203.0.113.0/24 -m comment --comment "cali:y" -j DROP
COMMIT
"""


FIRST = Service(
    name=ServiceName("default", "kubernetes"),
    type="ClusterIP",
    cluster_ips=(ip_address("10.96.0.1"),),
)


def test_the_rule_with_the_first_service(ask: Any, agent: Any, printed: Any) -> None:
    census = Census(pods=(agent("calico-node"),), services=(FIRST,))
    claims = ask(SOURCE, census, printed(RULES)).claims
    assert {claim.text for claim in claims} == {"10.96.0.0/17"}
    assert {claim.confidence for claim in claims} == {Confidence.ASSUMED}


def test_without_that_service_nothing_is_known(ask: Any, agent: Any, printed: Any) -> None:
    assert ask(SOURCE, Census(pods=(agent("calico-node"),)), printed(RULES)).claims == ()


def test_the_rule_in_nftables_mode(ask: Any, agent: Any) -> None:
    """Nothing is in either iptables backend, and an older node has no such table."""
    rule = 'ip daddr 10.96.0.0/17 counter packets 3 bytes 180 drop comment "cali:x; y"'

    def answer(request: Request) -> tuple[Capture, ...]:
        assert isinstance(request, ExecRequest)
        assert [" ".join(command.argv()) for command in request.commands][-1] == (
            "nft list chain ip calico filter-cali-cidr-block"
        )
        return tuple(
            Capture(request=request, command=c, exit_code=0, data=text.encode())
            for c, text in zip(request.commands, ("", "", f"\t\t{rule}\n"), strict=True)
        )

    census = Census(pods=(agent("calico-node"),), services=(FIRST,))
    (claim,) = ask(SOURCE, census, answer).claims
    assert (claim.text, claim.evidence) == ("10.96.0.0/17", rule)


def test_no_table_of_calicos_is_an_answer(ask: Any, agent: Any) -> None:
    def answer(request: Request) -> tuple[Capture, ...]:
        assert isinstance(request, ExecRequest)
        *saved, native = request.commands
        said = b"Error: No such file or directory\n"
        return (
            *(Capture(request=request, command=c, exit_code=0) for c in saved),
            Capture(request=request, command=native, exit_code=1, stderr=said),
        )

    reading = ask(SOURCE, Census(pods=(agent("calico-node"),), services=(FIRST,)), answer)
    assert (reading.claims, reading.gaps) == ((), ())
