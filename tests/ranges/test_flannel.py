from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    LogRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.ranges.flannel import SOURCE

PATH = "/api/v1/namespaces/kube-flannel/configmaps/kube-flannel-cfg"
ENV = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\n"


@pytest.fixture
def pod(agent: Any) -> Pod:
    found: Pod = agent(
        "kube-flannel",
        "kube-flannel",
        labels={"app": "flannel"},
        config_maps={"flannel-cfg": "kube-flannel-cfg"},
        mounts={"flannel-cfg": "/etc/kube-flannel/"},
    )
    return found


def answer(
    request: Request, *, conf: str = "", env: str = "", log: str = ""
) -> tuple[Capture, ...]:
    match request:
        case ApiRequest():
            meta = {"name": "kube-flannel-cfg", "namespace": "kube-flannel"}
            return (
                Capture(
                    request=request, objects=({"metadata": meta, "data": {"net-conf.json": conf}},)
                ),
            )
        case ExecRequest(commands=(command,)):
            code = 0 if env else 1
            return (Capture(request=request, command=command, data=env.encode(), exit_code=code),)
        case LogRequest():
            return (Capture(request=request, data=log.encode()),)
    raise AssertionError(request)


def test_config_map_and_node(ask: Any, pod: Pod) -> None:
    conf = '{\n  "Network": "10.244.0.0/16",\n  "Backend": {}\n}'
    stated, network, subnet = ask(
        SOURCE, Census(pods=(pod, pod)), lambda r: answer(r, conf=conf, env=ENV)
    ).claims[:3]
    assert (stated.text, stated.object, stated.evidence) == (
        "10.244.0.0/16",
        "configmap kube-flannel/kube-flannel-cfg",
        '"Network": "10.244.0.0/16",',
    )
    assert (network.text, network.node, network.confidence) == (
        "10.244.0.0/16",
        "",
        Confidence.STATED,
    )
    assert (subnet.text, subnet.node, subnet.value) == ("10.244.1.0/24", "n1", "10.244.1.1/24")
    assert subnet.evidence == "FLANNEL_SUBNET=10.244.1.1/24"


def test_one_config_map_however_many_pods(pod: Pod) -> None:
    places = SOURCE.recognise(Census(pods=(pod, pod)))
    assert [place.config_map is not None for place in places] == [True, False, False]
    assert SOURCE.requests(places[0]) == (ApiRequest(path=PATH, many=False),)


def test_the_log_is_enough_without_a_file(ask: Any, pod: Pod) -> None:
    line = (
        "I1 1 iptables.go:101] Current network or subnet (10.244.0.0/16, 10.244.1.0/24) "
        "is not equal to previous one (0.0.0.0/0, 0.0.0.0/0), trying to recycle old rules"
    )
    reading = ask(SOURCE, Census(pods=(pod,)), lambda r: answer(r, log=line))
    assert [claim.text for claim in reading.claims] == ["10.244.0.0/16", "10.244.1.0/24"]
    assert not reading.gaps


def test_neither_file_nor_line_is_a_gap(ask: Any, pod: Pod) -> None:
    (gap,) = ask(SOURCE, Census(pods=(pod,)), answer).gaps
    assert (gap.what, gap.node) == ("flannel subnet.env", "n1")
    assert gap.next.endswith("exec kube-flannel-n1 -c kube-flannel -- cat /run/flannel/subnet.env")


def test_no_rights(ask: Any, pod: Pod, refused: Any) -> None:
    gaps = ask(SOURCE, Census(pods=(pod,)), refused(Reason.FORBIDDEN)).gaps
    assert [gap.what for gap in gaps] == [
        "flannel net-conf.json",
        "flannel subnet.env",
        "flannel log",
    ]


@pytest.mark.parametrize("conf", ["{", '{"Network": "ten"}'])
def test_a_bad_configuration_is_a_gap(ask: Any, pod: Pod, conf: str) -> None:
    reading = ask(SOURCE, Census(pods=(pod,)), lambda r: answer(r, conf=conf, env=ENV))
    (gap,) = reading.gaps
    assert gap.next == "kubectl get -n kube-flannel configmap kube-flannel-cfg -o yaml"


def test_a_bad_file_is_a_gap(ask: Any, pod: Pod) -> None:
    (gap,) = ask(SOURCE, Census(pods=(pod,)), lambda r: answer(r, env="FLANNEL_SUBNET=x\n")).gaps
    assert gap.what == "flannel subnet.env"


def test_a_container_that_does_not_run_is_not_asked(agent: Any) -> None:
    pod = agent("kube-proxy", labels={"app": "flannel"})
    assert SOURCE.recognise(Census(pods=(pod,))) == ()
