from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.capture import Capture, ProbeRequest, Reason, Request
from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.probe import SOURCE

FOUR = Census(nodes=(Node(name="n1", addresses=(ip_address("10.0.0.1"),)),))
BOTH = Census(nodes=(Node(name="n1", addresses=(ip_address("10.0.0.1"), ip_address("fd00::1"))),))
#: As a 1.36 API server says it; the second form is of 1.9.
SAID = (
    'Service "svcnet-probe-65sdt" is invalid: spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed'
    " to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range. The range of"
    " valid IPs is 10.96.0.0/16",
    'spec.clusterIP: Invalid value: "192.0.2.1": provided IP is not in the valid range. The range'
    " of valid IPs is 10.96.0.0/16",
)


def saying(message: str) -> Callable[[Request], tuple[Capture, ...]]:
    return lambda request: (Capture(request=request, objects=({"message": message},)),)


@pytest.mark.parametrize("message", SAID)
def test_the_refusal_names_the_range(ask: Any, message: str) -> None:
    (claim,) = ask(SOURCE, FOUR, saying(message)).claims
    assert (claim.kind.value, claim.text) == ("Service", "10.96.0.0/16")
    assert claim.confidence is Confidence.OBSERVED
    assert claim.evidence == "The range of valid IPs is 10.96.0.0/16"


def test_each_family_that_nodes_have() -> None:
    asked = [request for place in SOURCE.recognise(BOTH) for request in SOURCE.requests(place)]
    assert asked == [ProbeRequest(address="192.0.2.1"), ProbeRequest(address="2001:db8::1")]


def test_a_family_that_services_lack_is_an_answer(ask: Any) -> None:
    message = 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'
    reading = ask(SOURCE, FOUR, saying(message))
    assert reading.claims == reading.gaps == ()


@pytest.mark.parametrize(
    ("message", "why"),
    [("quota exceeded", "quota exceeded"), ("", "a Service at 192.0.2.1 would be accepted")],
)
def test_any_other_answer_is_a_gap(ask: Any, message: str, why: str) -> None:
    (gap,) = ask(SOURCE, FOUR, saying(message)).gaps
    assert gap.why == why


def test_no_right_is_a_gap(ask: Any, refused: Any) -> None:
    (gap,) = ask(SOURCE, FOUR, refused(Reason.FORBIDDEN)).gaps
    assert gap.next == "kubectl auth can-i create services -n default"


def test_by_hand(ask: Any, refused: Any) -> None:
    (gap,) = ask(SOURCE, FOUR, refused(Reason.TIMEOUT)).gaps
    assert gap.next == (
        "kubectl create service clusterip svcnet-probe --tcp=1 --clusterip=192.0.2.1"
        " --dry-run=server"
    )
