from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.parse.metrics import Sample, parse_metrics

QUEUED = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"
FAILURES = "kubeproxy_sync_proxy_rules_iptables_restore_failures_total"
BUILD = "kubernetes_build_info"

#: Lines of kube-proxy 1.36.3 and 1.24.17.
TEXT = f"""\
# HELP {QUEUED} [ALPHA] The last time a sync of proxy rules was queued
# TYPE {QUEUED} gauge
{QUEUED}{{ip_family="IPv4"}} 1.7955633634107535e+09
{QUEUED}{{ip_family="IPv6"}} 1.7955633634107594e+09
{QUEUED}_other 3
{FAILURES} 0
{BUILD}{{build_date="x",git_version="v1.36.3",go_version="go1.26.8"}} 1
"""


def test_only_what_is_asked_for() -> None:
    assert parse_metrics(TEXT, {QUEUED}) == (
        Sample(QUEUED, 1.7955633634107535e09, {"ip_family": "IPv4"}),
        Sample(QUEUED, 1.7955633634107594e09, {"ip_family": "IPv6"}),
    )
    assert parse_metrics(TEXT, {FAILURES}) == (Sample(FAILURES, 0.0),)
    [build] = parse_metrics(TEXT, {BUILD})
    assert build.labels["git_version"] == "v1.36.3"
    assert parse_metrics(TEXT, set()) == ()


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("m 1", 1.0),
        ("m{} 1", 1.0),
        ("m 1 1795563363000", 1.0),
        ('m{a="}",b="\\""} 2', 2.0),
        ("m +Inf", float("inf")),
        ("m NaN", None),
        ("m x", None),
        ("m", None),
        ("m{", None),
        ("", None),
    ],
)
def test_lines(line: str, value: float | None) -> None:
    assert [sample.value for sample in parse_metrics(line, {"m"})] == (
        [] if value is None else [value]
    )


def test_cut_anywhere_it_does_not_raise() -> None:
    for end in range(len(TEXT)):
        assert len(parse_metrics(TEXT[:end], {QUEUED, FAILURES, BUILD})) <= 4


def test_a_whole_answer_of_a_real_kube_proxy() -> None:
    text = (Path(__file__).parents[1] / "fixtures/kube-proxy-http/v1.36.3-metrics.txt").read_text()
    assert len(parse_metrics(text, {QUEUED})) == 2
    assert parse_metrics(text, {FAILURES}) == ()  # a counter with labels appears when it counts


def test_a_label_without_a_value_takes_no_longer_than_its_line() -> None:
    assert [s.labels for s in parse_metrics(f"m{{{'a' * 400_000}}} 1", {"m"})] == [{}]
