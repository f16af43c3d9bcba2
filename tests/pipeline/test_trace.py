"""`trace` over the recorded lab, whole and with one thing altered at a time."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.cli.status import status_of
from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
    Request,
    Source,
)
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import NodeTrace, TraceReport, Verdict
from kubectl_svcnet.pipeline.trace import trace
from tests.saved import (
    PROXY,
    Narrow,
    Saved,
    is_exec,
    is_log,
    of_node,
    of_resource,
    readings,
    recorded,
)

DB = Options(services=("db-service",))
SVC = "KUBE-SVC-J5FHDC7QFLM3E3EH"
SEP3 = "KUBE-SEP-VNBBEHA7I74KR64Y"  # 10.244.3.2
PORTALS = '-A PREROUTING -m comment --comment "kubernetes service portals"'


def nodes(report: TraceReport, service: str = "default/db-service") -> dict[str, NodeTrace]:
    (found,) = [s for s in report.services if str(s.service.name) == service]
    return {node.node: node for node in found.frontends[0].nodes}


def verdicts(report: TraceReport) -> dict[str, str]:
    return {name: node.verdict.value for name, node in nodes(report).items()}


def codes(report: TraceReport, level: Level | None = None) -> list[tuple[str, str]]:
    return [(f.code, f.node) for f in report.findings if level in (None, f.level)]


def blocking(report: TraceReport) -> list[tuple[str, str, str]]:
    return [(gap.node, gap.what, gap.why) for gap in report.gaps if gap.blocking]


def exit_of(report: TraceReport) -> int:
    return status_of(report, fail_on="error")


SOURCES: list[Callable[[Saved], Source]] = [Saved.source, Narrow]


@pytest.mark.parametrize("source", SOURCES, ids=["dumps", "rounds"])
def test_a_healthy_cluster(source: Callable[[Saved], Source]) -> None:
    """Every Service ok on every node, in both backends; nothing found, nothing missing."""
    report = trace(source(Saved()), Options(all_namespaces=True))
    assert len(report.services) == 16
    for service in report.services:
        assert bool(service.frontends) != bool(service.sentence)
        for frontend in service.frontends:
            assert [(n.node, n.verdict) for n in frontend.nodes] == [
                (name, Verdict.OK) for name in ("n1", "n2", "n3")
            ], frontend.frontend
    assert report.findings == ()
    assert [gap for gap in report.gaps if gap.blocking] == []
    assert exit_of(report) == 0
    assert (report.collected.nodes, report.collected.nodes_read) == (3, 3)
    assert report.collected.reread == ()


def test_shares_and_masquerade() -> None:
    found = nodes(trace(Saved().source(), DB))["n1"]
    by_client = {walk.asked.client.value: walk for walk in found.walks}
    assert list(by_client) == ["pod", "node", "self"]
    for walk in found.walks:
        shares: dict[str, float] = {}
        for fate in walk.fates:
            assert fate.probability is not None
            key = str(fate.endpoint)
            shares[key] = shares.get(key, 0) + fate.probability
        assert sorted(shares) == ["10.244.1.2:3306", "10.244.2.2:3306", "10.244.3.2:3306"]
        assert max(shares.values()) - min(shares.values()) < 1e-3
    assert {f.masquerade for f in by_client["pod"].fates} == {False}
    # from the node itself only where its packet leaves by another device than it was made for
    from_node = {str(f.endpoint): f.masquerade for f in by_client["node"].fates}
    assert list(from_node.values()).count(True) == 1
    assert from_node["10.244.1.2:3306"]
    hairpin = [f for f in by_client["self"].fates if str(f.endpoint) == "10.244.1.2:3306"]
    assert [f.masquerade for f in hairpin] == [True]


def senders(report: TraceReport) -> list[str]:
    walks = [w for n in nodes(report).values() for w in n.walks if w.asked.client.value == "pod"]
    return [walk.asked.note for walk in walks]


@pytest.mark.parametrize("client", ["edge-75f89fc87-5pnm9", "default/edge-75f89fc87-5pnm9"])
def test_from_a_pod_of_the_users_choice(client: str) -> None:
    report = trace(Saved().source(), replace(DB, client=client))
    assert senders(report) == [
        "default/client-n1",
        "default/edge-75f89fc87-5pnm9",
        "default/client-n3",
    ]
    assert exit_of(report) == 0


@pytest.mark.parametrize(
    ("client", "why"),
    [
        ("nobody", r'\(NotFound\): pods "nobody" not found'),
        ("svc/a/b", "'svc/a/b' is no pod: write POD or NAMESPACE/POD"),
        ("kube-system/etcd-n1", "pod kube-system/etcd-n1 has the address of its node; name a"),
    ],
)
def test_from_a_pod_that_is_nobodys_client(client: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        trace(Saved().source(), replace(DB, client=client))
    assert caught.value.exit_code == 2


def test_from_a_pod_of_a_node_that_is_not_looked_at() -> None:
    report = trace(Saved().source(), replace(DB, client="client-n2", nodes=("n1",)))
    (gap,) = [gap for gap in report.gaps if gap.blocking]
    assert (gap.node, gap.what) == ("n2", "client pod")
    assert senders(report) == ["default/client-n1"]
    assert exit_of(report) == 4


def test_from_a_pod_that_may_not_be_read() -> None:
    class Guarded(Narrow):
        def fetch(self, request: Request) -> tuple[Capture, ...]:
            if isinstance(request, ApiRequest) and "/pods/" in request.path:
                failure = Failure(reason=Reason.FORBIDDEN, message="pods is forbidden")
                return (replace(super().fetch(request)[0], failure=failure),)
            return super().fetch(request)

    report = trace(Guarded(Saved()), replace(DB, client="client-n2"))
    (gap,) = [gap for gap in report.gaps if gap.blocking]
    assert (gap.what, gap.next) == (
        "client pod",
        "kubectl auth can-i get pods/client-n2 -n default",
    )


# One fault at a time: what, the verdict on that node alone, the errors

FAULTS: list[Any] = [
    pytest.param(
        "n3", lambda s: s.without_rule("n3", f"-j {SEP3}"), "missing", ["SVN202"], id="rule-gone"
    ),
    pytest.param(
        "n1",
        lambda s: s.without_rule("n1", "-A KUBE-SERVICES -d 10.96.78.5/32"),
        "absent",
        ["SVN201"],
        id="not-dispatched",
    ),
    pytest.param(
        "n2",
        lambda s: s.without_rule("n2", "-A KUBE-SERVICES -d 10.96.78.5/32"),
        "absent",
        ["SVN201"],
        id="not-dispatched-legacy",
    ),
    pytest.param(
        "n2",
        lambda s: s.rules("n2", lambda t: t.replace("10.244.3.2:3306\n", "10.244.3.2:3307\n")),
        "stale",
        ["SVN202", "SVN203"],
        id="wrong-port",
    ),
    pytest.param(
        "n1",
        lambda s: s.rules("n1", lambda t: t.replace("0.33333333349", "0.50000000000")),
        "unbalanced",
        ["SVN204"],
        id="shares",
    ),
    pytest.param(
        "n1",
        lambda s: s.before_rule("n1", PORTALS, "-A PREROUTING -d 10.96.78.5/32 -j DROP"),
        "blocked",
        ["SVN205"],
        id="drop",
    ),
    pytest.param(
        "n3",
        lambda s: s.before_rule("n3", "-A FORWARD -m conntrack", "-A FORWARD -p tcp -j DROP"),
        "blocked",
        ["SVN205"],
        id="drop-in-forward",
    ),
    pytest.param(
        "n2",
        lambda s: s.before_rule(
            "n2",
            PORTALS,
            "-A PREROUTING -d 10.96.78.5/32 -p tcp -j DNAT --to-destination 10.244.2.2:3306",
        ),
        "diverted",
        ["SVN206"],
        id="foreign-dnat",
    ),
    pytest.param(
        "n1",
        lambda s: s.before_rule(
            "n1",
            "-A KUBE-SERVICES -d 10.96.78.5/32",
            "-A KUBE-SERVICES -p tcp -m tcp --dport 3306 -j DNAT --to-destination 10.244.3.2:3306",
        ),
        "diverted",
        ["SVN206"],
        id="foreign-dnat-in-dispatch",
    ),
]


@pytest.mark.parametrize("source", SOURCES, ids=["dumps", "rounds"])
@pytest.mark.parametrize(("node", "fault", "verdict", "errors"), FAULTS)
def test_faults(
    node: str,
    fault: Callable[[Saved], Saved],
    verdict: str,
    errors: list[str],
    source: Callable[[Saved], Source],
) -> None:
    report = trace(source(fault(Saved())), DB)
    others = {name: "ok" for name in ("n1", "n2", "n3") if name != node}
    assert verdicts(report) == {node: verdict} | others
    assert sorted(codes(report)) == [(code, node) for code in errors]
    assert {f.level for f in report.findings} == {Level.ERROR}
    assert all(f.next.startswith("kubectl ") for f in report.findings)
    assert report.collected.reread == (node,)
    assert exit_of(report) == 1


@pytest.mark.parametrize("source", SOURCES, ids=["dumps", "rounds"])
@pytest.mark.parametrize("node", ["n1", "n2"])
def test_a_rule_that_is_not_understood(node: str, source: Callable[[Saved], Source]) -> None:
    weird = "-A PREROUTING -m weird --thing -j ACCEPT"
    report = trace(source(Saved().before_rule(node, PORTALS, weird)), DB)
    assert verdicts(report)[node] == "unknown"
    assert "not understood: -m weird --thing" in nodes(report)[node].reason
    assert codes(report) == [("SVN208", node)]
    assert exit_of(report) == 4


def test_a_stopped_proxy_with_rules_that_are_right() -> None:
    assert trace(Saved().stopped("n3").source(), DB).findings == ()


def test_a_stopped_proxy_that_follows_nothing() -> None:
    saved = Saved().stopped("n3").rules("n3", lambda t: t.replace("10.244.3.2", "10.244.3.9"))
    report = trace(saved.source(), DB)
    assert codes(report) == [("SVN301", "n3"), ("SVN203", "n3"), ("SVN202", "n3")]
    assert verdicts(report) == {"n1": "ok", "n2": "ok", "n3": "stale"}
    assert all("State: T" in f.evidence[-1] for f in report.findings)


AGENT = "kindnet-n3"


def crashed(pod: Any) -> Any:
    if pod["spec"].get("nodeName") == "n3" and pod["metadata"]["name"].startswith("kube-proxy"):
        [status] = pod["status"]["containerStatuses"]
        status |= {"restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    return pod


def with_agent(saved: Saved) -> Saved:
    """n3 is read through a CNI pod."""
    pods = next(c.objects for c in saved.captures if of_resource(c.request, "pods"))
    agent = copy.deepcopy(next(dict(p) for p in pods if crashed(copy.deepcopy(p)) != p))
    agent["metadata"] |= {"name": AGENT, "labels": {"app": "kindnet"}}

    def lists_it(capture: Capture) -> bool:
        request = capture.request
        wanted = isinstance(request, ApiRequest) and dict(request.query).get("labelSelector", "")
        return bool(wanted) and str(wanted).startswith("app in (")

    def through_it(capture: Capture) -> Capture:
        assert isinstance(capture.request, ExecRequest)
        return replace(capture, request=replace(capture.request, pod=AGENT))

    saved.change(lists_it, lambda c: replace(c, objects=(*c.objects, agent)))
    return saved.change(lambda c: of_node(c, "n3") and is_exec(c), through_it)


def test_a_proxy_that_does_not_start_with_rules_that_are_old() -> None:
    saved = with_agent(Saved()).objects("pods", crashed)
    assert trace(saved.source(), DB).findings == ()  # its rules are right all the same
    saved.rules("n3", lambda t: t.replace("10.244.3.2", "10.244.3.9"))
    report = trace(saved.source(), DB)
    assert codes(report) == [("SVN317", "n3"), ("SVN203", "n3"), ("SVN202", "n3")]
    assert report.findings[0].message == (
        "kube-proxy does not run on this node (CrashLoopBackOff, 7 restarts); "
        "default/db-service differs"
    )
    assert all(f.next.endswith(" --previous") for f in report.findings)


def test_a_proxy_that_does_not_start_and_no_other_vantage() -> None:
    report = trace(Saved().objects("pods", crashed).source(), DB)
    assert verdicts(report)["n3"] == "unread"
    [gap] = [gap for gap in report.gaps if gap.blocking]
    assert gap.why.endswith(" is not running (CrashLoopBackOff)")
    assert exit_of(report) == 4


def test_a_family_that_is_not_served_is_said_once() -> None:
    six = Command("ip6tables-nft-save-all")
    source = Saved(recorded(PROXY)).change(
        lambda c: of_node(c, "n1") and c.command == six,
        lambda c: replace(c, data=re.sub(rb"(?m)^-A.*\n", b"", c.data)),
    )
    every = Options(all_namespaces=True, nodes=("n1",))
    lost = trace(source.source(), every)
    assert {code for code, _ in codes(lost)} == {"SVN201"}
    dual, single = b'dual-stack mode" primary ipFamily', b'single-stack mode" ipFamily'
    source.change(
        lambda c: isinstance(c.request, LogRequest) and c.request.node == "n1",
        lambda c: replace(c, data=c.data.replace(dual, single)),
    )
    report = trace(source.source(), every)
    [found] = report.findings
    assert (found.code, found.node) == ("SVN316", "n1")
    assert f"{len(lost.findings)} Services have such an address" in found.message
    assert exit_of(report) == 1


# Settling


def test_a_difference_that_goes_away_is_nothing() -> None:
    gone = Saved().rules("n3", lambda t: t.replace("10.244.3.2", "10.244.3.9"))
    healed = Saved([*readings(gone.captures)[0], *readings(Saved().captures)[1]])
    report = trace(healed.source(), DB)
    assert verdicts(report)["n3"] == "ok"
    assert report.findings == ()
    assert report.collected.reread == ("n3",)
    assert report.collected.waited == 5.0


def test_a_bundle_of_one_reading_says_so() -> None:
    gone = Saved().rules("n3", lambda t: t.replace("10.244.3.2", "10.244.3.9"))
    both = trace(gone.source(), DB)
    once = trace(Saved(readings(gone.captures)[0]).source(), DB)
    assert codes(once) == codes(both)
    assert {f.level for f in once.findings} == {Level.ERROR}
    assert all(f.message.endswith(" (one reading)") for f in once.findings)
    assert not any("one reading" in f.message for f in both.findings)
    asked = trace(Narrow(gone), DB)  # a cluster is asked twice
    assert not any("one reading" in f.message for f in asked.findings)


def test_an_expectation_that_moves_is_info() -> None:
    """Pods are replaced between the readings of the API: stated, but not as an error."""
    turns = iter(range(100))

    def moved(capture: Capture) -> Capture:
        turn = next(turns)
        fresh = {"addresses": [f"10.244.1.{70 + turn}"], "conditions": {"ready": True}}
        objects = tuple(
            {**item, "endpoints": [*item["endpoints"], fresh]}
            if item["metadata"]["name"].startswith("db-service")
            else item
            for item in capture.objects
        )
        return replace(capture, objects=objects)

    saved = Saved().change(lambda c: of_resource(c.request, "endpointslices"), moved)
    report = trace(saved.source(), DB)
    assert set(verdicts(report).values()) == {"missing"}
    assert {f.level for f in report.findings} == {Level.INFO}
    assert not any(node.settled for node in nodes(report).values())
    assert exit_of(report) == 0


# Reading in rounds


def test_a_quiet_cluster_needs_one_exec_a_node() -> None:
    source = Narrow(Saved())
    report = trace(source, DB)
    assert report.collected.execs == len(source.asked) == 3
    sizes = {c.name for request in source.asked for c in request.commands}
    assert not [name for name in sizes if name.endswith("nft-save-all")]


def test_a_chain_that_nobody_expected_costs_a_round() -> None:
    saved = Saved().before_rule("n1", PORTALS, "-A PREROUTING -j MINE")
    saved.rules("n1", lambda t: t.replace(":KUBE-MARK-MASQ -", ":MINE -\n:KUBE-MARK-MASQ -"))
    source = Narrow(saved)
    report = trace(source, DB)
    assert verdicts(report)["n1"] == "ok"
    asked = [c for r in source.asked if r.node == "n1" for c in r.commands]
    assert Command("iptables-nft-chain", ("nat", "MINE")) in asked


def test_chains_that_change_while_they_are_read() -> None:
    """The round is made again; then the dump is taken, and believed."""
    source = Narrow(Saved())
    counter = iter(range(1000))

    def restless(command: Command, text: str) -> str:
        if command == Command("iptables-nft-chain", ("nat", SVC)):
            return f"{text}-A {SVC} -m comment --comment x{next(counter)}\n"
        return text

    source.hook = restless
    report = trace(source, DB)
    assert verdicts(report)["n1"] == "ok"
    asked = [r for r in source.asked if r.node == "n1"]
    assert len(asked) == 3
    assert Command("iptables-nft-save-all") in asked[-1].commands


def test_names_from_walking_and_not_from_comments() -> None:
    import re

    saved = Saved()
    for node in ("n1", "n2", "n3"):
        saved.rules(node, lambda t: re.sub(r' -m comment --comment ("[^"]*"|\S+)', "", t))
    report = trace(Narrow(saved), Options(all_namespaces=True))
    found = {n.verdict for s in report.services for f in s.frontends for n in f.nodes}
    assert found == {Verdict.OK}


# What cannot be read


def test_a_node_that_does_not_answer() -> None:
    saved = Saved().refuse(
        lambda c: of_node(c, "n2"), Reason.UNREACHABLE, "error dialing backend: no route to host"
    )
    report = trace(saved.source(), DB)
    assert verdicts(report) == {"n1": "ok", "n2": "unread", "n3": "ok"}
    assert blocking(report) == [("n2", "rules", "error dialing backend: no route to host")]
    assert report.gaps[0].next == "kubectl describe node n2"
    assert report.findings == ()
    assert (report.collected.nodes, report.collected.nodes_read) == (3, 2)
    assert exit_of(report) == 4


def test_no_right_to_exec() -> None:
    """The API's view, and gaps that name the missing right."""
    message = 'pods "x" is forbidden: User "u" cannot create resource "pods/exec"'
    report = trace(Saved().refuse(is_exec, Reason.FORBIDDEN, message).source(), DB)
    assert set(verdicts(report).values()) == {"unread"}
    found = report.services[0]
    assert len(found.endpoints) == 3
    assert {gap.next for gap in report.gaps if gap.blocking} == {
        "kubectl auth can-i create pods --subresource=exec -n kube-system"
    }
    assert len(blocking(report)) == 3
    assert report.findings == ()
    assert exit_of(report) == 4


