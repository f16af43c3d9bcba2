from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.capture import Capture, ExecRequest, Reason, Request
from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Container, Node, Pod
from kubectl_svcnet.ranges.nftables import SOURCE

DROP = 'ip daddr 10.96.0.0/16 drop comment "Drop traffic to unallocated ClusterIPs"'


def proxy(name: str, node: str, *, config_map: str = "", running: bool = True) -> Pod:
    container = Container(
        name="kube-proxy",
        command=("kube-proxy", "--config=/etc/kp/config.conf"),
        mounts={"config": "/etc/kp"},
        running=running,
    )
    return Pod(
        namespace="kube-system",
        name=name,
        node=node,
        host_network=True,
        labels={"k8s-app": "kube-proxy"},
        containers=(container,),
        config_maps={"config": config_map} if config_map else {},
    )


def census(*pods: Pod, addresses: tuple[str, ...] = ("10.0.0.1",)) -> Census:
    nodes = dict.fromkeys(pod.node for pod in pods)
    ips = tuple(map(ip_address, addresses))
    return Census(pods=pods, nodes=tuple(Node(name=name, addresses=ips) for name in nodes))


def test_the_rule_of_a_node(ask: Any, printed: Any) -> None:
    (claim,) = ask(SOURCE, census(proxy("kp-1", "n1")), printed(f"\t\t{DROP}\n")).claims
    assert (claim.kind.value, claim.text, claim.node) == ("Service", "10.96.0.0/16", "")
    assert (claim.confidence, claim.evidence) == (Confidence.OBSERVED, DROP)
    assert claim.object == "node n1 through pod kube-system/kp-1"


def test_both_families_where_the_node_has_both() -> None:
    (place,) = SOURCE.recognise(census(proxy("kp-1", "n1"), addresses=("10.0.0.1", "fd00::1")))
    (request,) = SOURCE.requests(place)
    assert isinstance(request, ExecRequest)
    assert [command.arguments for command in request.commands] == [("ip",), ("ip6",)]


def test_one_pod_of_each_configuration() -> None:
    pods = (
        proxy("kp-0", "n0", config_map="kube-proxy", running=False),
        proxy("kp-1", "n1", config_map="kube-proxy"),
        proxy("kp-2", "n2", config_map="kube-proxy"),
        proxy("kp-3", "n3", config_map="kube-proxy-nftables"),
        proxy("kp-4", "n4"),
    )
    asked = [place.pod.name for place in SOURCE.recognise(census(*pods)) if place.pod]
    assert asked == ["kp-1", "kp-3", "kp-4"]


def test_another_mode_has_no_such_chain(ask: Any) -> None:
    def answer(request: Request) -> tuple[Capture, ...]:
        said = b"Error: No such file or directory\nlist chain ip kube-proxy cluster-ips-check\n"
        return (Capture(request=request, exit_code=1, stderr=said),)

    reading = ask(SOURCE, census(proxy("kp-1", "n1")), answer)
    assert reading.claims == reading.gaps == ()


def test_without_nft_there_is_no_nftables_mode(ask: Any, refused: Any) -> None:
    reading = ask(SOURCE, census(proxy("kp-1", "n1")), refused(Reason.NO_TOOL))
    assert reading.claims == reading.gaps == ()


@pytest.mark.parametrize("reason", [Reason.FORBIDDEN, Reason.TIMEOUT, Reason.NOT_PRESENT])
def test_failing_to_look_is_a_gap(ask: Any, refused: Any, reason: Reason) -> None:
    (gap,) = ask(SOURCE, census(proxy("kp-1", "n1")), refused(reason)).gaps
    assert (gap.what, gap.node) == ("nftables cluster-ips-check", "n1")


def test_any_other_end_is_a_gap(ask: Any, printed: Any) -> None:
    (gap,) = ask(SOURCE, census(proxy("kp-1", "n1")), printed("", exit_code=137)).gaps
    assert "137" in gap.why


def test_pods_with_a_network_of_their_own_are_not_asked() -> None:
    pod = replace(proxy("kp-1", "n1"), host_network=False)
    assert SOURCE.recognise(census(pod)) == ()
