from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import ExecRequest, Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.cni_config import SOURCE

TEXT = '{"plugins": [{"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.1.0/24"}]]}}]}'


@pytest.fixture
def census(agent: Any) -> Census:
    mounts = {"cni-cfg": "/etc/cni/net.d"}
    return Census(pods=(agent("kindnet-cni", labels={"app": "kindnet"}, mounts=mounts),))


def test_what_the_node_hands_out(ask: Any, census: Census, printed: Any) -> None:
    (claim,) = ask(SOURCE, census, printed(TEXT)).claims
    assert (claim.text, claim.node) == ("10.244.1.0/24", "n1")
    assert claim.object == "/etc/cni/net.d/10-kindnet.conflist in pod kube-system/kindnet-cni-n1"


def test_one_file_is_read_without_a_shell(census: Census) -> None:
    (place,) = SOURCE.recognise(census)
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert not request.shell
    assert [c.argv() for c in request.commands] == [("cat", "/etc/cni/net.d/10-kindnet.conflist")]


def test_a_pod_that_does_not_see_the_directory(agent: Any) -> None:
    pods = (agent("kube-router"), agent("kindnet-cni", mounts={"x": "/etc/cni/net.d"}, labels={}))
    assert SOURCE.recognise(Census(pods=pods)) == ()


def test_a_file_that_is_not_there_is_a_gap(ask: Any, census: Census, printed: Any) -> None:
    (gap,) = ask(SOURCE, census, printed("", exit_code=1)).gaps
    assert (gap.what, gap.node) == ("CNI configuration", "n1")


@pytest.mark.parametrize("text", ["{", '{"ipam": {"type": "host-local", "subnet": "x/y"}}'])
def test_a_broken_file_is_a_gap(ask: Any, census: Census, printed: Any, text: str) -> None:
    reading = ask(SOURCE, census, printed(text))
    assert not reading.claims
    assert reading.gaps


def test_no_right_is_a_gap(ask: Any, census: Census, refused: Any) -> None:
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert gap.next == "kubectl auth can-i create pods --subresource=exec -n kube-system"
