from __future__ import annotations

import pytest

from kubectl_svcnet.dataplanes.foreign import FOREIGN
from kubectl_svcnet.model.service import Pod
from tests.samples import agent, at, frontend, node, proxy, service, view

NODE = node()


def owner(*agents: Pod) -> str:
    found = (foreign.recognise(NODE, agents) for foreign in FOREIGN)
    return next((each.name for each in found if each is not None), "")


CALICO = {"k8s-app": "calico-node"}
ROUTER = {"k8s-app": "kube-router"}


@pytest.mark.parametrize(
    ("agents", "name"),
    [
        ((agent("antrea-1", labels={"component": "antrea-agent"}),), "antrea"),
        ((agent("calico-node-1", labels=CALICO),), "calico-ebpf"),
        ((agent("calico-node-1", labels=CALICO), proxy()), ""),
        (
            (
                agent("calico-node-1", labels=CALICO, environment={"FELIX_BPFENABLED": "true"}),
                proxy(),
            ),
            "calico-ebpf",
        ),
        (
            (
                agent("calico-node-1", labels=CALICO, environment={"FELIX_BPFENABLED": "True"}),
                proxy(),
            ),
            "calico-ebpf",
        ),
        (
            (
                agent("calico-node-1", labels=CALICO, environment={"FELIX_BPFENABLED": "false"}),
                proxy(),
            ),
            "",
        ),
        ((agent("cilium-1", labels={"k8s-app": "cilium"}),), "cilium"),
        ((agent("kube-ovn-1", labels={"app": "kube-ovn-cni"}),), "kube-ovn"),
        ((agent("kube-router-1", labels=ROUTER),), "kube-router"),
        (
            (
                agent("kube-router-1", labels=ROUTER, command=("--run-service-proxy=false",)),
                proxy(),
            ),
            "",
        ),
        ((agent("sdn-1", labels={"app": "sdn"}),), "openshift-sdn"),
        ((agent("ovnkube-node-1", labels={"app": "ovnkube-node"}),), "ovn-kubernetes"),
        ((agent("weave-1", labels={"name": "weave-net"}), proxy()), ""),
        ((agent("flannel-1", labels={"app": "flannel"}), proxy()), ""),
        ((), ""),
    ],
)
def test_who_owns_a_node(agents: tuple[Pod, ...], name: str) -> None:
    assert owner(*agents) == name


def test_what_is_said_of_it() -> None:
    cilium = next(each for each in FOREIGN if each.name == "cilium")
    found = cilium.recognise(NODE, (agent("cilium-1", labels={"k8s-app": "cilium"}),))
    assert found is not None
    assert found.reader is None
    assert not found.proven
    assert found.blocking
    assert "cilium" in found.why
    assert "pod kube-system/cilium-1" in found.why
    assert found.next == "kubectl -n kube-system exec cilium-1 -- cilium-dbg service list"


@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda each: each.name)
def test_they_name_no_chains_and_prove_nothing(foreign: object) -> None:
    assert foreign.names(service(), frontend(), [at("10.0.0.1:1")]) == frozenset()  # type: ignore[attr-defined]
    assert foreign.programmed(view()) == ""  # type: ignore[attr-defined]


def test_names_are_sorted_and_unique() -> None:
    names = [foreign.name for foreign in FOREIGN]
    assert names == sorted(set(names))
