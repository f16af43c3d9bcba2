from __future__ import annotations

from kubectl_svcnet.cli.logs import read
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import LogsReport, PlanReport
from tests.logged import Logged

DB = ("db-service",)


def test_the_logs_or_only_their_plan() -> None:
    assert isinstance(read(Logged(), Options(services=DB)), LogsReport)
    assert isinstance(read(Logged(), Options(services=DB, plan=True)), PlanReport)
