"""Moves a node from one iptables backend to the other, as a reinstalled node would be."""

from __future__ import annotations

from . import namespaces, node, proxy, rules
from .shell import run, wait_until
from .topology import Node


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
    wait_until(
        f"{where.name}: the kubelet's chain stands in iptables-{name}",
        lambda: rules.stand(where, name, ":KUBE-IPTABLES-HINT"),
        timeout=60,
    )


def remove_kube_rules(where: Node, name: str) -> None:
    for family in rules.FAMILIES:
        rest = without_kube_lines(rules.iptables_save(where, family, name))
        run([*namespaces.prefix(where), f"{family}-{name}-restore"], stdin=rest)


def without_kube_lines(text: str) -> str:
    """An iptables-save listing less every chain of Kubernetes and every rule that names one."""
    return "".join(line for line in text.splitlines(keepends=True) if "KUBE-" not in line)
