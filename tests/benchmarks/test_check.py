"""The recorded cluster is healthy, and holds as many Services as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.check import big, write
from benchmarks.ranges import cost
from benchmarks.sizes import Size
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.node.netfilter import MOST_FILTERED
from kubectl_svcnet.pipeline.check import check

OWN = 14  # the recorded lab's


@pytest.mark.parametrize("size", [Size(4, 3), Size(110, 10)])
def test_all_of_it_is_ok(size: Size) -> None:
    assert (size.services * (size.endpoints + 1) > MOST_FILTERED) is (size.services > 100)
    report = check(big(size).source(), Options(all_namespaces=True))
    assert report.coverage.ok == OWN + size.services
    assert report.coverage.nodes_read == 3
    assert [f for f in report.findings if f.level is Level.ERROR] == []


def test_what_is_measured_is_an_answer(tmp_path: Path) -> None:
    file = tmp_path / "small.tar.gz"
    write(file, big(Size(2, 2)))
    words = ["check", "-A", "--bundle", str(file)]
    found = cost(words, says=f"{OWN + 2} Services ok")
    assert 0 < found.wall < 600
    with pytest.raises(Exception, match="exit status 1"):
        cost(words, says="not this")
