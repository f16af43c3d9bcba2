"""The guide's steps over a small cluster of captures: what is shown, and what is said instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.dataplanes.kube_proxy_iptables import chain_hash
from kubectl_svcnet.model.capture import (
    LOG_HEAD,
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
)
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import ByHand, TraceReport
from kubectl_svcnet.pipeline.steps import NODES, TAIL
from kubectl_svcnet.pipeline.trace import trace
from kubectl_svcnet.render import render
from kubectl_svcnet.render.document import document
from kubectl_svcnet.render.style import Style

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide"

SVC = f"KUBE-SVC-{chain_hash('default/db-service:mysqltcp')}"
SEP = f"KUBE-SEP-{chain_hash('default/db-service:mysqltcp10.244.1.2:3306')}"
OTHER = "KUBE-SVC-ERIFXISQEP7F7OF4"

#: No rule has a comment: above 1,000 endpoints kube-proxy writes none.
SAVE = f"""\
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:{SVC} - [0:0]
:{SEP} - [0:0]
:{OTHER} - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m udp --dport 53 -j {OTHER}
-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m tcp --dport 3306 -j {SVC}
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A {SVC} ! -s 10.244.0.0/16 -d 10.96.0.9/32 -p tcp -m tcp --dport 3306 -j KUBE-MARK-MASQ
-A {SVC} -j {SEP}
-A {SEP} -s 10.244.1.2/32 -j KUBE-MARK-MASQ
-A {SEP} -p tcp -m tcp -j DNAT --to-destination 10.244.1.2:3306
COMMIT
"""

PROXY_LOG = (GUIDE / "kube-proxy-1.11.8.log").read_bytes()


def meta(name: str, namespace: str = "", **labels: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": labels}


def pod(name: str, node: str, container: str, *args: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": meta(name, "kube-system", **labels),
        "spec": {
            "nodeName": node,
            "hostNetwork": True,
            "containers": [{"name": container, "command": [container, *args]}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": container, "state": {"running": {"startedAt": "x"}}}],
        },
    }


def node(name: str) -> dict[str, Any]:
    number = name.removeprefix("n")
    return {
        "metadata": meta(name),
        "spec": {"podCIDRs": [f"10.244.{number}.0/24"]},
        "status": {"addresses": [{"type": "InternalIP", "address": f"172.18.0.{number}"}]},
    }


def service(name: str, address: str) -> dict[str, Any]:
    port = {"name": "mysql", "port": 3306, "protocol": "TCP", "targetPort": 3306}
    spec = {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ports": [port]}
    return {"metadata": meta(name, "default"), "spec": spec}


SLICE: dict[str, Any] = {
    "metadata": {
        "name": "db-service-x",
        "namespace": "default",
        "labels": {"kubernetes.io/service-name": "db-service"},
    },
    "addressType": "IPv4",
    "ports": [{"name": "mysql", "port": 3306, "protocol": "TCP"}],
    "endpoints": [{"addresses": ["10.244.1.2"], "nodeName": "n1", "conditions": {"ready": True}}],
}

FLAGS = ("--service-cluster-ip-range=10.96.0.0/12", "--secure-port=6443")
PODS = (
    pod("kube-apiserver-n1", "n1", "kube-apiserver", *FLAGS, component="kube-apiserver"),
    pod("kube-proxy-a", "n1", "kube-proxy", **{"k8s-app": "kube-proxy"}),
)
FORBIDDEN = Failure(reason=Reason.FORBIDDEN, message="pods is forbidden")


class Cluster:
    """Captures by what they answer; each test changes some."""

    def __init__(self) -> None:
        self.lists: dict[str, tuple[Mapping[str, Any], ...] | Failure] = {
            "/api/v1/nodes": (node("n1"),),
            "/api/v1/pods": PODS,
            "/api/v1/services": (service("db-service", "10.96.0.9"),),
            "/apis/discovery.k8s.io/v1/endpointslices": (SLICE,),
        }
        self.dump = Command("iptables-nft-save-all")
        self.rules = SAVE
        self.logs: dict[str, Capture] = {"kube-proxy-a": self.log("kube-proxy-a", PROXY_LOG)}

    @staticmethod
    def log(name: str, data: bytes = b"", container: str = "kube-proxy", **more: Any) -> Capture:
        limits = {"limit_bytes": LOG_HEAD, **more.pop("request", {})}
        request = LogRequest(namespace="kube-system", pod=name, container=container, **limits)
        return Capture(request=request, data=data, size=len(data), **more)

    def captures(self) -> list[Capture]:
        found = []
        for path, answer in self.lists.items():
            request = ApiRequest(path=path)
            if isinstance(answer, Failure):
                found.append(Capture(request=request, failure=answer))
            else:
                found.append(Capture(request=request, objects=answer))
        for name in ("kube-proxy-a", *(f"kube-proxy-{n}" for n in range(2, 12))):
            where = "n1" if name == "kube-proxy-a" else f"n{name.rpartition('-')[2]}"
            exec_ = ExecRequest(
                node=where,
                namespace="kube-system",
                pod=name,
                container="kube-proxy",
                commands=(self.dump,),
            )
            data = self.rules.encode()
            found.append(Capture(request=exec_, command=self.dump, data=data, exit_code=0))
        return [*found, *self.logs.values()]

    def steps(self, *names: str) -> tuple[ByHand, ...]:
        return self.report(*names).steps

    def report(self, *names: str) -> TraceReport:
        source = ReplaySource.of(self.captures())
        return trace(source, Options(services=names or ("db-service",), steps=True, settle=0))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def about(steps: tuple[ByHand, ...], words: str) -> ByHand:
    found = [step for step in steps if words in step.title]
    assert len(found) == 1, [step.title for step in steps]
    return found[0]


def test_every_step_of_the_guide_in_its_order(cluster: Cluster) -> None:
    assert [(step.title, step.command) for step in cluster.steps()] == [
        (
            "The range that the CNI is configured with",
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODS:.spec.podCIDRs",
        ),
        (
            "The range of Service addresses",
            "kubectl -n kube-system get pod kube-apiserver-n1 -o yaml | grep cluster-ip-range",
        ),
        ("The proxy mode of n1", "kubectl -n kube-system logs kube-proxy-a | grep Proxier"),
        (
            "The rules of default/db-service on n1",
            "kubectl -n kube-system exec kube-proxy-a -c kube-proxy -- iptables-nft-save -t nat "
            "| grep default/db-service",
        ),
        (
            "What kube-proxy of n1 logged about default/db-service",
            "kubectl -n kube-system logs kube-proxy-a | grep default/db-service",
        ),
    ]


def test_steps_only_where_asked_for(cluster: Cluster) -> None:
    report = trace(ReplaySource.of(cluster.captures()), Options(services=("db-service",), settle=0))
    assert report.steps == ()
    assert "steps" not in document(report)["items"][0]


# (a) the CNI's range


def test_without_weave_the_nodes_parts_replace_it(cluster: Cluster) -> None:
    cluster.lists["/api/v1/nodes"] = (node("n1"), node("n10"))
    step = about(cluster.steps(), "CNI")
    assert step.lines == ("n1    [10.244.1.0/24]", "n10   [10.244.10.0/24]")
    assert "No Weave pod" in step.note


def test_no_part_anywhere(cluster: Cluster) -> None:
    bare = node("n1")
    del bare["spec"]["podCIDRs"]
    cluster.lists["/api/v1/nodes"] = (bare,)
    step = about(cluster.steps(), "CNI")
    assert step.lines == ()
    assert "no node has a podCIDR" in step.note


@pytest.fixture
def woven(cluster: Cluster) -> Cluster:
    labelled = pod("weave-net-x", "n1", "weave")
    labelled["metadata"]["labels"] = {"name": "weave-net"}
    cluster.lists["/api/v1/pods"] = (*PODS, labelled)
    text = (GUIDE / "weave.log").read_bytes()
    cluster.logs["weave"] = cluster.log("weave-net-x", text, "weave")
    return cluster


def test_weaves_own_line(woven: Cluster) -> None:
    step = about(woven.steps(), "CNI of n1")
    assert step.command == "kubectl -n kube-system logs weave-net-x weave | grep ipalloc-range"
    assert len(step.lines) == 1
    assert "ipalloc-range:10.32.0.0/12" in step.lines[0]


def test_weaves_log_is_refused(woven: Cluster) -> None:
    woven.logs["weave"] = woven.log("weave-net-x", b"", "weave", failure=FORBIDDEN)
    step = about(woven.steps(), "CNI of n1")
    assert (step.lines, step.note) == ((), "Not answered: pods is forbidden.")


def test_weaves_line_is_rotated_away(woven: Cluster) -> None:
    woven.logs["weave"] = woven.log("weave-net-x", b"INFO: later\n", "weave")
    assert about(woven.steps(), "CNI of n1").note.startswith("Not in the first 64 KiB")


# (b) the Service range


def test_the_apis_copy_replaces_the_manifest(cluster: Cluster) -> None:
    step = about(cluster.steps(), "Service addresses")
    assert step.lines == ("    - --service-cluster-ip-range=10.96.0.0/12",)
    assert "cat /etc/kubernetes/manifests/kube-apiserver.yaml" in step.note
    assert "no pod shows" in step.note


def test_a_control_plane_without_pods(cluster: Cluster) -> None:
    cluster.lists["/api/v1/pods"] = PODS[1:]
    cidr = {"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/12"]}}
    cluster.lists["/apis/networking.k8s.io/v1/servicecidrs"] = (cidr,)
    step = about(cluster.steps(), "Service addresses")
    assert step.command.startswith("kubectl get servicecidrs")
    assert step.lines == ("kubernetes   [10.96.0.0/12]",)
    assert "no kube-apiserver pod" in step.note


def test_no_service_range_anywhere(cluster: Cluster) -> None:
    cluster.lists["/api/v1/pods"] = PODS[1:]
    step = about(cluster.steps(), "Service addresses")
    assert step.lines == ()
    assert "not in the bundle" in step.note


# (c) the mode, (e) the log


def test_the_mode_is_a_line_of_the_log(cluster: Cluster) -> None:
    step = about(cluster.steps(), "mode")
    assert [line.partition("] ")[2] for line in step.lines] == ["Using iptables Proxier."]
    assert step.note == "Run: its whole log was read."


def test_a_log_longer_than_its_head(cluster: Cluster) -> None:
    line = b'I0101 00:00:00.000000       1 proxier.go:1] "Adding" service="default/db-service:x"\n'
    cut = PROXY_LOG + b"I0101 00:00:00.000000 1 x.go:1] default/db-serv"
    head = cluster.log("kube-proxy-a", cut, truncated=True)
    limits = {"limit_bytes": None, "tail_lines": TAIL}
    cluster.logs = {
        "head": head,
        "tail": cluster.log("kube-proxy-a", line, request=limits),
    }
    step = about(cluster.steps(), "logged")
    assert step.lines[-1].encode() + b"\n" == line
    assert not any(text.endswith("db-serv") for text in step.lines)
    assert f"its first 64 KiB and last {TAIL} lines were read." in step.note


def test_only_the_head_is_in_a_bundle(cluster: Cluster) -> None:
    cluster.logs = {"head": cluster.log("kube-proxy-a", PROXY_LOG, truncated=True)}
    step = about(cluster.steps(), "logged")
    assert "its first 64 KiB were read (not its end: log of" in step.note


def test_the_guides_log_has_a_line_of_the_service(cluster: Cluster) -> None:
    step = about(cluster.steps(), "logged")
    assert len(step.lines) == 1
    assert '"default/db-service:3306" at 10.103.132.104:3306/TCP' in step.lines[0]
    assert "-v=4 or more since 1.26" in step.note


def test_a_refused_log_is_a_note(cluster: Cluster) -> None:
    cluster.logs = {"head": cluster.log("kube-proxy-a", failure=FORBIDDEN)}
    steps = cluster.steps()
    assert about(steps, "mode").note == (
        "Not answered: pods is forbidden. What is programmed says kube-proxy/iptables."
    )
    assert "Not answered: pods is forbidden. " in about(steps, "logged").note


def test_a_node_without_a_kube_proxy_pod(cluster: Cluster) -> None:
    cluster.lists["/api/v1/pods"] = PODS[:1]
    steps = cluster.steps()
    for words in ("mode", "logged"):
        step = about(steps, words)
        assert step.command.startswith("cat /var/log/kube-proxy.log | grep ")
        assert "journalctl -u kube-proxy" in step.note
    assert about(steps, "rules").note.startswith("Not read: ")


# (d) the rules


def test_rules_are_found_by_jumps_and_numbered(cluster: Cluster) -> None:
    step = about(cluster.steps(), "rules")
    assert [line.partition(" ")[0] for line in step.lines] == [
        "nat/KUBE-SERVICES:2",
        f"nat/{SVC}:1",
        f"nat/{SVC}:2",
        f"nat/{SEP}:1",
        f"nat/{SEP}:2",
    ]
    assert all(line.partition(" ")[2] in SAVE.splitlines() for line in step.lines)
    assert step.note.endswith(f"{SVC}: the hash is that of default/db-service:mysql and tcp.")


def test_a_chain_of_another_service_is_inconsistent(cluster: Cluster) -> None:
    cluster.rules = SAVE.replace(SVC, "KUBE-SVC-XA5OGUC7YRHOS3PU")
    note = about(cluster.steps(), "rules").note
    assert "KUBE-SVC-XA5OGUC7YRHOS3PU: inconsistent, no hash of default/db-service:mysql" in note


def test_what_nothing_leads_to_is_shown_all_the_same(cluster: Cluster) -> None:
    cluster.rules = SAVE.replace(f"--dport 3306 -j {SVC}\n", "--dport 3307 -j ACCEPT\n", 1)
    lines = about(cluster.steps(), "rules").lines
    assert lines[0].startswith(f"nat/{SVC}:1 ")


def test_no_rule_at_all(cluster: Cluster) -> None:
    cluster.rules = "\n".join(line for line in SAVE.split("\n") if SVC not in line)
    cluster.rules = cluster.rules.replace(SEP, "KUBE-SEP-X")
    step = about(cluster.steps(), "rules")
    assert step.lines == ()
    assert "no rule belongs to it" in step.note


def test_a_legacy_node_is_asked_with_its_own_tool(cluster: Cluster) -> None:
    cluster.dump = Command("iptables-legacy-save-all")
    step = about(cluster.steps(), "rules")
    assert "-- iptables-legacy-save | grep" in step.command  # -t would load the table's module
    assert step.lines[0].startswith("legacy:nat/KUBE-SERVICES:2 -A KUBE-SERVICES ")


def test_an_image_that_knows_one_backend(cluster: Cluster) -> None:
    cluster.dump = Command("iptables-save-all")
    assert "-- iptables-save | grep" in about(cluster.steps(), "rules").command


def test_a_refusal_stands_in_the_filter_table(cluster: Cluster) -> None:
    refusal = "-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m tcp --dport 3306 -j REJECT\n"
    cluster.rules = (
        "*filter\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n"
        "-A FORWARD -j KUBE-SERVICES\n-A OUTPUT -j KUBE-SERVICES\n" + refusal + "COMMIT\n*nat\n"
        ":OUTPUT ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n:KUBE-NODEPORTS - [0:0]\n"
        "-A OUTPUT -j KUBE-SERVICES\n-A KUBE-SERVICES -j KUBE-NODEPORTS\nCOMMIT\n"
    )
    step = about(cluster.steps(), "rules")
    assert step.lines == (f"filter/KUBE-SERVICES:1 {refusal.strip()}",)
    assert "-- iptables-nft-save | grep" in step.command


def test_another_dataplane_has_its_own_command(cluster: Cluster) -> None:
    cilium = pod("cilium-x", "n1", "cilium-agent", **{"k8s-app": "cilium"})
    cluster.lists["/api/v1/pods"] = (*PODS[:1], cilium)
    step = about(cluster.steps(), "rules")
    assert step.command == "kubectl -n kube-system exec cilium-x -- cilium-dbg service list"
    assert step.note.startswith("Not read: cilium handles Services here")


# All together


def test_steps_of_the_cluster_stand_in_every_item(cluster: Cluster) -> None:
    cluster.lists["/api/v1/services"] = (
        service("db-service", "10.96.0.9"),
        service("web", "10.96.0.11"),
    )
    items = document(cluster.report("db-service", "web"))["items"]
    assert [len(item["steps"]) for item in items] == [5, 5]
    assert items[0]["steps"][:3] == items[1]["steps"][:3]
    assert set(items[0]["steps"][0]) == {"title", "command", "lines", "note"}
    assert "default/web" in items[1]["steps"][4]["title"]


def test_at_most_so_many_nodes_and_the_worst_first(cluster: Cluster) -> None:
    names = [f"n{number}" for number in range(1, 12)]
    cluster.lists["/api/v1/nodes"] = tuple(map(node, names))
    proxies = (
        pod(f"kube-proxy-{n}", f"n{n}", "kube-proxy", **{"k8s-app": "kube-proxy"})
        for n in range(2, 11)
    )
    cluster.lists["/api/v1/pods"] = (*PODS, *proxies)  # none on n11
    modes = [step for step in cluster.steps() if "mode" in step.title]
    assert len(modes) == NODES
    assert "n11" in [step.title.rpartition(" ")[2] for step in modes]
    assert modes[0].note.endswith(" 3 more nodes: --node NAME.")


def test_headless_services_have_no_rules(cluster: Cluster) -> None:
    headless = service("db-service", "None")
    headless["spec"]["clusterIP"] = "None"
    cluster.lists["/api/v1/services"] = (headless,)
    titles = [step.title for step in cluster.steps()]
    assert not [title for title in titles if "rules" in title or "logged" in title]


def test_foreign_bytes_of_a_log_are_escaped_once(cluster: Cluster) -> None:
    hostile = b"\x1b[2J default/db-service \xff Using iptables Proxier\n"
    cluster.logs = {"head": cluster.log("kube-proxy-a", hostile)}
    shown = render(cluster.report(), "table", Style())
    assert "\x1b" not in shown
    assert "\\x1b[2J default/db-service" in shown


def test_what_was_read_is_counted(cluster: Cluster) -> None:
    with_steps = cluster.report().collected
    source = ReplaySource.of(cluster.captures())
    without = trace(source, Options(services=("db-service",), settle=0)).collected
    assert with_steps.bytes == without.bytes + len(PROXY_LOG)
    assert replace(with_steps, bytes=0, seconds=0.0) == replace(without, bytes=0, seconds=0.0)
