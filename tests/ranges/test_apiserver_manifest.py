from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason, Request
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Container, Node, Pod
from kubectl_svcnet.ranges.apiserver_manifest import SOURCE

LINE = "    - --service-cluster-ip-range=10.96.0.0/12"


def mounting(host: str, path: str, *, running: bool = True, name: str = "debug") -> Pod:
    container = Container(name="sh", mounts={"k": path}, running=running)
    return Pod(
        namespace="ops", name=name, node="n1", containers=(container,), host_paths={"k": host}
    )


def census(*pods: Pod, **labels: str) -> Census:
    control_plane = {"node-role.kubernetes.io/control-plane": ""}
    return Census(pods=pods, nodes=(Node(name="n1", labels=labels or control_plane),))


@pytest.mark.parametrize(
    ("host", "path", "seen"),
    [
        ("/etc/kubernetes/manifests", "/etc/kubernetes/manifests", True),
        ("/etc/kubernetes/", "/etc/kubernetes/", True),
        ("/etc", "/etc", True),
        ("/etc/kubernetes", "/host/etc/kubernetes", False),  # the fixed argv would miss it
        ("/etc/kubernetes/pki", "/etc/kubernetes/pki", False),
        ("/etc/kube", "/etc/kube", False),
    ],
)
def test_recognised_by_the_mount(host: str, path: str, seen: bool) -> None:
    assert bool(SOURCE.recognise(census(mounting(host, path)))) is seen


def test_one_running_pod_per_node_is_asked() -> None:
    pods = [
        mounting("/etc", "/etc", running=False, name="a"),
        mounting("/etc", "/etc", name="b"),
        mounting("/etc", "/etc", name="c"),
    ]
    (place,) = SOURCE.recognise(census(*pods))
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert request.pod == "b"
    assert [command.name for command in request.commands] == ["apiserver-manifest"]


def test_the_line_is_the_evidence(ask: Any, printed: Any) -> None:
    (claim,) = ask(SOURCE, census(mounting("/etc", "/etc")), printed(f"{LINE}\n")).claims
    assert claim.text == "10.96.0.0/12"
    assert claim.evidence == LINE
    assert claim.object.endswith("kube-apiserver.yaml in pod ops/debug")


@pytest.mark.parametrize("status", [1, 2])
def test_no_line_and_no_file_are_answers(ask: Any, printed: Any, status: int) -> None:
    reading = ask(SOURCE, census(mounting("/etc", "/etc")), printed("", status))
    assert reading.claims == reading.gaps == ()


def test_no_right_is_a_gap(ask: Any, refused: Any) -> None:

    (gap,) = ask(SOURCE, census(mounting("/etc", "/etc")), refused(Reason.FORBIDDEN)).gaps
    assert gap.why == "forbidden: the server said no (needs create pods/exec)"
    assert gap.next == "kubectl auth can-i create pods --subresource=exec -n ops"


def test_a_broken_command_is_a_gap(ask: Any, printed: Any) -> None:
    (gap,) = ask(SOURCE, census(mounting("/etc", "/etc")), printed("", 127)).gaps
    assert "ended with 127" in gap.why
    assert gap.next.startswith("kubectl -n ops exec debug -c sh -- grep cluster-ip-range /etc/")


def test_the_api_servers_sentence_names_the_right_and_no_pod(ask: Any) -> None:
    """So that many nodes with the same gap read as one."""

    def answer(request: Request) -> tuple[Capture, ...]:
        said = (
            'pods "debug" is forbidden: User "viewer" cannot create resource "pods/exec" '
            'in API group "" in the namespace "ops"'
        )
        return (Capture(request=request, failure=Failure(reason=Reason.FORBIDDEN, message=said)),)

    (gap,) = ask(SOURCE, census(mounting("/etc", "/etc")), answer).gaps
    assert gap.why == (
        'forbidden: User "viewer" cannot create resource "pods/exec" '
        'in API group "" in the namespace "ops"'
    )


def test_only_control_plane_nodes_are_asked(static_pod: Any) -> None:
    pod = mounting("/etc", "/etc")
    assert SOURCE.recognise(census(pod, zone="a")) == ()
    assert SOURCE.recognise(census(pod, static_pod("kube-apiserver"), zone="a"))