def test_part_of_a_node_is_a_blocking_gap_too() -> None:
    def save_all(capture: Capture) -> bool:
        name = capture.command.name if capture.command else ""
        return of_node(capture, "n1") and name == "iptables-nft-save-all"

    report = trace(Saved().refuse(save_all, Reason.TOO_LARGE, "more than 128 MiB").source(), DB)
    assert verdicts(report)["n1"] == "unread"
    ((node, what, why),) = blocking(report)
    assert (node, what) == ("n1", "rules")
    assert why.startswith("not read: ")
    assert exit_of(report) == 4


def test_no_right_to_list_nodes() -> None:
    saved = Saved().refuse(
        lambda c: of_resource(c.request, "nodes"), Reason.FORBIDDEN, "nodes is forbidden"
    )
    report = trace(saved.source(), DB)
    assert sorted(verdicts(report)) == ["n1", "n2", "n3"]  # known from the pods on them
    assert ("", "nodes", "nodes is forbidden") in blocking(report)
    assert exit_of(report) == 4


def test_no_right_to_list_pods() -> None:
    saved = Saved().refuse(
        lambda c: of_resource(c.request, "pods"), Reason.FORBIDDEN, "pods is forbidden"
    )
    report = trace(saved.source(), DB)
    assert set(verdicts(report).values()) == {"unread"}
    assert ("", "pods", "pods is forbidden") in blocking(report)
    assert exit_of(report) == 4


