from __future__ import annotations

from kubectl_svcnet.cli.trace import trace
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import PlanReport, TraceReport
from tests.saved import Saved

DB = ("db-service",)


def test_a_trace_or_only_its_plan() -> None:
    assert isinstance(trace(Saved().source(), Options(services=DB)), TraceReport)
    assert isinstance(trace(Saved().source(), Options(services=DB, plan=True)), PlanReport)
