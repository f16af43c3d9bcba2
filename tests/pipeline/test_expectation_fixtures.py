"""The expectation against recorded kube-proxies, over Services at random.

One folder under fixtures/expectation per VERSION--MODE; many more Services, and kube-proxies that
run, are in tests/proxies/test_expectation.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import Defect, TraceReport
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.judging import strangers
from kubectl_svcnet.pipeline.trace import begin, trace
from tests.proxies.altered import altered
from tests.proxies.comparing import check_as_expected
from tests.proxies.foretelling import foretold, walks_of
from tests.proxies.reading import places
from tests.proxies.topology import HERE

FIXTURES = Path(__file__).parents[1] / "fixtures" / "expectation"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/bundle.tar.gz"))
KINDS = {"/api/v1/services": "Service", "/apis/discovery.k8s.io/v1/endpointslices": "EndpointSlice"}

#: Of changes, which together bring forth all that there is to say.
SEEDS = (7, 17)

pytestmark = pytest.mark.parametrize("case", CASES)


def captures(case: str) -> tuple[Capture, ...]:
    """Of several readings the first."""
    stored = read_bundle(FIXTURES / case / "bundle.tar.gz")[1]
    found = [one.capture() for one in stored]
    return tuple({(_kind(one) or id(one)): one for one in reversed(found)}.values())[::-1]


def look(recorded: tuple[Capture, ...]) -> TraceReport:
    options = Options(all_namespaces=True, nodes=(HERE,), settle=0)
    return trace(ReplaySource.of(recorded), options)


@cache
def healthy(case: str) -> TraceReport:
    return look(captures(case))


def test_what_was_programmed_is_what_is_expected(case: str) -> None:
    version, _, mode = case.partition("--")
    check_as_expected(healthy(case), f"v{version}", mode, more_than=100)


def test_no_address_is_led_to_a_service_that_is_not_there(case: str) -> None:
    """Of all that real kube-proxies dispatch; and each of a Service that the API has no more."""
    options = Options(all_namespaces=True, nodes=(HERE,), settle=0)
    tracing = begin(Collector(ReplaySource.of(captures(case))), options)
    tracing.everything = True
    readings = tracing.outcome().readings
    reader, view = readings[HERE].owner.reader, readings[HERE].view
    assert reader is not None
    assert view is not None
    dispatched = [*reader.dispatched(view)]
    assert len(dispatched) > 40
    assert strangers(readings, tracing.services) == {}
    for whose in {one.whose for one in dispatched}:
        others = tuple(one for one in tracing.services if str(one.name) != whose)
        found = strangers(readings, others)[HERE]
        assert {one.whose for one in found} == {whose}


def changed(recorded: tuple[Capture, ...], seed: int) -> tuple[Capture, ...]:
    """With other objects: Services and their slices are changed together."""
    kinds = [_kind(one) for one in recorded]
    objects: list[dict[str, Any]] = [
        {**item, "kind": kind}
        for one, kind in zip(recorded, kinds, strict=True)
        for item in (one.objects if kind else ())
    ]
    after = iter(altered(seed, objects))
    return tuple(
        replace(one, objects=tuple(next(after) for _ in one.objects)) if kind else one
        for one, kind in zip(recorded, kinds, strict=True)
    )


def _kind(capture: Capture) -> str:
    request = capture.request
    return KINDS.get(request.path, "") if isinstance(request, ApiRequest) else ""


def test_what_changes_without_it_is_named(case: str) -> None:
    version, _, mode = case.partition("--")
    before, verdicts, defects = walks_of(healthy(case)), set[str](), set[Defect]()
    for seed in SEEDS:
        report = look(changed(captures(case), seed))
        verdicts |= set(foretold(before, report, f"v{version}", mode))
        defects |= {defect for _, node in places(report) for defect in node.defects}
    assert verdicts == {"absent", "blocked", "missing", "stale"}
    assert defects == set(Defect)
