"""`permissions`: which rows of the table apply, and what the API server says of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import (
    Capture,
    Failure,
    Reason,
    Request,
    ReviewRequest,
    Source,
)
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import PermissionsReport
from kubectl_svcnet.model.rights import Right, rights_of
from kubectl_svcnet.pipeline.check import check
from kubectl_svcnet.pipeline.logs import logs
from kubectl_svcnet.pipeline.permissions import require, run
from kubectl_svcnet.pipeline.proxy import run as proxy
from kubectl_svcnet.pipeline.ranges import run as ranges
from kubectl_svcnet.pipeline.trace import trace
from tests.granted import Granted
from tests.saved import Saved

ADDRESS = "10.96.0.1"  # of default/kubernetes


def asked(report: PermissionsReport) -> list[str]:
    return [f"{one.right.verb} {one.right.object}" for one in report.permissions]


def missing(report: PermissionsReport) -> list[str]:
    refused = [one for one in report.permissions if one.allowed is False]
    return [f"{one.right.verb} {one.right.object}" for one in refused]


def test_all_is_allowed() -> None:
    source = Granted()
    report = run(source, Options())
    assert missing(report) == []
    assert report.gaps == ()
    assert len(source.asked) == len(set(source.asked)) == len(report.permissions)
    assert {"get services -n default", "list services -A"} <= set(asked(report))
    assert "get configmaps/kube-proxy -n kube-system" in asked(report)


def test_what_is_refused() -> None:
    report = run(Granted("get pods/exec", "list nodes"), Options())
    assert missing(report) == ["list nodes", "get pods/exec -n kube-system"]
    required = [one for one in report.permissions if one.required]
    assert {one.right.resource for one in required} == {
        "services", "endpointslices.discovery.k8s.io", "nodes", "pods", "pods/exec",
    }  # fmt: skip


@pytest.mark.parametrize(("minor", "create"), [("34", False), ("34+", False), ("35", True)])
def test_a_socket_needs_create_from_1_35_on(minor: str, create: bool) -> None:
    found = asked(run(Granted(minor=minor), Options()))
    assert ("create pods/exec -n kube-system" in found) is create
    assert ("create pods/portforward -n kube-system" in found) is create
    assert "get pods/exec -n kube-system" in found


def test_a_version_that_nobody_knows() -> None:
    report = run(Granted(minor="?"), Options())
    assert "create pods/exec -n kube-system" in asked(report)
    assert [(gap.what, gap.blocking) for gap in report.gaps] == [("version", False)]


def test_one_command_alone() -> None:
    report = run(Granted(), Options(), ("ranges",))
    commands = {c for one in report.permissions for c in one.needed_for}
    assert commands == {"ranges", "ranges --ip", "ranges --probe"}
    assert "create services -n default" in asked(report)
    required = {one.right.resource for one in report.permissions if one.required}
    assert {"pods/log", "configmaps", "nodes"} <= required
    assert all(not one.required for one in report.permissions if one.extra)


@pytest.mark.parametrize("word", ["version", "nonsense"])
def test_a_command_that_needs_nothing(word: str) -> None:
    with pytest.raises(UsageError, match=f"'{word}' is no command that needs rights"):
        require(("trace", word))


def test_the_namespace() -> None:
    assert "get services -n shop" in asked(run(Granted(), Options(namespace="shop")))
    everywhere = asked(run(Granted(), Options(namespace="shop", all_namespaces=True)))
    assert "get services -A" in everywhere
    assert not any("-n shop" in one for one in everywhere)


def moved(item: Any) -> Any:
    if item["metadata"]["name"].startswith("kube-proxy"):
        item["metadata"]["namespace"] = "openshift-kube-proxy"
    return item


def test_agents_elsewhere() -> None:
    report = run(Granted(saved=Saved().objects("pods", moved)), Options())
    assert "get pods/exec -n openshift-kube-proxy" in asked(report)
    assert "get configmaps/kube-proxy -n openshift-kube-proxy" in asked(report)


def cilium(item: Any) -> Any:
    if item["metadata"]["name"].startswith("client"):
        item["metadata"] |= {"namespace": "kube-system", "labels": {"k8s-app": "cilium"}}
        item["spec"]["hostNetwork"] = True
    return item


def test_custom_resources_only_where_their_product_runs() -> None:
    assert not any("cilium" in one for one in asked(run(Granted(), Options())))
    found = asked(run(Granted(saved=Saved().objects("pods", cilium)), Options()))
    assert "list ciliumnodes.cilium.io -A" in found
    assert not any("calico" in one for one in found)


LISTS = {f"/api/v1/{words}" for words in ("pods", "nodes", "services")}


def lists_refused() -> Saved:
    return Saved().refuse(lambda c: getattr(c.request, "path", "") in LISTS, Reason.FORBIDDEN, "no")


def test_without_any_list() -> None:
    report = run(Granted(saved=lists_refused()), Options())
    assert "get pods/exec -n kube-system" in asked(report)
    assert "get configmaps/kubeadm-config -n kube-system" in asked(report)
    [gap] = report.gaps
    assert "pods and services and nodes cannot be listed" in gap.why
    assert not gap.blocking


class Noted(Granted):
    """What is asked of it beside reviews."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.rights: set[Right] = set()

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        self.rights.update(rights_of(request))
        return super().fetch(request)


