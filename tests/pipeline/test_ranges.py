"""Whole clusters in, ranges, findings and gaps out: one folder under fixtures/ranges per case.

`api.json` maps a path to what the API answers ("status": a refusal), `exec/POD/FILE` is what a
file of the node reads like, `exec/POD/iptables-nft-save-nat` and `weave-status` what these commands
print (nothing by default), `logs/POD/CONTAINER.log` a log. What is not there is not found.
`expected.json` is compared whole.
"""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    ProbeRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.iprange import RangeKind
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import RangesReport
from kubectl_svcnet.pipeline.ranges import plan, run
from kubectl_svcnet.render.ranges_json import items

FIXTURES = Path(__file__).parents[1] / "fixtures" / "ranges"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/api.json"))
REASONS = {403: Reason.FORBIDDEN, 404: Reason.NOT_FOUND, 500: Reason.REFUSED}


class FolderSource:
    """A `Source` that answers from a folder; `asked` remembers what was wanted."""

    context = "fixture"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.api: dict[str, Any] = json.loads((folder / "api.json").read_text())
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        self.asked.append(request)
        match request:
            case ApiRequest(path=path):
                return (self._api(request, self.api.get(path, {"status": 404, "message": ""})),)
            case LogRequest(pod=pod, container=container):
                return (self._file(request, self.folder / "logs" / pod / f"{container}.log"),)
            case ExecRequest() if "exec" in self.api:
                refused = self._api(request, self.api["exec"])
                return tuple(refused for _ in request.commands)
            case ExecRequest(pod=pod, commands=commands):
                return tuple(self._command(request, command, pod) for command in commands)
            case ProbeRequest():
                said = {"message": "The range of valid IPs is 10.96.0.0/16"}
                return (Capture(request=request, objects=(said,)),)
        raise AssertionError(request)

    def _api(self, request: Request, answer: dict[str, Any]) -> Capture:
        if "status" in answer and "metadata" not in answer:
            failure = Failure(reason=REASONS[answer["status"]], message=answer["message"])
            return Capture(request=request, failure=failure)
        assert isinstance(request, ApiRequest)
        return Capture(
            request=request, objects=tuple(answer["items"]) if request.many else (answer,)
        )

    def _command(self, request: ExecRequest, command: Any, pod: str) -> Capture:
        if "-save" in command.name or command.name == "weave-status":
            path = self.folder / "exec" / pod / "-".join((command.name, *command.arguments))
            data = path.read_bytes() if path.exists() else b""
            return Capture(request=request, command=command, exit_code=0, data=data)
        path = self.folder / "exec" / pod / command.argv()[-1].lstrip("/")
        if path.is_dir():
            listed = "".join(f"{command.argv()[-1]}/{file.name}\n" for file in path.iterdir())
            data = listed.encode()
            return Capture(request=request, command=command, exit_code=0, data=data)
        if not path.exists():
            said = f"{command.argv()[0]}: {command.argv()[-1]}: No such file or directory"
            status = 2 if command.argv()[0] == "grep" else 1
            return Capture(request=request, command=command, exit_code=status, stderr=said.encode())
        return Capture(request=request, command=command, exit_code=0, data=path.read_bytes())

    def _file(self, request: Request, path: Path) -> Capture:
        if not path.exists():
            failure = Failure(reason=Reason.NOT_FOUND, message="no log")
            return Capture(request=request, failure=failure)
        return Capture(request=request, data=path.read_bytes())

    def now(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        raise AssertionError("ranges has nothing to settle")


def told(report: RangesReport) -> dict[str, Any]:
    return {
        "items": items(report.ranges),
        "findings": [
            {
                "code": f.code,
                "level": f.level.value,
                "message": f.message,
                "evidence": [*f.evidence],
            }
            for f in report.findings
        ],
        "gaps": [
            {"what": g.what, "node": g.node, "why": g.why, "next": g.next, "blocking": g.blocking}
            for g in report.gaps
        ],
    }


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, update: bool) -> None:
    report = run(FolderSource(FIXTURES / case), Options())
    expected = FIXTURES / case / "expected.json"
    found = json.dumps(told(report), indent=1, ensure_ascii=False) + "\n"
    if update:
        expected.write_text(found)
    assert found == expected.read_text()


@pytest.mark.parametrize("case", CASES)
def test_case_says_where_it_is_from(case: str) -> None:
    assert 'origin = """' in (FIXTURES / case / "case.toml").read_text()


