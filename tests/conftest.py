"""What this machine cannot run is skipped with its reason; where CI=true, a skip is a failure.

Markers of their own: `kernel` (root on Linux) and `tools("nft", "ip")` (programs on PATH).
`e2e` tests run only when asked for: `make e2e`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator

import pytest

CI = os.environ.get("CI") == "true"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite golden files instead")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten."""
    return bool(request.config.getoption("--update"))


def maybe_lacking(item: pytest.Item) -> str | None:
    """What this machine lacks for a test, in words."""
    if item.get_closest_marker("kernel") and not (sys.platform == "linux" and os.geteuid() == 0):
        return "needs root on Linux"
    names = [name for mark in item.iter_markers("tools") for name in mark.args]
    if lacking := sorted({name for name in names if not shutil.which(name)}):
        return f"not installed: {', '.join(lacking)}"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if reason := maybe_lacking(item):
        pytest.skip(reason)


def forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turns a skip into a failure; an expected failure (xfail) stays what it is."""
    if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {reason} (CI=true: nothing may be skipped)"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if CI:
        forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if CI:
        forbid_skip(report)
    return report
