"""What holds of every source that reads rules is tested here, as aws-node's."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason, Request
from kubectl_svcnet.model.iprange import CLOUD_NETWORK, Census
from kubectl_svcnet.ranges.aws_vpc import SOURCE

RULES = """\
*nat
-A AWS-SNAT-CHAIN-0 -d 10.13.0.0/16 -m comment --comment "AWS SNAT CHAIN EXCLUSION" -j RETURN
-A AWS-SNAT-CHAIN-0 -d 10.10.0.0/16 -m comment --comment "AWS SNAT CHAIN" -j RETURN
-A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment "AWS, SNAT" -j SNAT --to-source 10.10.10.20
COMMIT
"""
OLD = "-A AWS-SNAT-CHAIN-0 ! -d 10.10.0.0/16 -j AWS-SNAT-CHAIN-1\n"


@pytest.fixture
def census(agent: Any) -> Census:
    return Census(pods=(agent("aws-node"),))


@pytest.mark.parametrize("rules", [RULES, OLD])
def test_networks_of_the_vpc(
    ask: Any, census: Census, printed: Any, texts: Any, rules: str
) -> None:
    reading = ask(SOURCE, census, printed(rules))
    assert set(texts(reading)) == {("Pod", "", "10.10.0.0/16")}
    assert {claim.allocator for claim in reading.claims} == {CLOUD_NETWORK}


def test_both_backends_are_asked_without_a_shell(census: Census) -> None:
    (place,) = SOURCE.recognise(census)
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert not request.shell
    assert [" ".join(command.argv()) for command in request.commands] == [
        "iptables-legacy-save",
        "iptables-nft-save -t nat",
    ]


def test_no_such_chain_is_an_answer(ask: Any, census: Census, printed: Any) -> None:
    reading = ask(SOURCE, census, printed("*nat\nCOMMIT\n"))
    assert (reading.claims, reading.gaps) == ((), ())


@pytest.mark.parametrize(
    ("reason", "gaps"), [(Reason.NOT_PRESENT, 0), (Reason.TIMEOUT, 1), (Reason.UNPROVEN, 0)]
)
def test_one_backend_may_not_be_there(ask: Any, census: Census, reason: Reason, gaps: int) -> None:
    def answer(request: Request) -> tuple[Capture, ...]:
        assert isinstance(request, ExecRequest)
        legacy, nft = request.commands
        return (
            Capture(request=request, command=legacy, data=RULES.encode(), exit_code=0),
            Capture(request=request, command=nft, failure=Failure(reason=reason, message="no")),
        )

    reading = ask(SOURCE, census, answer)
    assert len(reading.claims) == 1
    assert len(reading.gaps) == gaps


@pytest.mark.parametrize(("reason", "gaps"), [(Reason.NOT_PRESENT, 0), (Reason.UNPROVEN, 1)])
def test_no_rule_where_one_backend_was_not_seen(
    ask: Any, census: Census, reason: Reason, gaps: int
) -> None:
    """As in EKS, where no image has the cat that would tell whether nf_tables is loaded."""

    def answer(request: Request) -> tuple[Capture, ...]:
        assert isinstance(request, ExecRequest)
        legacy, nft = request.commands
        return (
            Capture(request=request, command=legacy, exit_code=0),
            Capture(request=request, command=nft, failure=Failure(reason=reason, message="no")),
        )

    assert len(ask(SOURCE, census, answer).gaps) == gaps


@pytest.mark.parametrize("reason", [Reason.NOT_PRESENT, Reason.FORBIDDEN])
def test_neither_backend_is_a_gap(ask: Any, census: Census, refused: Any, reason: Reason) -> None:
    (gap,) = ask(SOURCE, census, refused(reason)).gaps
    assert gap.what == "aws-node AWS-SNAT-CHAIN-0"


def test_nothing_is_asked_where_no_agent_runs(agent: Any) -> None:
    assert SOURCE.recognise(Census(pods=(agent("flannel"),))) == ()
