from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from kubectl_svcnet.model.capture import Capture, ExecRequest, LogRequest, Reason
from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Container, Pod
from kubectl_svcnet.ranges.weave import SOURCE

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide" / "weave.log"


def census(**environment: str) -> Census:
    pod = Pod(
        namespace="kube-system",
        name="weave-net-nz46j",
        node="node01",
        labels={"name": "weave-net"},
        containers=(Container(name="weave", environment=environment), Container(name="weave-npc")),
    )
    return Census(pods=(pod,))


def test_the_guides_log(ask: Any, printed: Any) -> None:
    whole, bridge, owned = ask(SOURCE, census(), printed(GUIDE.read_text())).claims
    assert (whole.text, whole.node, whole.confidence) == ("10.32.0.0/12", "", Confidence.STATED)
    assert "ipalloc-range:10.32.0.0/12" in whole.evidence
    assert (bridge.text, bridge.node, bridge.value) == ("10.32.0.0/12", "node01", "10.44.0.0/12")
    assert bridge.address == ip_address("10.44.0.0")
    assert 'Re-exposing 10.44.0.0/12 on bridge "weave"' in bridge.evidence
    assert (owned.text, owned.node) == ("10.44.0.0/14", "node01")


def test_the_head_of_the_log_is_asked_for() -> None:
    (place,) = SOURCE.recognise(census())
    (request,) = SOURCE.requests(place)
    assert isinstance(request, LogRequest)
    assert (request.container, request.tail_lines, request.limit_bytes) == ("weave", None, 65536)


def test_environment_beside_the_log(ask: Any, printed: Any) -> None:
    claims = ask(SOURCE, census(IPALLOC_RANGE="10.50.0.0/16"), printed("")).claims
    assert [(c.source, c.text, c.confidence) for c in claims] == [
        ("weave IPALLOC_RANGE", "10.50.0.0/16", Confidence.STATED)
    ]


def test_a_default_is_only_assumed(ask: Any, printed: Any) -> None:
    (claim,) = ask(SOURCE, census(), printed("INFO: nothing of interest\n")).claims
    assert (claim.text, claim.confidence) == ("10.32.0.0/12", Confidence.ASSUMED)
    assert claim.evidence == "IPALLOC_RANGE is not set"


def test_no_right_leaves_the_environment_and_a_gap(ask: Any, refused: Any) -> None:
    answer = refused(Reason.FORBIDDEN)
    reading = ask(SOURCE, census(IPALLOC_RANGE="10.50.0.0/16"), answer)
    assert [claim.text for claim in reading.claims] == ["10.50.0.0/16"]
    (gap,) = reading.gaps
    assert (gap.what, gap.node) == ("weave log", "node01")
    assert gap.next == "kubectl auth can-i get pods --subresource=log -n kube-system"


def test_a_log_out_of_reach_says_how_to_read_it(ask: Any, refused: Any) -> None:
    (gap,) = ask(SOURCE, census(), refused(Reason.TIMEOUT)).gaps
    assert gap.next == "kubectl -n kube-system logs weave-net-nz46j -c weave"


def test_a_bad_variable_is_a_gap(ask: Any, printed: Any) -> None:
    (gap,) = ask(SOURCE, census(IPALLOC_RANGE="ten"), printed("")).gaps
    assert gap.what == "weave IPALLOC_RANGE"


def test_other_pods_are_not_weave() -> None:
    assert SOURCE.recognise(Census(pods=(Pod(namespace="a", name="weave-net-1"),))) == ()


def test_the_status_of_one_pod_that_runs(agent: Any) -> None:
    pods = (agent("weave", labels={"name": "weave-net"}),) * 2
    places = SOURCE.recognise(Census(pods=pods))
    assert [bool(place.key) for place in places] == [False, False, True]
    (request,) = SOURCE.requests(places[2])
    assert isinstance(request, ExecRequest)
    (command,) = request.commands
    told = Capture(
        request=request, command=command, exit_code=0, data=b"Service: ipam\nRange: 10.9.0.0/16\n"
    )
    (claim,) = SOURCE.ranges(places[2], (told,)).claims
    assert (claim.text, claim.source, claim.evidence) == (
        "10.9.0.0/16",
        "weave status Range",
        "Range: 10.9.0.0/16",
    )
    (gap,) = SOURCE.ranges(places[2], (replace(told, exit_code=7),)).gaps
    assert gap.next == (
        "kubectl -n kube-system exec weave-n1 -c weave -- "
        "curl -sf --max-time 5 http://127.0.0.1:6784/status"
    )