DB = Options(services=("db-service",), settle=0)


def wider(right: Right) -> set[Right]:
    """The rights of which any one allows it."""
    return {right, replace(right, name=""), replace(right, name="", namespace="")}


@pytest.mark.parametrize(
    ("command", "work"),
    [
        ("trace", lambda source: trace(source, DB)),
        ("trace", lambda source: trace(source, replace(DB, steps=True))),
        ("trace", lambda source: trace(source, Options(services=("no-such",)))),
        ("trace", lambda source: trace(source, Options(services=(ADDRESS,), settle=0))),
        ("check", lambda source: check(source, DB)),
        ("check", lambda source: check(source, Options(all_namespaces=True, settle=0))),
        ("logs", lambda source: logs(source, DB)),
        ("logs", lambda source: logs(source, Options(services=(ADDRESS,)))),
        ("proxy", lambda source: proxy(source, Options())),
        ("ranges", lambda source: ranges(source, Options())),
    ],
)
@pytest.mark.parametrize("state", [Saved, lambda: Saved().stopped("n3")], ids=["well", "stopped"])
def test_a_command_asks_for_nothing_that_is_not_named_for_it(
    state: Callable[[], Saved], command: str, work: Callable[[Source], object]
) -> None:
    source = Noted(saved=state())
    with suppress(UsageError):  # no such Service
        work(source)
    named = {one.right for one in run(Granted(), Options(), (command,)).permissions}
    hint = "namespaces"  # listed for a name that does not exist
    assert [one for one in source.rights if one.resource != hint and not wider(one) & named] == []


def test_trace_reaches_its_verdict_without_what_it_would_read_if_granted() -> None:
    report = run(Granted("get pods/log", "get configmaps"), Options(), ("trace",))
    assert missing(report)
    assert not any(one.required for one in report.permissions if one.allowed is False)


class Silent(Granted):
    def fetch(self, request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ReviewRequest):
            failure = Failure(reason=Reason.FORBIDDEN, message="reviews are forbidden")
            return (Capture(request=request, failure=failure),)
        return super().fetch(request)


def test_reviews_that_nobody_answers() -> None:
    """Unknown is neither yes nor no."""
    report = run(Silent(), Options())
    assert {one.allowed for one in report.permissions} == {None}
    assert [(gap.why, gap.blocking) for gap in report.gaps] == [("reviews are forbidden", True)]


def test_no_cluster() -> None:
    saved = Saved()
    saved.refuse(lambda c: True, Reason.UNREACHABLE, "no route to host")
    with pytest.raises(ClusterError, match="no route to host"):
        run(Granted(saved=saved), Options())
