"""Whose node it is: by the API, and again with the node read."""

from __future__ import annotations

import pytest

from kubectl_svcnet.dataplanes import DATAPLANES, Owner, owner_of, settle_owner
from kubectl_svcnet.model.kube_proxy import LABELS
from kubectl_svcnet.model.nodeview import ForeignTable, NodeView
from kubectl_svcnet.model.service import Node, Pod
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.samples import agent, node, proxy, view

CALICO = {"k8s-app": "calico-node"}
K3S = node(kubelet="v1.30.4+k3s1")
BPF = {"FELIX_BPFENABLED": "true"}


@pytest.mark.parametrize(
    ("where", "agents", "name", "blocking"),
    [
        *((node(), (agent("p", labels=dict([label])),), "kube-proxy", True) for label in LABELS),
        (node(), (agent("c", labels={"k8s-app": "cilium"}),), "cilium", True),
        (node(), (agent("c", labels={"k8s-app": "cilium"}), proxy()), "cilium", True),
        (node(), (agent("c", labels=CALICO, environment=BPF), proxy()), "calico-ebpf", True),
        (node(), (agent("c", labels=CALICO),), "calico-ebpf", True),
        (node(), (agent("c", labels=CALICO), proxy()), "kube-proxy", True),
        (K3S, (), "kube-proxy", True),
        (K3S, (agent("c", labels=CALICO),), "kube-proxy", True),
        (K3S, (agent("c", labels=CALICO, environment=BPF),), "calico-ebpf", True),
        (K3S, (agent("c", labels={"k8s-app": "cilium"}),), "cilium", True),
        (node(labels={"microk8s.io/cluster": "true"}), (), "kube-proxy", True),
        (node(), (agent("o", labels={"app": "ovnkube-node"}),), "ovn-kubernetes", True),
        (node(), (agent("k", labels={"k8s-app": "kube-router"}),), "kube-router", True),
        (node(os="windows"), (proxy(),), "kube-proxy/windows", False),
        (node(virtual=True), (), "virtual", False),
        (node(), (), "unknown", True),
        (node(), (agent("w", labels={"name": "weave-net"}),), "unknown", True),
    ],
)
def test_by_the_api(where: Node, agents: tuple[Pod, ...], name: str, blocking: bool) -> None:
    owner = owner_of(where, agents)
    assert (owner.name, owner.blocking) == (name, blocking)
    assert not owner.proven
    assert (owner.reader is not None) == (name == "kube-proxy")
    assert owner.why or owner.reader


def test_a_node_of_nobody_says_how_to_look() -> None:
    owner = owner_of(node("n7"), ())
    assert owner.next == "kubectl get pods -A --field-selector spec.nodeName=n7"


PROGRAMMED = """*nat
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT
"""
IPVS = """\
*nat
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
COMMIT
"""
#: iptables mode's chains, which ipvs mode does not clear away; nothing leads there any more.
LEFT = "-A KUBE-NODEPORTS -p tcp --dport 30080 -j KUBE-EXT-X\n-A KUBE-SVC-X -j KUBE-SEP-X\nCOMMIT"
USERSPACE = """\
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j KUBE-NODEPORT-CONTAINER
-A PREROUTING -m comment --comment "handle ClusterIPs" -j KUBE-PORTALS-CONTAINER
COMMIT
"""
NFT = (ForeignTable(family="ip", name="kube-proxy", hooks=frozenset({"prerouting"})),)
FILTERS = (ForeignTable(family="inet", name="firewalld", hooks=frozenset({"input"})),)
NFT_READ = parse_ruleset(
    "table ip kube-proxy {\n\tmap service-ips {\n"
    "\t\ttype ipv4_addr . inet_proto . inet_service : verdict\n"
    "\t\telements = { 10.96.0.1 . tcp . 443 : goto service-2QRHZV4L-x/y/tcp/z }\n\t}\n}\n"
)
NFT_EMPTY = parse_ruleset("table ip kube-proxy {\n\tmap service-ips {\n\t}\n}\n")
ASSUMED = Owner(name="kube-proxy/iptables", reader=DATAPLANES[0])


@pytest.mark.parametrize(
    ("seen", "mode", "name", "proven", "readable"),
    [
        (view(PROGRAMMED), "", "kube-proxy/iptables", True, True),
        (view(PROGRAMMED), "iptables", "kube-proxy/iptables", True, True),
        (view(), "iptables", "kube-proxy/iptables", True, True),
        (view(), "", "kube-proxy/iptables", False, True),
        (view(foreign_tables=FILTERS), "", "kube-proxy/iptables", False, True),
        (view(foreign_tables=NFT), "", "kube-proxy/nftables", False, False),
        (view(), "nftables", "kube-proxy/nftables", True, True),
        (view(nft_tables=NFT_READ), "", "kube-proxy/nftables", True, True),
        (view(nft_tables=NFT_EMPTY), "", "kube-proxy/iptables", False, True),
        (view(PROGRAMMED, nft_tables=NFT_EMPTY), "", "kube-proxy/iptables", True, True),
        (view(PROGRAMMED, nft_tables=NFT_READ), "nftables", "kube-proxy/nftables", True, True),
        (view(PROGRAMMED, nft_tables=NFT_READ), "iptables", "kube-proxy/iptables", True, True),
        (view(nft_tables=NFT_READ), "ipvs", "kube-proxy/ipvs", True, True),
        (view(), "ipvs", "kube-proxy/ipvs", True, True),
        (view(IPVS), "", "kube-proxy/ipvs", True, True),
        (view(IPVS), "iptables", "kube-proxy/iptables", True, True),
        (view(IPVS.replace("COMMIT", LEFT)), "", "kube-proxy/ipvs", True, True),
        (view(IPVS, nft_tables=NFT_READ), "ipvs", "kube-proxy/ipvs", True, True),
        (view(IPVS, nft_tables=NFT_READ), "nftables", "kube-proxy/nftables", True, True),
        (view(), "userspace", "kube-proxy/userspace", True, True),
        (view(USERSPACE), "", "kube-proxy/userspace", True, True),
        # chains left behind by another mode do not make it iptables
        (view(PROGRAMMED, foreign_tables=NFT), "nftables", "kube-proxy/nftables", True, True),
        (view(PROGRAMMED, foreign_tables=NFT), "", "kube-proxy/iptables", True, True),
    ],
)
def test_with_the_node_read(
    seen: NodeView, mode: str, name: str, proven: bool, readable: bool
) -> None:
    owner = settle_owner(ASSUMED, (proxy(),), seen, mode)
    assert (owner.name, owner.proven, owner.reader is not None) == (name, proven, readable)
    assert owner.why
    assert owner.blocking
    if not proven:
        assert owner.next.startswith("kubectl -n kube-system ")
        assert "kube-proxy-n1" in owner.next


def test_without_its_pod_there_is_nothing_to_type() -> None:
    assert settle_owner(ASSUMED, (), view(), "").next == ""


def test_a_foreign_node_stays_foreign() -> None:
    foreign = Owner(name="cilium")
    assert settle_owner(foreign, (proxy(),), view(PROGRAMMED), "iptables") is foreign
