"""The time line of a Service on the lab: what really happened, in the order in which it did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.tool import Following, Svcnet
from tests.lab.client import Lab
from tests.lab.shell import wait_until

pytestmark = pytest.mark.e2e

NODE = "n3"


@pytest.fixture(scope="module")
def proxy(lab: Lab) -> str:
    """The DaemonSet of the node's kube-proxy; there is one for each mode."""
    pods = lab.kubectl(
        *("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-proxy", "-o", "json"),
        f"--field-selector=spec.nodeName={NODE}",
    )
    (pod,) = json.loads(pods)["items"]
    return f"daemonset/{pod['metadata']['ownerReferences'][0]['name']}"


@pytest.fixture(scope="module")
def verbose(lab: Lab, svcnet: Svcnet, proxy: str) -> Iterator[None]:
    """Its kube-proxy restarted with -v=4, which a Service's lines need since 1.26."""
    found = json.loads(lab.kubectl("-n", "kube-system", "get", proxy, "-o", "json"))
    command = found["spec"]["template"]["spec"]["containers"][0]["command"]
    path = f"/spec/template/spec/containers/0/command/{command.index('--v=2')}"
    set_flag(lab, proxy, path, "--v=4")
    wait_until("its lines", lambda: told(svcnet, "Setting endpoints"), timeout=60)
    yield
    set_flag(lab, proxy, path, "--v=2")


def told(svcnet: Svcnet, *words: str) -> bool:
    items = lines(svcnet, "--node", NODE)
    return any(all(word in item["message"] for word in words) for item in items)


def set_flag(lab: Lab, proxy: str, path: str, flag: str) -> None:
    patch = json.dumps([{"op": "replace", "path": path, "value": flag}])
    lab.kubectl("-n", "kube-system", "patch", proxy, "--type=json", "-p", patch)
    lab.kubectl("-n", "kube-system", "rollout", "status", proxy, "--timeout=120s")


def endpoints(lab: Lab) -> dict[str, str]:
    """The pods of NODE behind db-service that stay, and their addresses."""
    here = f"--field-selector=spec.nodeName={NODE}"
    items = json.loads(lab.kubectl("get", "pods", "-l", "app=db", here, "-o", "json"))["items"]
    return {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in items
        if "deletionTimestamp" not in pod["metadata"]
    }


def replace_pod(lab: Lab) -> tuple[str, str, str, str]:
    """The pod that went and its address, the pod that came and its: the spread over nodes makes it
    come where the other was."""
    before = endpoints(lab)
    name = min(before)
    lab.kubectl("delete", "pod", name, "--grace-period=1")
    lab.kubectl("rollout", "status", "deployment/db", "--timeout=90s")
    ((new, fresh),) = endpoints(lab).items() - before.items()
    return name, before[name], new, fresh


def lines(svcnet: Svcnet, *words: str) -> list[dict[str, Any]]:
    answer = svcnet("logs", "db-service", *words)
    assert answer.code == 0, answer.told()
    items: list[dict[str, Any]] = answer.document["items"]
    assert [i["time"] for i in items] == sorted(i["time"] for i in items)
    return items


def first(items: list[dict[str, Any]], source: str, *words: str, since: int = 0) -> int:
    for index, item in enumerate(items[since:], since):
        if item["source"] == source and all(word in item["message"] for word in words):
            return index
    shown = "\n".join(f"{i['time']} {i['node']} {i['source']} {i['message']}" for i in items)
    raise AssertionError(f"no {source} {words} after {since} in\n{shown}")


def test_verbosity_that_hides_lines_is_said_once(svcnet: Svcnet) -> None:
    """First: the tests below raise it, on all nodes where one DaemonSet serves them."""
    answer = svcnet("logs", "db-service", "--node", "n1", "--node", "n2")
    notes = [gap for gap in answer.gaps() if "add --v=4" in gap["why"]]
    assert {gap["node"] for gap in notes} == {"n1", "n2"}
    assert len({(gap["why"], gap["next"]) for gap in notes}) == 1
    assert not any(gap["blocking"] for gap in notes)


@pytest.mark.usefixtures("verbose")
def test_an_endpoint_is_replaced(lab: Lab, svcnet: Svcnet) -> None:
    """Events, the slice, and what the proxy did about it; the old address is not in the API any
    more, and still found by the Service's name."""
    name, address, new, fresh = replace_pod(lab)
    wait_until("its lines", lambda: told(svcnet, "Setting endpoints", fresh), timeout=60)
    items = lines(svcnet, "--since", "2m", "--node", NODE)
    killing = first(items, "event", f"Killing pod/{name}")
    scheduled = first(items, "event", f"Scheduled pod/{new}")
    started = first(items, "event", f"Started pod/{new}")
    done = first(
        items, "kube-proxy", "Setting endpoints", "default/db-service", fresh, since=killing
    )
    assert killing < scheduled < started < done
    first(items, "kube-proxy", "Setting endpoints", "default/db-service", address)
    first(items, "endpointslice", "was last changed by kube-controller-manager", fresh)
    assert items[done]["about"] == "service default/db-service"


@pytest.mark.usefixtures("verbose")
def test_a_restarted_proxy_shows(svcnet: Svcnet, proxy: str) -> None:
    items = lines(svcnet, "--since", "10m", "--node", NODE)
    begun = first(items, "pod", proxy.removeprefix("daemonset/"), "started")
    first(items, "kube-proxy", "tables Proxier", since=begun)


def test_a_kubelet_that_is_down(lab: Lab, svcnet: Svcnet) -> None:
    lab.stop_kubelet("n2")
    try:
        answer = svcnet("logs", "db-service")
    finally:
        lab.start_kubelet("n2")
    assert answer.code == 4
    assert [gap["node"] for gap in answer.gaps() if gap["blocking"]] == ["n2"]
    assert {item["node"] for item in answer.document["items"]} >= {"n1"}


@pytest.fixture
def following(svcnet: Svcnet) -> Iterator[Following]:
    with svcnet.following("logs", "db-service", "--since", "1s", "-f") as told:
        assert told.document(30)["kind"] == "Logs"
        yield told


def test_following(lab: Lab, following: Following) -> None:
    name, address = min(endpoints(lab).items())
    try:
        lab.kubectl("delete", "pod", name, "--grace-period=1", "--wait=false")
        following.until_item("endpointslice", f"{address}:3306", within=10)
        following.until_item("event", "Started pod/db-", within=30)
        following.until_item("endpointslice", "-> ready", within=30)
        assert following.interrupt() == 130
    finally:
        lab.kubectl("rollout", "status", "deployment/db", "--timeout=90s")


def test_following_while_a_kube_proxy_is_replaced(
    lab: Lab, svcnet: Svcnet, following: Following
) -> None:
    """The log of the one that comes is followed too."""
    lab.kubectl("-n", "kube-system", "delete", "pod", lab.proxy_pod(NODE), "--wait")
    try:
        following.until_item("kube-proxy", "tables Proxier", within=60)
        lab.kubectl("scale", "deployment/db", "--replicas=4")
        following.until_item("endpointslice", "-> ready", within=30)
        assert following.interrupt() == 130
    finally:
        lab.kubectl("scale", "deployment/db", "--replicas=3")
        svcnet.healthy("db-service", within=120)
