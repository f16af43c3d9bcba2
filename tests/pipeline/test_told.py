from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture, Failure, ForwardRequest, LogRequest, Reason
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.told import ENDPOINTS, LOG, Heard, read_metrics, read_told, requests
from tests.samples import proxy

POD = proxy("n1")
LOG_TEXT = (
    'I0307 04:29:29.883941       1 server.go:1] "Version info" version="v1.34.4"\n'
    'I0307 04:29:29.883941       1 server_linux.go:1] "Using ipvs Proxier"\n'
)
SYNC = "kubeproxy_sync_proxy_rules"
METRICS = f"""\
{SYNC}_last_queued_timestamp_seconds{{ip_family="IPv4"}} 1000
{SYNC}_last_queued_timestamp_seconds{{ip_family="IPv6"}} 900
{SYNC}_last_timestamp_seconds{{ip_family="IPv4"}} 1001
{SYNC}_last_timestamp_seconds{{ip_family="IPv6"}} 800
{SYNC}_iptables_restore_failures_total{{ip_family="IPv4"}} 2
{SYNC}_nftables_sync_failures_total{{ip_family="IPv6"}} 1
{SYNC}_iptables_partial_restore_failures_total{{ip_family="IPv4"}} 5
kubernetes_build_info{{git_version="v1.36.3"}} 1
"""
ANSWERS = {
    "/proxyMode": "nftables",
    "/configz": '{"kubeproxy.config.k8s.io":{"mode":"nftables"}}',
    "/metrics": METRICS,
    "/healthz": '{"healthy":true}',
}


def captures(**changes: str | Failure) -> list[Capture]:
    """By path without its slash, or log."""
    found = []
    for request in requests(POD):
        if isinstance(request, LogRequest):
            what = changes.get("log", LOG_TEXT)
        else:
            what = changes.get(request.path[1:], ANSWERS[request.path])
        if isinstance(what, Failure):
            found.append(Capture(request=request, failure=what))
        else:
            found.append(Capture(request=request, data=what.encode()))
    return found


def heard(**changes: str | Failure) -> Heard:
    return read_told(Collector(ReplaySource.of(captures(**changes))), [POD])["n1"]


NO = Failure(reason=Reason.FORBIDDEN, message='User "u" cannot create resource "x"')


def test_all_that_it_says() -> None:
    told, gaps = heard().told, heard().gaps
    assert gaps == ()
    assert (told.mode, told.log_mode, told.log_version, told.healthy) == (
        "nftables",
        "ipvs",
        "v1.34.4",
        True,
    )
    assert told.setting is not None
    assert told.setting.mode == "nftables"
    metrics = told.metrics
    assert metrics is not None
    assert (metrics.late_by, metrics.failures, metrics.partial_failures) == (100.0, 3, 5)
    assert (metrics.last_sync, metrics.last_queued, metrics.version) == (800.0, 1000.0, "v1.36.3")


@pytest.mark.parametrize("mode", ["ebpf", "", "404 page not found", "iptables\nnftables"])
def test_a_mode_that_is_none(mode: str) -> None:
    """A mode to come is not known, never iptables."""
    assert heard(proxyMode=mode).told.mode == ""


def test_never_synced() -> None:
    text = f"{SYNC}_last_queued_timestamp_seconds 1795564126\n{SYNC}_last_timestamp_seconds 0\n"
    metrics = heard(metrics=text).told.metrics
    assert metrics is not None
    assert (metrics.last_sync, metrics.late_by) == (None, 1795564126.0)
    metrics = heard(metrics=f"{text}process_start_time_seconds 1795564124\n").told.metrics
    assert metrics is not None
    assert (metrics.last_sync, metrics.late_by) == (None, 2.0)


def test_no_metrics_of_syncs() -> None:
    metrics = heard(metrics="go_goroutines 3\n").told.metrics
    assert metrics is not None
    assert (metrics.late_by, metrics.failures, metrics.last_sync) == (0.0, 0, None)


def test_families() -> None:
    counts = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"
    single = heard(metrics=f'{counts}{{ip_family="IPv6"}} 1.7e+09\n').told.metrics
    assert single is not None
    assert single.families == (Family.IPV6,)
    older = heard(metrics=f"{counts} 1.7e+09\n").told.metrics  # until 1.32
    assert older is not None
    assert older.families == ()


def test_without_endpoints_there_is_the_log() -> None:
    found = heard(proxyMode=NO, configz=NO, metrics=NO, healthz=NO)
    assert found.told.running == "ipvs"
    assert (found.told.metrics, found.told.healthy) == (None, None)
    [gap] = found.gaps
    assert (gap.what, gap.node, gap.blocking) == (ENDPOINTS, "n1", False)
    assert "subresource=portforward" in gap.next


def test_without_a_log_there_are_the_endpoints() -> None:
    found = heard(log=NO)
    assert found.told.running == "nftables"
    [gap] = found.gaps
    assert (gap.what, gap.blocking) == (LOG, False)


def test_nonsense_is_a_gap() -> None:
    found = heard(configz="{", healthz="{")
    assert found.told.setting is None
    assert found.told.healthy is None
    [gap] = found.gaps
    assert "/configz" in gap.why


def test_a_pod_that_does_not_run_is_not_asked_for_endpoints() -> None:
    dead = proxy("n1", running=False)
    assert all(isinstance(request, LogRequest) for request in requests(dead))
    apart = replace(POD, host_network=False)  # its loopback is its own, and so is its netfilter
    assert all(isinstance(request, LogRequest) for request in requests(apart))
    assert sum(isinstance(request, ForwardRequest) for request in requests(POD)) == 4


def test_metrics_once_more() -> None:
    source = ReplaySource.of(captures())
    found = read_metrics(Collector(source), [POD, proxy("n2")])
    assert found["n1"] is not None
    assert found["n2"] is None  # not recorded