def healthy() -> FolderSource:
    return FolderSource(FIXTURES / "kubeadm-1.36--healthy")


def test_a_healthy_cluster_is_silent() -> None:
    report = run(healthy(), Options())
    assert not report.findings
    assert [(gap.what, gap.blocking) for gap in report.gaps] == [("CNI configurations", False)]
    assert report.collected.nodes == report.collected.nodes_read == 3


def test_config_maps_are_read_by_name_and_secrets_never() -> None:
    source = healthy()
    run(source, Options())
    paths = [request.path for request in source.asked if isinstance(request, ApiRequest)]
    assert [path for path in paths if path.endswith("configmaps")] == []
    assert [path for path in paths if "secret" in path] == []
    assert len(paths) == len(set(paths))


def test_one_node() -> None:
    source = healthy()
    report = run(source, Options(nodes=("n2",)))
    assert {range.node for range in report.ranges} == {"", "n2"}
    assert {r.node for r in source.asked if isinstance(r, ExecRequest)} == {"n2"}
    assert report.collected.nodes == report.collected.nodes_read == 1


def test_a_node_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match='nodes "n9" not found'):
        run(healthy(), Options(nodes=("n9",)))


def test_nodes_by_label_are_chosen_by_the_api_server() -> None:
    source = healthy()
    source.api["/api/v1/nodes"]["items"][1:] = []
    report = run(source, Options(node_selector="zone=a"))
    assert {range.node for range in report.ranges} == {"", "n1"}
    assert [r.query for r in source.asked if isinstance(r, ApiRequest) and r.query] == [
        (("labelSelector", "zone=a"),)
    ]


def lists(source: FolderSource) -> Iterator[str]:
    return (f"/api/v1/{what}" for what in ("pods", "services", "nodes"))


def test_no_cluster() -> None:
    source = healthy()
    for path in lists(source):
        source.api[path] = {"status": 500, "message": "connection refused"}
    with pytest.raises(ClusterError, match="connection refused"):
        run(source, Options())
    assert len(source.asked) == 3  # and nobody else was bothered


def test_no_list_but_one_object_is_an_answer() -> None:
    source = healthy()
    for path in lists(source):
        source.api[path] = {"status": 403, "message": "forbidden"}
    report = run(source, Options())
    service = next(range for range in report.ranges if range.kind.value == "Service")
    assert service.text == "10.96.0.0/16"
    assert service.used is None
    assert [gap.what for gap in report.gaps if gap.blocking] == ["pods", "nodes"]


def test_nothing_may_be_read() -> None:
    source = healthy()
    for path in source.api:
        source.api[path] = {"status": 403, "message": "forbidden"}
    with pytest.raises(ClusterError, match="forbidden"):
        run(source, Options())


def test_a_broken_object_is_a_gap_and_the_others_count() -> None:
    source = healthy()
    source.api["/api/v1/services"]["items"].append({"metadata": {}, "spec": {}})
    report = run(source, Options())
    assert [gap.what for gap in report.gaps] == ["services", "CNI configurations"]
    assert next(range.used for range in report.ranges) == 4


def test_a_default_that_is_only_assumed_leaves_the_gap_blocking() -> None:
    source = FolderSource(FIXTURES / "weave-2.8.1--guide")
    source.folder = FIXTURES / "kubeadm-1.36--healthy"  # has no logs: they are not found
    report = run(source, Options())
    assert [gap.blocking for gap in report.gaps if gap.what == "weave log"] == [True, True]


def test_rules_that_were_not_read_block_nothing_where_all_else_is_hidden() -> None:
    """On EKS nothing else tells of pods; on others the same is blocking where a place states it."""
    source = FolderSource(FIXTURES / "eks-1.33--vpc-cni")
    source.api["exec"] = {"status": 403, "message": "forbidden"}
    report = run(source, Options())
    assert ("aws-node AWS-SNAT-CHAIN-0", False) in [(g.what, g.blocking) for g in report.gaps]
    assert not [gap for gap in report.gaps if gap.blocking]


class WithoutCat(FolderSource):
    """Its nodes' images have no cat, as EKS': whether nf_tables is loaded is not known, unless the
    request knows that kube-proxy uses it. `legacy` is what kube-proxy has in the other backend."""

    legacy = b""

    def _command(self, request: ExecRequest, command: Any, pod: str) -> Capture:
        if "legacy" in command.name:
            return Capture(request=request, command=command, exit_code=0, data=self.legacy)
        if "nft" in command.name and not request.in_use:
            failure = Failure(reason=Reason.UNPROVEN, message="not run: no cat in the image")
            return Capture(request=request, command=command, failure=failure)
        return super()._command(request, command, pod)


