from __future__ import annotations

from kubectl_svcnet.cli.check import check
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import CheckReport, PlanReport
from tests.saved import Saved

DB = ("db-service",)


def test_a_check_or_only_its_plan() -> None:
    assert isinstance(check(Saved().source(), Options(services=DB)), CheckReport)
    assert isinstance(check(Saved().source(), Options(services=DB, plan=True)), PlanReport)
