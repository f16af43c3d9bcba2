"""`snapshot` asks for all that later questions need, twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster.record import RecordingSource
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.errors import UsageError
from kubectl_svcnet.model.capture import ApiRequest, ExecRequest, Reason
from kubectl_svcnet.model.commands import Needs
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.node.netfilter import IPSET_SAVE
from kubectl_svcnet.pipeline.collect import command_line
from kubectl_svcnet.pipeline.logs import logs
from kubectl_svcnet.pipeline.ranges import run as ranges
from kubectl_svcnet.pipeline.snapshot import plan, snapshot
from kubectl_svcnet.pipeline.trace import trace
from tests.logged import NOW, Logged
from tests.saved import Saved, Watched, of_node


def test_two_readings_of_every_node() -> None:
    source = Watched(Saved())
    report = snapshot(source, Options(file="x.tar.gz", settle=7))
    dumps = [
        request.node
        for request in source.asked
        if isinstance(request, ExecRequest)
        and any(c.name == "iptables-nft-save-all" for c in request.commands)
    ]
    assert sorted(dumps) == ["n1", "n1", "n2", "n2", "n3", "n3"]
    assert source.waited == [7]
    assert (report.collected.nodes, report.collected.nodes_read) == (3, 3)
    assert report.file == "x.tar.gz"
    assert [gap for gap in report.gaps if gap.blocking] == []


def test_what_was_saved_answers_everything_again(tmp_path: Path) -> None:
    file = tmp_path / "saved.tar.gz"
    recording = RecordingSource(Saved().source(), file)
    snapshot(recording, Options(file=str(file)))
    recording.finish()
    options = Options(all_namespaces=True)
    before, after = trace(Saved().source(), options), trace(ReplaySource(file), options)
    assert after.services == before.services
    assert (after.findings, after.gaps) == (before.findings, before.gaps)
    assert ranges(ReplaySource(file), options).ranges == ranges(Saved().source(), options).ranges


def test_logs_of_a_service_can_be_asked_for_later(tmp_path: Path) -> None:
    file = tmp_path / "saved.tar.gz"
    recording = RecordingSource(Logged(), file)
    snapshot(recording, Options(file=str(file)))
    recording.finish()
    for since in (3600.0, 1800.0):
        options = Options(services=("db-service",), since=since)
        before, after = logs(Logged(), options), logs(Late(file), options)
        assert before.lines
        assert after.lines == before.lines
        assert [gap.node for gap in after.gaps] == [gap.node for gap in before.gaps]


class Late(ReplaySource):
    """Asked at the time at which it was recorded."""

    def now(self) -> float:
        return NOW


def test_a_node_that_does_not_answer_is_a_gap() -> None:
    saved = Saved().refuse(lambda c: of_node(c, "n2"), Reason.UNREACHABLE, "no route to host")
    report = snapshot(saved.source(), Options())
    assert report.collected.nodes_read == 2
    assert ("n2", "rules", "no route to host") in [(g.node, g.what, g.why) for g in report.gaps]
    assert len(set(report.gaps)) == len(report.gaps)


def test_an_image_without_a_shell() -> None:
    """One exec a command then."""
    source = Watched(
        Saved().refuse(lambda c: of_node(c, "n2"), Reason.NO_TOOL, "sh is not in the image")
    )
    snapshot(source, Options())
    plain = [r for r in source.asked if isinstance(r, ExecRequest) and not r.shell]
    assert any(r.node == "n2" and len(r.commands) > 5 for r in plain)


def test_a_plan_names_what_would_run_and_runs_nothing() -> None:
    done, planned = Watched(Saved()), Watched(Saved())
    snapshot(done, Options(settle=0))
    report = plan(planned, Options())
    assert not [r for r in planned.asked if not isinstance(r, ApiRequest)]
    assert planned.waited == []
    ran = {
        command_line(c)
        for r in done.asked
        if isinstance(r, ExecRequest) and r.node == "n1"
        for c in r.commands
    }
    assert {c.argv for c in report.commands if c.node == "n1" and "logs" not in c.argv} == ran
    assert any(c.argv.startswith("kubectl -n kube-system logs") for c in report.commands)


def test_a_plan_of_a_node_that_cannot_be_read_is_a_gap() -> None:
    def elsewhere(pod: dict[str, Any]) -> dict[str, Any] | None:
        return None if pod["spec"].get("nodeName") == "n2" else pod

    saved = Saved().objects("pods", elsewhere)
    assert "n2" in [gap.node for gap in plan(saved.source(), Options()).gaps]


def test_only_the_nodes_that_were_named() -> None:
    source = Watched(Saved())
    report = snapshot(source, Options(nodes=("n1",)))
    assert {r.node for r in source.asked if isinstance(r, ExecRequest)} == {"n1"}
    assert report.collected.nodes == 1
    with pytest.raises(UsageError, match='nodes "n7" not found'):
        snapshot(Saved().source(), Options(nodes=("n7",)))


def test_sets_are_read_where_rules_name_them() -> None:
    def asks(saved: Saved) -> list[ExecRequest]:
        source = Watched(saved)
        snapshot(source, Options(nodes=("n1",)))
        execs = [r for r in source.asked if isinstance(r, ExecRequest)]
        return [r for r in execs if IPSET_SAVE in r.commands]

    assert asks(Saved()) == []
    rule = "-A OUTPUT -m set --match-set S dst -j DROP\nCOMMIT\n"
    named = asks(Saved().rules("n1", lambda text: text.replace("COMMIT\n", rule, 1)))
    assert [request.in_use for request in named] == [frozenset({Needs.IP_SET})] * 2