@pytest.mark.parametrize(
    ("proxy", "legacy", "networks", "gaps"),
    [
        (True, b"", 2, 0),
        (False, b"", 0, 1),
        (True, b"*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n", 0, 1),
    ],
    ids=["kube-proxy uses nft", "no kube-proxy", "kube-proxy uses legacy"],
)
def test_kube_proxy_proves_what_its_node_has(
    proxy: bool, legacy: bytes, networks: int, gaps: int
) -> None:
    source = WithoutCat(FIXTURES / "eks-1.33--vpc-cni")
    source.legacy = legacy
    if proxy:
        pods = source.api["/api/v1/pods"]["items"]
        labels = {"namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}}
        pods += [
            {**pod, "metadata": {**labels, "name": f"kube-proxy-{pod['spec']['nodeName']}"}}
            for pod in pods
            if pod["metadata"]["labels"].get("k8s-app") == "aws-node"
        ]
    report = run(source, Options())
    chain = "aws-node AWS-SNAT-CHAIN-0"
    found = [c for range in report.ranges for c in range.claims if c.source == chain]
    assert len(found) == networks
    assert len([gap for gap in report.gaps if gap.what == chain]) == gaps


def test_plan_runs_nothing() -> None:
    source = healthy()
    report = plan(source, Options())
    assert all(isinstance(request, ApiRequest) for request in source.asked)
    assert {(c.node, c.argv) for c in report.commands} == {
        *((f"n{i}", "cat /proc/net/route") for i in (1, 2, 3)),
        ("n1", "nft list chain ip kube-proxy cluster-ips-check"),  # all three share a ConfigMap
    }


def test_an_assumed_service_range_is_no_news_beside_a_known_one() -> None:
    sources = {c.source for r in run(healthy(), Options()).ranges for c in r.claims}
    assert not [source for source in sources if "default/kubernetes" in source]


def test_a_load_balancer_address_out_of_no_known_pool_is_news() -> None:
    source = healthy()
    for service in source.api["/api/v1/services"]["items"]:
        service["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.9"}]}}
    report = run(source, Options())
    assert [r.text for r in report.ranges if r.kind is RangeKind.LOAD_BALANCER] == ["192.0.2.9/32"]


@pytest.mark.parametrize("probe", [False, True])
def test_a_dry_run_only_when_told_to(probe: bool) -> None:
    source = healthy()
    report = run(source, Options(probe=probe))
    assert any(isinstance(request, ProbeRequest) for request in source.asked) is probe
    sources = {claim.source for range in report.ranges for claim in range.claims}
    assert ("Service dry-run" in sources) is probe


#: What stands nowhere in a healthy cluster: other types, ranges in odd forms, YAML that breaks off.
HOSTILE: tuple[Any, ...] = (
    None,
    "",
    [],
    {},
    -1,
    True,
    3.5,
    10**30,
    "9" * 5000,
    "10.96.0.1/12",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/33",
    " 10.1.0.0/16 ",
    "10.0.0.0/8, fd00::/8",
    "10.0.0.0/8 10.1.0.0/16",
    "fe80::1%eth0",
    "0.0.0.0-255.255.255.255",
    "a: [\n",
    "\x00\x1b[31m",
    [None],
)


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Of a document: each container with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places_in(value[key])


@pytest.mark.parametrize("case", CASES)
def test_hostile_objects_are_gaps_or_nothing(case: str) -> None:
    """No traceback, whatever stands in one field or another."""
    chance = random.Random(case)
    for _ in range(12):
        source = FolderSource(FIXTURES / case)
        lists = [answer["items"] for answer in source.api.values() if "items" in answer]
        others = [answer for answer in source.api.values() if "data" in answer]
        # a source hands out objects: only what is inside them may be anything
        objects = [item for listed in (*lists, others) for item in listed]
        for place, key in chance.sample([p for o in objects for p in places_in(o)], 3):
            if key != "name":  # by which the folder is asked
                place[key] = chance.choice(HOSTILE)
        with contextlib.suppress(ClusterError):
            items(run(source, Options()).ranges)