@pytest.mark.parametrize("resource", ["services", "endpointslices"])
def test_what_a_trace_cannot_do_without(resource: str) -> None:
    message = f"{resource} is forbidden"
    saved = Saved().refuse(lambda c: of_resource(c.request, resource), Reason.FORBIDDEN, message)
    if resource == "services":
        with pytest.raises(ClusterError, match=message):
            trace(saved.source(), Options(all_namespaces=True))
    else:
        report = trace(saved.source(), Options(all_namespaces=True))
        assert ("", resource, message) in blocking(report)
        # what should be is not known, so nothing is called wrong
        assert report.findings == ()
        assert all(service.blind for service in report.services)
        assert not any(f.nodes for service in report.services for f in service.frontends)
        assert exit_of(report) == 4


def test_logs_are_asked_only_where_the_kernel_does_not_tell() -> None:
    saved = Saved().refuse(is_log, Reason.FORBIDDEN, "pods/log is forbidden")
    report = trace(saved.source(), DB)
    assert set(verdicts(report).values()) == {"ok"}
    assert exit_of(report) == 0


def test_without_any_proof_nothing_is_absent() -> None:
    saved = Saved().rules("n1", lambda t: "")
    saved.refuse(is_log, Reason.FORBIDDEN, "pods/log is forbidden")
    report = trace(saved.source(), DB)
    assert verdicts(report)["n1"] == "unread"
    assert "neither kube-proxy's chains nor its log" in nodes(report)["n1"].reason
    assert [node for node, _, _ in blocking(report)] == ["n1"]
    assert exit_of(report) == 4


