"""What holds of all sources, whichever they are."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason, Request
from kubectl_svcnet.model.commands import checked
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Node, Pod
from kubectl_svcnet.ranges import SOURCES, RangeSource, Reading
from kubectl_svcnet.ranges.antrea_external_ips import SOURCE as ANTREA_POOLS
from kubectl_svcnet.ranges.calico_services import SOURCE as CALICO_SERVICES
from kubectl_svcnet.ranges.cilium_load_balancer import SOURCE as CILIUM_POOLS
from kubectl_svcnet.ranges.cni_files import SOURCE as CNI_FILES
from kubectl_svcnet.ranges.kube_vip import SOURCE as KUBE_VIP
from kubectl_svcnet.ranges.metallb import SOURCE as METALLB
from kubectl_svcnet.ranges.nftables import SOURCE as NFTABLES
from kubectl_svcnet.ranges.openelb import SOURCE as OPENELB

every = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)


def test_names_are_unique() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)


@every
def test_a_source_says_what_it_may_tell(source: RangeSource) -> None:
    assert bool(source.kinds) is (source is not CNI_FILES)
    assert source.trust > 0


@every
@pytest.mark.parametrize(
    "census",
    [
        Census(),
        Census(pods=(), services=(), nodes=()),
        Census(pods=(Pod(namespace="a", name="b"),), nodes=(Node(name="n"),)),
    ],
)
def test_an_empty_cluster_raises_nothing_and_claims_nothing(
    source: RangeSource, census: Census
) -> None:
    for place in source.recognise(census):
        assert source.ranges(place, ()).claims == ()


@every
@pytest.mark.parametrize("reason", list(Reason))
def test_a_failure_is_never_a_claim(source: RangeSource, reason: Reason, seen: Census) -> None:
    """It is a gap, or, for an object that does not exist, an answer; so is an image without nft
    where kube-proxy would run it."""
    answers = (Reason.NOT_FOUND, *((Reason.NO_TOOL,) if source is NFTABLES else ()))
    for place in source.recognise(seen):
        requests = source.requests(place)
        captures = [c for request in requests for c in _failed(request, reason)]
        reading = source.ranges(place, captures)
        assert reading.claims == source.ranges(place, ()).claims
        assert reading.gaps or not requests or reason in answers


@every
def test_only_commands_of_the_table(source: RangeSource, seen: Census) -> None:
    for place in source.recognise(seen):
        for request in source.requests(place):
            for command in request.commands if isinstance(request, ExecRequest) else ():
                assert checked(command)


def _failed(request: Request, reason: Reason) -> list[Capture]:
    failure = Failure(reason=reason, message="no")
    number = len(request.commands) if isinstance(request, ExecRequest) else 1
    return [Capture(request=request, failure=failure)] * number


@pytest.fixture
def seen(static_pod: Any, agent: Any) -> Census:
    pods = (
        static_pod("kube-apiserver", "--service-cluster-ip-range=10.96.0.0/16"),
        static_pod("kube-controller-manager", "--cluster-cidr=10.244.0.0/16"),
        static_pod("kube-proxy", "--cluster-cidr=10.244.0.0/16", **{"k8s-app": "kube-proxy"}),
        static_pod("weave", name="weave-net"),
        agent("calico-node"),
        agent("aws-node"),
        agent("kube-router"),
        agent("antrea-agent", labels={"app": "antrea", "component": "antrea-agent"}),
        agent("azure-cns"),
        agent("kindnet-cni", labels={"app": "kindnet"}, mounts={"cni": "/etc/cni/net.d"}),
        agent("sdn", "openshift-sdn", labels={"app": "sdn"}),
        agent("cni-server", labels={"app": "kube-ovn-cni"}),
        agent("ovn-central", labels={"app": "ovn-central"}),
        agent("ovnkube-controller", labels={"app": "ovnkube-node"}),
        agent("cilium-agent", labels={"k8s-app": "cilium"}),
        agent(
            "kube-flannel",
            labels={"app": "flannel"},
            config_maps={"cfg": "kube-flannel-cfg"},
            mounts={"cfg": "/etc/kube-flannel"},
        ),
    )
    return Census(pods=pods, nodes=(Node(name="n1", addresses=(ip_address("10.0.0.1"),)),))


#: Pools of load balancers' addresses: the product's pods, and the right that its objects need.
POOLS = [
    pytest.param(source, label, right, id=source.name)
    for source, label, right in (
        (METALLB, ("app", "metallb"), "list ipaddresspools.metallb.io -A"),
        (OPENELB, ("app", "openelb-manager"), "list eips.network.kubesphere.io -A"),
        (CILIUM_POOLS, ("k8s-app", "cilium"), "list ciliumloadbalancerippools.cilium.io -A"),
        (CALICO_SERVICES, ("k8s-app", "calico-node"), "list ippools.crd.projectcalico.org -A"),
        (ANTREA_POOLS, ("app", "antrea"), "list externalippools.crd.antrea.io -A"),
        (
            KUBE_VIP,
            ("component", "kube-vip-cloud-provider"),
            "get configmaps/kubevip -n kube-system",
        ),
    )
]


@pytest.mark.parametrize(("source", "label", "right"), POOLS)
def test_pools_of_load_balancers(
    ask: Any, serving: Any, refused: Any, source: RangeSource, label: tuple[str, str], right: str
) -> None:
    """Asked for only where its pods are; that there is no such resource is an answer."""
    census = Census(pods=(Pod(namespace="system", name="a", labels=dict((label,))),))
    other = Census(pods=(Pod(namespace="system", name="a", labels={"app": "other"}),))
    assert source.recognise(other) == ()
    assert ask(source, census, serving({})) == Reading()
    assert ask(source, census, refused(Reason.FORBIDDEN)).gaps[0].next == (
        f"kubectl auth can-i {right}"
    )
