"""Whose node is it? Every dataplane is named once here; foreign ones are asked first."""

from __future__ import annotations

from dataclasses import replace

from ..model.nft import NAMES
from ..model.nodeview import NodeView
from ..model.service import Node, Pod
from ._base import Dataplane, Owner
from .foreign import FOREIGN
from .kube_proxy import proxy_pod
from .kube_proxy_iptables import DATAPLANE as KUBE_PROXY_IPTABLES
from .kube_proxy_ipvs import DATAPLANE as KUBE_PROXY_IPVS
from .kube_proxy_nftables import DATAPLANE as KUBE_PROXY_NFTABLES
from .kube_proxy_userspace import DATAPLANE as KUBE_PROXY_USERSPACE

__all__ = ["DATAPLANES", "FOREIGN", "Dataplane", "Owner", "owner_of", "settle_owner", "shown_by"]

DATAPLANES: tuple[Dataplane, ...] = (
    KUBE_PROXY_IPTABLES,
    KUBE_PROXY_IPVS,
    KUBE_PROXY_NFTABLES,
    KUBE_PROXY_USERSPACE,
)


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
            return owner if owner.reader is None else replace(owner, name="kube-proxy")
    why = "no kube-proxy pod and no known CNI agent runs there"
    if node.proxy_off:
        why = f"kube-proxy is switched off there ({node.proxy_off}), and nothing known replaces it"
    return Owner(
        name="unknown",
        why=why,
        next=f"kubectl get pods -A --field-selector spec.nodeName={node.name}",
    )


def shown_by(view: NodeView) -> tuple[Dataplane, ...]:
    """The dataplanes whose programming the kernel shows; leftovers of another mode count too."""
    return tuple(one for one in DATAPLANES if one.programmed(view))


def settle_owner(owner: Owner, agents: tuple[Pod, ...], view: NodeView, mode: str) -> Owner:
    """With the node read: is it proven, and in which mode is kube-proxy? `mode` is what its log
    says ("" if it was not read or says nothing), which counts where the kernel shows several
    modes or none."""
    if owner.reader is None:
        return owner
    pod = proxy_pod(agents)
    shown = shown_by(view)
    logged = next((one for one in DATAPLANES if one.name == f"kube-proxy/{mode}"), None)
    reader = logged or (shown[0] if shown else None)
    if reader is not None:
        why = reader.programmed(view) or f"Using {mode} Proxier"
        return Owner(name=reader.name, reader=reader, proven=True, why=why)
    if _has_nft_table(view):
        return Owner(
            name=KUBE_PROXY_NFTABLES.name,
            why="its nft table is there and was not read",
            next=_NFT_TABLE.format(pod=pod) if pod else "",
        )
    return Owner(
        name=owner.name,
        reader=owner.reader,
        why="neither kube-proxy's chains nor its log show that it programs this node",
        next=f"kubectl -n {pod.namespace} logs {pod.name}" if pod else "",
    )


_NFT_TABLE = "kubectl -n {pod.namespace} exec {pod.name} -- nft list table ip kube-proxy"


def _has_nft_table(view: NodeView) -> bool:
    return any(t.name == "kube-proxy" and t.family in NAMES.values() for t in view.foreign_tables)