def test_its_log_is_proof_enough() -> None:
    report = trace(Saved().rules("n1", lambda t: "").source(), DB)
    assert verdicts(report)["n1"] == "absent"
    assert exit_of(report) == 1


# Nodes that others own


def relabel(labels: dict[str, str], *, container: dict[str, Any] | None = None) -> Any:
    """n3's kube-proxy pod becomes another agent."""

    def change(item: Any) -> Any:
        if item["metadata"]["name"].startswith("kube-proxy") and item["spec"]["nodeName"] == "n3":
            item["metadata"]["name"] = "agent-n3"
            item["metadata"]["labels"] = labels
            item["spec"]["containers"][0].update(container or {})
        return item

    return change


FELIX = {"env": [{"name": "FELIX_BPFENABLED", "value": "true"}]}


@pytest.mark.parametrize(
    ("labels", "container", "name"),
    [
        ({"k8s-app": "cilium"}, None, "cilium"),
        ({"k8s-app": "calico-node"}, FELIX, "calico-ebpf"),
        ({"k8s-app": "calico-node"}, None, "calico-ebpf"),  # and no kube-proxy
        ({"app": "ovnkube-node"}, None, "ovn-kubernetes"),
        ({"k8s-app": "kube-router"}, None, "kube-router"),
    ],
)
def test_other_dataplanes_are_unread_never_absent(
    labels: dict[str, str], container: dict[str, Any] | None, name: str
) -> None:
    saved = Saved().objects("pods", relabel(labels, container=container))
    report = trace(saved.source(), DB)
    node = nodes(report)["n3"]
    assert (node.verdict, node.dataplane) == (Verdict.UNREAD, name)
    ((where, _, why),) = blocking(report)
    assert where == "n3"
    assert name in why
    assert report.findings == ()
    assert exit_of(report) == 4


