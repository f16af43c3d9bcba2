from __future__ import annotations

import re

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.node.conntrack import (
    COUNT,
    MOST,
    STATISTICS,
    conntrack_commands,
    read_conntrack,
)
from tests.parse.test_conntrack import COUNTS, TABLE
from tests.samples import at, capture

PLACES = [at("10.244.2.9:8053"), at("[fd00:2::9]:8053")]


def test_without_udp_only_counts() -> None:
    assert conntrack_commands([], PLACES) == (STATISTICS, COUNT, MOST)


def test_what_an_endpoint_answers_stays_on_the_node() -> None:
    *_, asked = conntrack_commands([53, 53, 123], PLACES)
    dialled, leave = asked.arguments
    shown = [line for line in TABLE.splitlines() if re.search(dialled, line)]
    assert len(shown) == 3
    (left,) = [line for line in shown if not re.search(leave, line)]
    assert "src=10.244.1.4 " in left
    assert asked.argv()[0] == "grep"


def test_of_too_many_endpoints_all_lines_come() -> None:
    many = [at(f"10.{n // 250}.{n % 250}.1:53") for n in range(500)]
    *_, asked = conntrack_commands([53], many)
    assert asked.arguments[1] == "^$"


def test_what_was_read() -> None:
    *_, asked = conntrack_commands([53], PLACES)
    answers = {
        STATISTICS: capture(STATISTICS, COUNTS),
        COUNT: capture(COUNT, "75\n"),
        MOST: capture(MOST, "65536\n"),
        asked: capture(asked, TABLE),
    }
    seen, gaps = read_conntrack(answers)
    assert (seen.counts["drop"], seen.count, seen.most, gaps) == (2, 75, 65536, ())
    assert seen.connections is not None
    assert len(seen.connections) == 4
    nothing, gaps = read_conntrack({asked: capture(asked, "", exit_code=1)})
    assert (nothing.connections, nothing.count, gaps) == ((), None, ())


def test_what_was_not_read() -> None:
    *_, asked = conntrack_commands([53], PLACES)
    absent = capture(asked, "", exit_code=2)
    refused = capture(asked, "", exit_code=None, failure=Reason.NOT_RECORDED)
    strange = capture(asked, TABLE.replace("10.96.0.1 ", "10.96.0.999 "))
    for one in (absent, refused, strange):
        seen, gaps = read_conntrack({asked: one})
        assert seen.connections is None
        assert [(gap.what, gap.blocking) for gap in gaps] == [("tracked connections", False)]
