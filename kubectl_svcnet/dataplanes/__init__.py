"""Whose node is it? Every dataplane is named once here; foreign ones are asked first."""

from __future__ import annotations

from ..model.nodeview import NodeView
from ..model.service import Node, Pod
from ._base import Dataplane, Owner
from .foreign import FOREIGN
from .kube_proxy import proxy_pod
from .kube_proxy_iptables import DATAPLANE as KUBE_PROXY_IPTABLES

__all__ = ["DATAPLANES", "Dataplane", "Owner", "owner_of", "settle_owner"]

__all__ = ["DATAPLANES", "FOREIGN", "Dataplane", "Owner", "owner_of", "settle_owner"]

DATAPLANES: tuple[Dataplane, ...] = (KUBE_PROXY_IPTABLES,)

#: Modes of kube-proxy that are recognised and have no reader yet.
_UNREAD_MODES = {
    "nftables": "kubectl -n {pod.namespace} exec {pod.name} -- nft list table ip kube-proxy",
    "ipvs": "kubectl -n {pod.namespace} exec {pod.name} -- cat /proc/net/ip_vs",
    "userspace": "kubectl -n {pod.namespace} logs {pod.name}",
}


def owner_of(node: Node, agents: tuple[Pod, ...]) -> Owner:
    """By the API: whose node this is, as far as that goes before anything was read on it."""
    if node.os != "linux":
        return Owner(
            name=f"kube-proxy/{node.os}",
            why=f"{node.name} runs {node.os}, which has no netfilter to read",
            blocking=False,
        )
    if node.virtual:
        return Owner(
            name="virtual",
            why=f"{node.name} is a virtual node without a kernel of its own",
            blocking=False,
        )
    for dataplane in (*FOREIGN, *DATAPLANES):
        owner = dataplane.recognise(node, agents)
        if owner is not None:
            return owner
    return Owner(
        name="unknown",
        why="no kube-proxy pod and no known CNI agent runs there",
        next=f"kubectl get pods -A --field-selector spec.nodeName={node.name}",
    )


def settle_owner(owner: Owner, agents: tuple[Pod, ...], view: NodeView, mode: str) -> Owner:
    """With the node read: is it proven, and in which mode is kube-proxy? `mode` is what its log
    says ("" if it was not read or says nothing); the kernel decides where both speak."""
    if owner.reader is None:
        return owner
    programmed = owner.reader.programmed(view)
    pod = proxy_pod(agents)
    if mode in _UNREAD_MODES or (not programmed and _has_nft_table(view)):
        found = mode or "nftables"
        return Owner(
            name=f"kube-proxy/{found}",
            why=f"kube-proxy runs in {found} mode, which is not read yet",
            next=_UNREAD_MODES[found].format(pod=pod) if pod else "",
        )
    if programmed:
        return Owner(name=owner.name, reader=owner.reader, proven=True, why=programmed)
    if mode == "iptables":
        return Owner(
            name=owner.name, reader=owner.reader, proven=True, why="Using iptables Proxier"
        )
    return Owner(
        name=owner.name,
        reader=owner.reader,
        why="neither kube-proxy's chains nor its log show that it programs this node",
        next=f"kubectl -n {pod.namespace} logs {pod.name}" if pod else "",
    )


def _has_nft_table(view: NodeView) -> bool:
    return any(t.name == "kube-proxy" and t.family in ("ip", "ip6") for t in view.foreign_tables)
