"""Of ordinary pods only what counting needs is read, and that as `parse_pod` reads it."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.kube_pod import parse_pod
from kubectl_svcnet.parse.pods import PodReader


def item(**changes: Any) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "metadata": {"namespace": "shop", "name": "web-1", "labels": {"app": "web", "odd": 1}},
        "spec": {"nodeName": "n1", "containers": [{"name": "c"}]},
        "status": {"phase": "Running", "podIPs": [{"ip": "10.244.1.2"}, {"ip": "fd00::2"}]},
    }
    for path, value in changes.items():
        pod[path] = {**pod[path], **value} if isinstance(value, dict) else value
    return pod


COUNTED = ("namespace", "name", "node", "addresses", "labels", "phase", "host_network")


@pytest.mark.parametrize(
    "pod",
    [
        item(),
        item(status={"podIPs": [], "podIP": "10.244.1.3"}),
        item(status={"podIPs": None}),
        item(status={"podIPs": [{"ip": "x"}, {"ip": 7}, "y"]}),
        item(status={"podIPs": {"ip": "10.0.0.1"}, "podIP": 5, "phase": None}),
        item(metadata={"labels": None}, spec={"nodeName": 5, "volumes": "none"}),
        item(spec={"volumes": [{"emptyDir": {}}, 5]}),
        item(spec="none"),
    ],
)
def test_as_the_whole_parser_reads_it(pod: dict[str, Any]) -> None:
    read, whole = PodReader().read(pod), parse_pod(pod)
    assert [getattr(read, name) for name in COUNTED] == [getattr(whole, name) for name in COUNTED]


@pytest.mark.parametrize(
    "spec", [{"hostNetwork": True}, {"volumes": [{"name": "v", "hostPath": {"path": "/run"}}]}]
)
def test_pods_of_the_host_are_read_whole(spec: dict[str, Any]) -> None:
    assert PodReader().read(item(spec=spec)) == parse_pod(item(spec=spec))
    assert PodReader().read(item()).containers == ()


def test_labels_that_are_alike_are_one() -> None:
    reader = PodReader()
    assert reader.read(item()).labels is reader.read(item()).labels


def test_a_pod_without_a_name() -> None:
    with pytest.raises(ParseError):
        PodReader().read(item(metadata={"name": ""}))