def foreign_node(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "z9", "labels": status.pop("labels", {})},
        "spec": {},
        "status": {"addresses": [{"type": "InternalIP", "address": "172.18.0.99"}], **status},
    }


@pytest.mark.parametrize(
    ("node", "dataplane"),
    [
        (foreign_node(nodeInfo={"operatingSystem": "windows"}), "kube-proxy/windows"),
        (foreign_node(labels={"kubernetes.io/os": "windows"}), "kube-proxy/windows"),
        (foreign_node(labels={"type": "virtual-kubelet"}), "virtual"),
        (foreign_node(labels={"eks.amazonaws.com/compute-type": "fargate"}), "virtual"),
    ],
)
def test_nodes_without_netfilter_do_not_block(node: dict[str, Any], dataplane: str) -> None:
    report = trace(Saved().add("nodes", node).source(), DB)
    found = nodes(report)["z9"]
    assert (found.verdict, found.dataplane) == (Verdict.UNREAD, dataplane)
    assert [gap.blocking for gap in report.gaps if gap.node == "z9"] == [False]
    assert exit_of(report) == 0


def test_a_linux_node_of_nobody_blocks() -> None:
    node = foreign_node(nodeInfo={"operatingSystem": "linux"})
    report = trace(Saved().add("nodes", node).source(), DB)
    assert [where for where, _, _ in blocking(report)] == ["z9"]
    assert exit_of(report) == 4


