"""What a node's netfilter holds, read on the node itself and not through the cluster."""

from __future__ import annotations

from . import namespaces, node
from .shell import attempt, run
from .topology import Node

FAMILIES = ("iptables", "ip6tables")


def listing(where: Node, mode: str) -> str:
    """Everything that kube-proxy wrote in this mode, of both address families."""
    if mode == "nftables":
        return run([*namespaces.prefix(where), "nft", "list", "ruleset"])
    used = node.backend(where)
    saved = "".join(iptables_save(where, family, used) for family in FAMILIES)
    return saved + virtual_servers(where) if mode == "ipvs" else saved


def iptables_save(where: Node, family: str, backend: str) -> str:
    return run([*namespaces.prefix(where), f"{family}-{backend}-save"])


def stand(where: Node, backend: str, sign: str) -> bool:
    return all(sign in iptables_save(where, family, backend) for family in FAMILIES)


def serve(where: Node, mode: str) -> bool:
    """Whether Services of both families have chains; the workload has some of each."""
    if mode == "ipvs":
        saved = virtual_servers(where)
        return all(f"-A -t {start}" in saved for start in ("10.", "["))
    if mode == "iptables":
        return stand(where, node.backend(where), ":KUBE-SVC-")
    return all(has_service_chain(where, family) for family in ("ip", "ip6"))


def virtual_servers(where: Node) -> str:
    return run([*namespaces.prefix(where), "ipvsadm", "-Sn"])


def has_service_chain(where: Node, family: str) -> bool:
    # Fails while kube-proxy has not made its table.
    list_table = ["nft", "list", "table", family, "kube-proxy"]
    return "chain service-" in attempt([*namespaces.prefix(where), *list_table]).stdout
