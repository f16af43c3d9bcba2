"""Whose node is it? One folder under fixtures/dataplanes per DATAPLANE--SITUATION: API objects in,
owner, verdict, gap and exit status of `trace` out.

The kernel of every node is that of the recorded lab's n1. Where kube-proxy owns no node its rules
are taken away, so that whoever took a node for kube-proxy's would call the Service absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cli.status import status_of
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, ExecRequest, LogRequest
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import NodeTrace, TraceReport
from kubectl_svcnet.pipeline.trace import trace
from tests.saved import of_node, recorded

FIXTURES = Path(__file__).parents[1] / "fixtures" / "dataplanes"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/expected.json"))
LISTS = {
    "nodes.json": "/api/v1/nodes",
    "pods.json": "/api/v1/pods",
    "service.json": "/api/v1/services",
    "endpointslices.json": "/apis/discovery.k8s.io/v1/endpointslices",
}
DB = Options(services=("db-service",))


def read(case: str, file: str) -> Any:
    return json.loads((FIXTURES / case / file).read_text(encoding="utf-8"))


def api(case: str) -> list[Capture]:
    return [
        Capture(request=ApiRequest(path=path), objects=tuple(read(case, file)["items"]))
        for file, path in LISTS.items()
    ]


def kernel(node: str, *, programmed: bool) -> Iterable[Capture]:
    """What n1 of the lab answers, through whichever pod of this node."""
    for capture in recorded():
        request = capture.request
        if not of_node(capture, "n1") or not isinstance(request, ExecRequest):
            continue
        rules = capture.command is not None and "tables" in capture.command.name
        anyone = replace(request, node=node, namespace="", pod="", container="")
        bare = rules and not programmed
        yield replace(capture, request=anyone, data=b"" if bare else capture.data)


def source(case: str, *, programmed: bool) -> ReplaySource:
    nodes = [node["metadata"]["name"] for node in read(case, "nodes.json")["items"]]
    kernels = (capture for name in nodes for capture in kernel(name, programmed=programmed))
    return ReplaySource.of([*api(case), *kernels], context="fixture")


def by_node(report: TraceReport) -> dict[str, NodeTrace]:
    (service,) = report.services
    (frontend,) = service.frontends
    return {node.node: node for node in frontend.nodes}


@pytest.mark.parametrize("case", CASES)
def test_whose_node_it_is(case: str) -> None:
    expected = read(case, "expected.json")
    ours = any(node["verdict"] == "ok" for node in expected["nodes"].values())
    report = trace(source(case, programmed=ours), DB)
    found = by_node(report)
    assert found.keys() == expected["nodes"].keys()
    for name, wanted in expected["nodes"].items():
        assert (found[name].dataplane, found[name].verdict.value) == (
            wanted["owner"],
            wanted["verdict"],
        ), found[name].reason
        gaps = [gap for gap in report.gaps if gap.node == name]
        if wanted["verdict"] == "ok":
            assert not [gap for gap in gaps if gap.blocking]
            continue
        (gap,) = gaps
        assert (gap.what, gap.blocking) == ("rules", wanted["blocking"])
        assert not [words for words in wanted["gap"] if words not in gap.why], gap.why
        assert gap.next.endswith(wanted["next"])
        assert not gap.next or gap.next.startswith("kubectl ")
    assert not [finding for finding in report.findings if finding.node]
    assert status_of(report, fail_on="error") == expected["exit"]


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_run_on_another_dataplanes_node(case: str) -> None:
    nodes = read(case, "expected.json")["nodes"]
    report = trace(source(case, programmed=True), DB)
    owned = sum(1 for wanted in nodes.values() if wanted["verdict"] == "ok")
    assert report.collected.nodes == len(nodes)
    assert report.collected.nodes_read == owned
    assert bool(report.collected.execs) == bool(owned)


def test_the_same_kernel_would_be_absent_under_kube_proxy() -> None:
    """What the cases above would say if the node were taken for kube-proxy's."""
    log = LogRequest(namespace="kube-system", pod="kube-proxy-n1", container="kube-proxy")
    line = b'I1124 20:56:52.100000       1 server_linux.go:137] "Using iptables Proxier"\n'
    said = Capture(request=log, data=line)
    bare = [*api("kindnet--kind"), *kernel("n1", programmed=False), said]
    report = trace(ReplaySource.of(bare, context="fixture"), DB)
    assert [node.verdict.value for node in by_node(report).values()] == ["absent"]
    assert status_of(report, fail_on="error") == 1


@pytest.mark.parametrize("case", CASES)
def test_cases_are_whole(case: str) -> None:
    files = {path.name for path in (FIXTURES / case).iterdir()}
    assert files == {*LISTS, "case.toml", "expected.json"}
    about = (FIXTURES / case / "case.toml").read_text(encoding="utf-8")
    assert "not recorded from a cluster" in " ".join(about.split())
    dataplane, _, situation = case.partition("--")
    assert dataplane
    assert situation
