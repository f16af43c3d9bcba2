"""The time line: in order, nothing lost, nothing twice."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.logs.node_file import ASSUMED
from kubectl_svcnet.logs.timeline import merge
from kubectl_svcnet.model.logline import About, AboutKind, LogLine

SYNC = About(AboutKind.SYNC)


def line(
    message: str, time: float | None = None, node: str = "n1", source: str = "kube-proxy"
) -> LogLine:
    return LogLine(time=time, node=node, source=source, message=message, about=SYNC, raw=message)


lines = st.lists(
    st.builds(
        line,
        st.text(alphabet="abc", min_size=1, max_size=2),
        st.none() | st.integers(0, 5).map(float),
        st.sampled_from(["n1", "n2"]),
        source=st.sampled_from(["kube-proxy", "event"]),
    ),
    max_size=20,
)


@given(lines)
def test_no_line_is_lost_and_none_is_made(found: list[LogLine]) -> None:
    assert sorted(map(repr, merge(found))) == sorted(map(repr, found))


@given(lines)
def test_times_do_not_go_back(found: list[LogLine]) -> None:
    times = [one.time for one in merge(found) if one.time is not None]
    assert times == sorted(times)


@given(lines)
def test_a_log_stays_in_its_order_where_its_times_do(found: list[LogLine]) -> None:
    ordered = sorted(found, key=lambda one: one.time or 0.0)
    merged = merge(ordered)
    for node in ("n1", "n2"):
        ours = [one for one in ordered if one.node == node and one.source == "kube-proxy"]
        if all(one.time is not None for one in ours):
            assert [o for o in merged if o.node == node and o.source == "kube-proxy"] == ours


def test_a_line_without_a_time_stays_behind_its_predecessor() -> None:
    found = [
        line("panic", 5.0),
        line("goroutine 1"),
        line("other", 7.0, "n2"),
        line("b", 6.0, "n2"),
    ]
    assert [one.message for one in merge(found)] == ["panic", "goroutine 1", "b", "other"]


def of_file(message: str, time: float, node: str = "n1") -> LogLine:
    return replace(line(message, time, node), source="kube-proxy.log", assumed=ASSUMED)


def test_the_same_line_of_pod_and_file_is_one() -> None:
    merged = merge([of_file("a", 100.0), line("a", 100.2), of_file("a", 90.0, "n2")])
    assert [(one.node, one.source) for one in merged] == [
        ("n2", "kube-proxy.log"),
        ("n1", "kube-proxy"),
    ]


def test_the_zone_of_a_file_by_lines_that_the_pod_has_too() -> None:
    """A node two hours ahead of UTC."""
    ahead = 7200.0
    found = [
        line("a", 1000.2),
        of_file("a", 1000.0 + ahead),
        of_file("older", 900.0 + ahead),
        of_file("elsewhere", 900.0 + ahead, "n2"),
    ]
    merged = {one.message: one for one in merge(found)}
    assert merged["older"].time == 900.0
    assert merged["older"].assumed == "year and zone, by 1 of its lines that the pod's log has too"
    assert merged["elsewhere"].time == 900.0 + ahead
    assert merged["elsewhere"].assumed == ASSUMED


def test_lines_that_disagree_on_the_zone_settle_nothing() -> None:
    found = [
        *(line("a", 1000.0), line("b", 9000.0)),
        *(of_file("a", 1000.0), of_file("b", 1000.0), of_file("c", 500.0)),
    ]
    (shown,) = [one for one in merge(found) if one.message == "c"]
    assert (shown.time, shown.assumed) == (500.0, ASSUMED)
