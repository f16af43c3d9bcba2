from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence, RangeKind
from kubectl_svcnet.ranges.apiserver import SOURCE


def test_both_ranges_of_one_flag_are_one_statement(ask: Any, static_pod: Any) -> None:
    pod = static_pod("kube-apiserver", "--service-cluster-ip-range=10.96.0.0/16,fd00::/112")
    claims = ask(SOURCE, Census(pods=(pod,))).claims
    assert [(c.kind, c.text, c.confidence) for c in claims] == [
        (RangeKind.SERVICE, "10.96.0.0/16", Confidence.STATED),
        (RangeKind.SERVICE, "fd00::/112", Confidence.STATED),
    ]
    assert claims[0].object == "pod kube-system/kube-apiserver-n1"
    assert claims[0].evidence == "--service-cluster-ip-range=10.96.0.0/16,fd00::/112"
    assert claims[0].statement == claims[1].statement


def test_node_ports(ask: Any, static_pod: Any) -> None:
    pod = static_pod("kube-apiserver", "--service-node-port-range", "30000-30999")
    (claim,) = ask(SOURCE, Census(pods=(pod,))).claims
    assert (claim.kind, claim.text, claim.value) == (RangeKind.NODE_PORT, *2 * ("30000-30999",))


@pytest.mark.parametrize("labels", [{"component": "kube-apiserver"}, {"k8s-app": "kube-apiserver"}])
def test_recognised_by_either_label(static_pod: Any, labels: dict[str, str]) -> None:
    assert SOURCE.recognise(Census(pods=(static_pod("kube-apiserver", **labels),)))


def test_not_recognised(static_pod: Any) -> None:
    flag = "--service-cluster-ip-range=10.0.0.0/16"
    hosted = static_pod("kube-apiserver", flag, host_network=False)
    stranger = static_pod("kube-apiserver", component="etcd")
    assert SOURCE.recognise(Census(pods=(hosted, stranger))) == ()
    assert SOURCE.recognise(Census()) == ()


@pytest.mark.parametrize(
    "flag", ["--service-cluster-ip-range=$(RANGE)", "--service-node-port-range=all"]
)
def test_a_value_that_is_no_range_is_a_gap(ask: Any, static_pod: Any, flag: str) -> None:
    reading = ask(SOURCE, Census(pods=(static_pod("kube-apiserver", flag),)))
    assert reading.claims == ()
    (gap,) = reading.gaps
    assert gap.what == f"kube-apiserver {flag.partition('=')[0]}"
    assert gap.next == "kubectl get -n kube-system pod kube-apiserver-n1 -o yaml"
