from __future__ import annotations

from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import ByHand
from kubectl_svcnet.pipeline.ranges import run
from tests.saved import Saved


def steps() -> dict[str, ByHand]:
    report = run(Saved().source(), Options(explain=True))
    return {step.title: step for step in report.steps}


def test_an_object_of_the_api() -> None:
    step = steps()["kubeadm-config"]
    assert step.command == "kubectl get configmaps/kubeadm-config -n kube-system -o yaml"
    assert any("podSubnet" in line for line in step.lines)


def test_a_list() -> None:
    assert steps()["ServiceCIDR"].command == ("kubectl get servicecidrs.networking.k8s.io -o yaml")


def test_what_the_lists_already_show() -> None:
    step = steps()["node.spec.podCIDRs"]
    assert step.command == "kubectl get node n1 -o yaml"
    assert step.note == "And likewise of 2 more."


def test_a_command_on_a_node() -> None:
    command, *more = steps()["node routes"].command.split(" ; ")
    assert command.startswith("kubectl -n kube-system exec kube-proxy-")
    assert command.endswith(" -c kube-proxy -- cat /proc/net/route")
    assert more[0].endswith("/proc/net/ipv6_route")


def test_only_where_it_is_asked_for() -> None:
    assert run(Saved().source(), Options()).steps == ()
