"""Bundles compared: the same twice, one change, and one side that saw less."""

from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ClusterError
from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import DiffReport
from kubectl_svcnet.pipeline.diff import diff
from tests.saved import Saved, of_node


def compared(before: Saved, after: Saved) -> DiffReport:
    return diff(("a", before.source()), ("b", after.source()), Options())


def test_the_same_twice() -> None:
    report = compared(Saved(), Saved())
    assert report.changes == ()
    assert not [gap for gap in report.gaps if gap.blocking]


def test_a_rule_more() -> None:
    portals = '-A PREROUTING -m comment --comment "kubernetes service portals"'
    after = Saved().before_rule("n2", portals, "-A PREROUTING -s 192.0.2.1/32 -j DROP")
    [change] = compared(Saved(), after).changes
    assert change.path.startswith("nodes/n2/rules/")
    assert (change.before, change.after) == ((), ("-s 192.0.2.1/32 -j DROP",))


def test_counters_are_no_difference() -> None:
    after = Saved().rules("n1", lambda text: text.replace("[0:0]", "[7:420]"))
    assert compared(Saved(), after).changes == ()


def test_what_one_side_did_not_read_is_a_gap_and_not_removed() -> None:
    blind = Saved().refuse(lambda c: of_node(c, "n2"), Reason.UNREACHABLE, "no route to host")
    for report, name in ((compared(Saved(), blind), "b"), (compared(blind, Saved()), "a")):
        assert [c.path for c in report.changes if c.path.startswith("nodes/n2/rules")] == []
        [gap] = [g for g in report.gaps if g.node == "n2" and "rules" in g.what]
        assert gap.blocking
        assert gap.why.startswith(f"{name}: ")
    report = compared(blind, blind)
    assert report.changes == ()
    assert any(gap.blocking and gap.why.startswith("neither side: ") for gap in report.gaps)


def test_a_side_of_which_nothing_was_read() -> None:
    """As of a cluster without any right in it: nothing to compare with, and no difference."""
    blind = Saved().refuse(lambda c: True, Reason.FORBIDDEN, 'cannot list resource "nodes"')
    for before, after, name in ((Saved(), blind, "b"), (blind, Saved(), "a")):
        with pytest.raises(ClusterError, match=f"{name}: nothing could be read: .*cannot list"):
            compared(before, after)
    no_execs = Saved().refuse(lambda c: c.command is not None, Reason.FORBIDDEN, "no exec")
    assert compared(Saved(), no_execs).gaps
