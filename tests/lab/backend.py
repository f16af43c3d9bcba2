"""Moves a node from one iptables backend to the other, as a reinstalled node would be."""

from __future__ import annotations

from tests.lab import namespaces, node, proxy
from tests.lab.shell import run, wait_until
from tests.lab.topology import Node

FAMILIES = ("iptables", "ip6tables")


def switch(where: Node, name: str) -> None:
    old = node.backend(where)
    mode = proxy.current_mode(where)
    node.stop_kubelet(where)
    # With its kubelet gone nobody starts it again, and so nobody writes rules meanwhile.
    for process in node.processes(where, "kube-proxy"):
        process.end(grace=3)
    remove_kube_rules(where, old)
    node.set_backend(where, name)
    node.start_kubelet(where)
    proxy.restart(where)
    proxy.wait_for_mode(where, mode)
    wait_for_rules(where, mode)


def wait_for_rules(where: Node, mode: str) -> None:
    """In nftables mode kube-proxy has no rules there: the kubelet's own chain must do."""
    sign = ":KUBE-SVC-" if mode == "iptables" else ":KUBE-IPTABLES-HINT"
    name = node.backend(where)
    wait_until(f"{where.name}: rules stand in iptables-{name}",
               lambda: all(sign in saved(where, family, name) for family in FAMILIES), timeout=60)


def saved(where: Node, family: str, name: str) -> str:
    return run([*namespaces.prefix(where), f"{family}-{name}-save"])


def remove_kube_rules(where: Node, name: str) -> None:
    for family in FAMILIES:
        rest = without_kube_lines(saved(where, family, name))
        run([*namespaces.prefix(where), f"{family}-{name}-restore"], stdin=rest)


def without_kube_lines(text: str) -> str:
    """An iptables-save listing less every chain of Kubernetes and every rule that names one."""
    return "".join(line for line in text.splitlines(keepends=True) if "KUBE-" not in line)
