"""When a kube-proxy counts as having followed, by its own metrics."""

import pytest

from benchmarks.proxies import in_step, parse_metrics

METRICS = """\
# HELP kubeproxy_sync_proxy_rules_iptables_total Total number of iptables rules owned by kube-proxy
# TYPE kubeproxy_sync_proxy_rules_iptables_total gauge
kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="filter"} 12
kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"} 125
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"} 1.7955538241605191e+09
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.7955538244931116e+09
kubeproxy_sync_proxy_rules_service_changes_pending 0
kubeproxy_sync_proxy_rules_endpoint_changes_pending 0
"""


def test_metrics_are_read_with_their_labels() -> None:
    found = parse_metrics(METRICS)
    assert found['kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"}'] == 125
    assert len(found) == 6


def test_in_step() -> None:
    assert in_step(parse_metrics(METRICS), 125)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('table="nat"} 125', 'table="nat"} 124'),
        ("service_changes_pending 0", "service_changes_pending 3"),
        ("endpoint_changes_pending 0", "endpoint_changes_pending 1"),
        ("1.7955538244931116e+09", "1.7955538201e+09"),
        (METRICS, ""),
    ],
)
def test_not_in_step(old: str, new: str) -> None:
    assert not in_step(parse_metrics(METRICS.replace(old, new)), 125)
