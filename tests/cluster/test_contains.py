"""Which recorded answer has another in it: tables of yes and no."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.cluster.contains import (
    Collection,
    collection_of,
    list_contains,
    log_contains,
    select,
    wider_commands,
)
from kubectl_svcnet.model.capture import ApiRequest, LogRequest
from kubectl_svcnet.model.commands import COMMANDS, Command


@pytest.mark.parametrize(
    ("command", "wider"),
    [
        (("iptables-nft-chain", "nat", "X"), ["iptables-nft-save nat", "iptables-nft-save-all"]),
        (
            ("ip6tables-nft-chain-filtered", "nat", "X", "^y"),
            ["ip6tables-nft-chain nat X", "ip6tables-nft-save nat", "ip6tables-nft-save-all"],
        ),
        (("iptables-nft-table", "raw"), ["iptables-nft-save raw", "iptables-nft-save-all"]),
        (("iptables-nft-save", "nat"), ["iptables-nft-save-all"]),
        (
            ("iptables-nft-save-filtered", "nat", "^y"),
            ["iptables-nft-save nat", "iptables-nft-save-all"],
        ),
        (("iptables-nft-save-all-filtered", "^y"), ["iptables-nft-save-all"]),
        (("ip6tables-nft-first-rule", "nat", "X"), ["ip6tables-nft-save-all"]),
        (("iptables-nft-save-all",), []),
        (("iptables-legacy-save-all-filtered", "^y"), ["iptables-legacy-save-all"]),
        (("iptables-legacy-first-rule", "nat", "X"), ["iptables-legacy-save-all"]),
        (("iptables-legacy-save-all",), []),
        (("nft-table", "ip", "kube-proxy"), []),
        (("nft-table-picked", "ip", "kube-proxy", "^x"), ["nft-table ip kube-proxy"]),
        (("nft-service-range", "ip6"), ["nft-table ip6 kube-proxy"]),
        (("nft-calico-cidr-block", "ip"), ["nft-table ip calico"]),
        (("cat", "/proc/modules"), []),
    ],
)
def test_commands(command: tuple[str, ...], wider: list[str]) -> None:
    found = wider_commands(Command(command[0], command[1:]))
    assert [" ".join((c.name, *c.arguments)) for c in found] == wider
    for one in found:
        one.argv()  # of the table


def test_whole_dumps_are_contained_in_nothing() -> None:
    for name in COMMANDS:
        if name.endswith("-save-all"):
            assert wider_commands(Command(name)) == ()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/nodes", Collection("/api/v1", "nodes")),
        ("/api/v1/nodes/n1", Collection("/api/v1", "nodes", "", "n1")),
        ("/api/v1/namespaces", Collection("/api/v1", "namespaces")),
        ("/api/v1/namespaces/shop/services", Collection("/api/v1", "services", "shop")),
        ("/api/v1/namespaces/shop/services/db", Collection("/api/v1", "services", "shop", "db")),
        (
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
            Collection("/apis/discovery.k8s.io/v1", "endpointslices", "shop"),
        ),
        ("/api/v1/namespaces/shop/pods/x/log", None),
        ("/version", None),
        ("/apis", None),
    ],
)
def test_paths(path: str, expected: Collection | None) -> None:
    assert collection_of(path) == expected


def api(path: str, label: str = "", field: str = "", **fields: Any) -> ApiRequest:
    pairs = (("labelSelector", label), ("fieldSelector", field))
    return ApiRequest(path=path, query=tuple(p for p in pairs if p[1]), **fields)


ALL, SHOP = "/api/v1/pods", "/api/v1/namespaces/shop/pods"


@pytest.mark.parametrize(
    ("recorded", "wanted", "contains"),
    [
        (api(ALL), api(SHOP), True),
        (api(ALL), api(f"{SHOP}/x", many=False), True),
        (api(ALL), api(ALL, label="a=b"), True),
        (api(ALL, label="a=b"), api(ALL, label="a=b,c=d"), True),
        (api(ALL, label="a=b"), api(SHOP, label="a=b", field="spec.nodeName=n1"), True),
        (api(ALL, label="a=b"), api(ALL), False),
        (api(ALL, label="a=b"), api(ALL, label="a=c"), False),
        (api(SHOP), api(ALL), False),
        (api(SHOP), api("/api/v1/namespaces/other/pods"), False),
        (api(SHOP), api("/api/v1/namespaces/shop/services"), False),
        (api(f"{SHOP}/x", many=False), api(f"{SHOP}/x", many=False), False),
        (api(ALL), api("/version", many=False), False),
        (api(ALL), ApiRequest(path=ALL, query=(("resourceVersion", "0"),)), False),
    ],
)
def test_lists(recorded: ApiRequest, wanted: ApiRequest, contains: bool) -> None:
    assert list_contains(recorded, wanted) is contains


PODS: list[dict[str, Any]] = [
    {
        "metadata": {"name": "a", "namespace": "shop", "labels": {"app": "db", "tier": "x"}},
        "spec": {"nodeName": "n1", "hostNetwork": True},
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    },
    {
        "metadata": {"name": "b", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"nodeName": "n2"},
        "status": {"phase": "Pending"},
    },
    {"metadata": {"name": "c", "namespace": "other"}, "spec": {}},
    {},
]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (api(ALL), "abc"),
        (api(SHOP), "ab"),
        (api(f"{SHOP}/b", many=False), "b"),
        (api(ALL, label="app=db"), "a"),
        (api(ALL, label="app==db"), "a"),
        (api(ALL, label="app"), "ab"),
        (api(ALL, label="!app"), "c"),
        (api(ALL, label=" "), "abc"),
        (api(ALL, field=",,metadata.name=c,"), "c"),
        (api(ALL, label="app!=db"), "bc"),
        (api(ALL, label="app in (db, web),tier"), "a"),
        (api(ALL, label="app notin (db,web)"), "c"),
        (api(ALL, field="spec.nodeName=n1"), "a"),
        (api(ALL, field="spec.nodeName="), "c"),
        (api(ALL, field="spec.nodeName!=n1"), "bc"),
        (api(ALL, field="status.phase==Running,metadata.namespace=shop"), "a"),
        (api(ALL, field="metadata.name=c"), "c"),
        (api(ALL, field="spec.hostNetwork=true"), "a"),
        (api(ALL, field="spec.hostNetwork=false"), "bc"),
        (api(ALL, field="status.podIP=10.0.0.1"), "a"),
        (api(ALL, field="spec.nodeName=n2", label="app=db"), ""),
    ],
)
def test_selection(wanted: ApiRequest, names: str) -> None:
    found = select(PODS, wanted)
    assert found is not None
    assert "".join(item["metadata"]["name"] for item in found) == names


@pytest.mark.parametrize(
    "wanted",
    [
        *(api(ALL, field=text) for text in ("spec.x=1", "x")),
        api("/version"),
    ],
)
def test_selectors_that_are_not_understood(wanted: ApiRequest) -> None:
    assert select(PODS, wanted) is None


@pytest.mark.parametrize("text", ["a,,b", ",a", "app,", ",", "a=b=c"])
def test_labels_that_the_api_server_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="found "):
        select(PODS, api(ALL, label=text))


def log(**fields: Any) -> LogRequest:
    return LogRequest(**{"namespace": "n", "pod": "p", "container": "c", **fields})


@pytest.mark.parametrize(
    ("recorded", "truncated", "wanted", "contains"),
    [
        (log(), False, log(tail_lines=5), True),
        (log(), False, log(since_seconds=60), True),
        (log(), False, log(limit_bytes=100), True),
        (log(limit_bytes=100), True, log(limit_bytes=50), True),
        (log(limit_bytes=100), True, log(limit_bytes=500), False),
        (log(limit_bytes=100), True, log(), False),
        (log(limit_bytes=100), True, log(limit_bytes=50, tail_lines=1), False),
        (log(limit_bytes=100), False, log(), True),
        (log(since_seconds=3600), False, log(since_seconds=60), True),
        (log(since_seconds=60), False, log(since_seconds=3600), False),
        (log(since_seconds=60), False, log(), False),
        (log(since_seconds=60, limit_bytes=9), True, log(limit_bytes=5), False),
        (log(since_seconds=60, limit_bytes=9), True, log(since_seconds=60, limit_bytes=5), True),
        (log(tail_lines=5), False, log(tail_lines=3), True),
        (log(tail_lines=5), False, log(tail_lines=9), False),
        (log(tail_lines=5), False, log(), False),
        (log(tail_lines=5, since_seconds=60), False, log(tail_lines=5, since_seconds=9), True),
        (log(tail_lines=5, limit_bytes=9), True, log(tail_lines=5, limit_bytes=5), True),
        (log(tail_lines=5, limit_bytes=9), True, log(tail_lines=3, limit_bytes=5), False),
        (log(), False, log(since_time="2026-11-24T23:36:03Z"), False),
        (log(), False, log(pod="other"), False),
        (log(), False, log(previous=True), False),
        (log(timestamps=True), False, log(), False),
    ],
)
def test_logs(recorded: LogRequest, truncated: bool, wanted: LogRequest, contains: bool) -> None:
    assert log_contains(recorded, truncated, wanted) is contains