@pytest.mark.parametrize("mode", ["nftables", "ipvs", "userspace"])
def test_other_modes(mode: str) -> None:
    """By the log; the kernel shows none of iptables mode's chains, and no nft table."""
    lines = {
        "nftables": 'I0101 00:00:00.000000 1 server_linux.go:253] "Using nftables Proxier"\n',
        "ipvs": 'I0101 00:00:00.000000 1 server_linux.go:269] "Using ipvs Proxier"\n',
        "userspace": "W0101 00:00:00.000000 1 server_others.go:220] Using userspace Proxier.\n",
    }
    saved = Saved().rules("n1", lambda t: "")
    saved.change(
        lambda c: is_log(c) and getattr(c.request, "node", "") == "n1",
        lambda c: replace(c, data=lines[mode].encode()),
    )
    report = trace(saved.source(), DB)
    node = nodes(report)["n1"]
    assert (node.verdict, node.dataplane) == (Verdict.ABSENT, f"kube-proxy/{mode}")


def test_userspace_mode_is_unread_and_blocks() -> None:
    """Its rules lead to the proxy, and to which endpoint it goes on is not seen."""
    relayed = """*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-PORTALS-CONTAINER - [0:0]
-A PREROUTING -m comment --comment "handle ClusterIPs" -j KUBE-PORTALS-CONTAINER
-A OUTPUT -j KUBE-PORTALS-CONTAINER
-A KUBE-PORTALS-CONTAINER -p tcp -m tcp --dport 3306 -j REDIRECT --to-ports 60058
COMMIT
"""
    saved = Saved().rules("n1", lambda t: relayed if "KUBE-SERVICES" in t else t)
    report = trace(saved.source(), DB)
    node = nodes(report)["n1"]
    assert (node.verdict, node.dataplane) == (Verdict.UNREAD, "kube-proxy/userspace")
    ((where, _, why),) = blocking(report)
    assert where == "n1"
    assert "leads to the proxy's own port 60058" in why
    assert exit_of(report) == 4


