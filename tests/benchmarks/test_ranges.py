"""The recorded lists are a cluster whose ranges are told and healthy."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import ranges
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.ranges import run


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "SERVICES", 20)
    monkeypatch.setattr(ranges, "NODES", 3)


@pytest.mark.parametrize("with_pods", [False, True])
def test_the_lists(tmp_path: Path, with_pods: bool) -> None:
    file = tmp_path / "lists.tar.gz"
    ranges.write(file, with_pods=with_pods)
    report = run(ReplaySource(file), Options())
    assert report.findings == ()
    found = {(r.kind.value, r.node): (r.text, r.used) for r in report.ranges}
    each = ranges.PODS_PER_NODE
    assert found["Service", ""] == ("10.128.0.0/16", 20)
    assert found["Pod", ""] == ("10.0.0.0/9", 3 * each if with_pods else None)
    assert found["Pod", "n2"] == ("10.0.2.0/24", each if with_pods else None)


def test_a_run_has_a_cost(tmp_path: Path) -> None:
    file = tmp_path / "lists.tar.gz"
    ranges.write(file, with_pods=False)
    found = ranges.cost(["ranges", "--bundle", str(file)])
    assert 0 < found.seconds < 60
    assert 5 < found.memory < 500