# Names, nodes


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match=r'NotFound\): services "nope" not found'):
        trace(Saved().source(), Options(services=("nope",)))


def test_one_of_several_that_does_not_exist() -> None:
    report = trace(Saved().source(), Options(services=("nope", "db-service")))
    assert report.missing == ('services "nope" not found',)
    assert set(verdicts(report).values()) == {"ok"}
    assert exit_of(report) == 2


def test_only_some_nodes() -> None:
    report = trace(Saved().source(), replace(DB, nodes=("n2",)))
    assert list(verdicts(report)) == ["n2"]
    with pytest.raises(UsageError, match='nodes "n7" not found'):
        trace(Saved().source(), replace(DB, nodes=("n7",)))


@pytest.mark.parametrize("name", ["db-external", "db-headless"])
def test_services_without_frontends_read_no_node(name: str) -> None:
    source = Narrow(Saved())
    report = trace(source, Options(services=(name,)))
    assert report.services[0].sentence
    assert source.asked == []
    assert (report.findings, report.gaps) == ((), ())
    assert exit_of(report) == 0


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"clusterIP": "", "clusterIPs": []}, "has no address yet"),
        ({"externalName": "x.test", "type": "ExternalName"}, "ExternalName"),
    ],
)
def test_sentences(spec: dict[str, Any], words: str) -> None:
    def change(item: Any) -> Any:
        if item["metadata"]["name"] == "db-service":
            item["spec"].update(spec)
        return item

    report = trace(Saved().objects("services", change).source(), DB)
    assert words in report.services[0].sentence


def test_explain_keeps_the_steps() -> None:
    plain, told = (trace(Saved().source(), replace(DB, explain=e)) for e in (False, True))

    def steps(report: TraceReport) -> int:
        return sum(len(f.steps) for w in nodes(report)["n1"].walks for f in w.fates)

    assert steps(plain) == 0
    assert steps(told) > 10


def test_only_the_command_table_is_run() -> None:
    source = Narrow(Saved())
    trace(source, Options(all_namespaces=True))
    assert source.asked
    for request in source.asked:
        assert isinstance(request, ExecRequest)
        for command in request.commands:
            command.argv()


def test_an_unknown_match_before_one_endpoint_is_no_missing_endpoint() -> None:
    def one_more(text: str) -> str:
        return text.replace(
            "-A FORWARD ", "-A FORWARD -d 10.244.1.2/32 -m novelty -j DROP\n-A FORWARD ", 1
        )

    report = trace(Saved().rules("n2", one_more).source(), Options(services=("db-service",)))
    assert {f.code for f in report.findings} == {"SVN208"}


def test_a_node_port_is_not_judged_where_it_cannot_be_dialled() -> None:
    def without_address(node: Any) -> Any:
        if node["metadata"]["name"] == "n3":
            node["status"]["addresses"] = []
        return node

    saved = Saved().objects("nodes", without_address)
    report = trace(saved.source(), Options(services=("web-nodeport",)))
    verdicts = {
        (f.frontend.kind.value, n.node): n.verdict
        for f in report.services[0].frontends
        for n in f.nodes
    }
    assert verdicts["NodePort", "n3"] is Verdict.UNREAD
    assert verdicts["NodePort", "n1"] is Verdict.OK
    assert [gap.blocking for gap in report.gaps] == [False]


def test_node_ports_at_other_addresses_than_configured_are_missed() -> None:
    def elsewhere(text: str) -> str:
        return text.replace(
            "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS", "-d 172.18.0.99/32 -j KUBE-NODEPORTS"
        )

    report = trace(Saved().rules("n2", elsewhere).source(), Options(services=("web-nodeport",)))
    assert {(found.code, found.node) for found in report.findings} == {("SVN201", "n2")}
    assert report.gaps == ()


def test_a_foreign_accept_is_named_and_not_the_proxy_blamed() -> None:
    saved = Saved().before_rule(
        "n2",
        '-A PREROUTING -m comment --comment "kubernetes service portals"',
        "-A PREROUTING -d 10.96.78.5/32 -j ACCEPT",
    )
    (found,) = trace(saved.source(), Options(services=("db-service",))).findings
    assert found.code == "SVN201"
    assert "-d 10.96.78.5/32 -j ACCEPT" in found.evidence[0]
    assert "delete pod" not in found.next
