"""k3s and RKE2 with `--disable-kube-proxy`: the nodes where none runs, whatever rules are left.

k3s runs kube-proxy within its own process, so no pod that is missing shows it; the arguments of
its servers do, in annotations of their nodes. An agent does as the server says that it asked
(k3s pkg/agent/config), and which one that was stands nowhere: for agents all servers must say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import ParseError
from ..model.service import Node
from ..parse.flags import find_flag
from ..parse.node_args import parse_node_args

_ANNOTATIONS = ("k3s.io/node-args", "rke2.io/node-args")
_FLAG = "disable-kube-proxy"
_NO = ("false", "f", "0")  # Go's strconv.ParseBool; any other word after it is not its value


def with_switched_off(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes, those without a kube-proxy with where that is written."""
    servers = {node.name: said for node in nodes if (said := _said(node)) is not None}
    everywhere = next(iter(servers.values())) if all(servers.values()) and servers else ""
    return tuple(
        replace(node, proxy_off=off)
        if (off := servers.get(node.name, _of_agent(node, everywhere)))
        else node
        for node in nodes
    )


def _of_agent(node: Node, everywhere: str) -> str:
    return everywhere if any(key in node.annotations for key in _ANNOTATIONS) else ""


def _said(node: Node) -> str | None:
    """Of a server: where it is switched off, "" if it is not. None: no server, or unreadable."""
    for key in _ANNOTATIONS:
        try:
            argv = parse_node_args(node.annotations.get(key, "[]"))
        except ParseError:
            continue
        if argv[:1] == ("server",):
            value = find_flag(argv, _FLAG)
            off = value is not None and value.lower() not in _NO
            return f"--{_FLAG} in {key} of node {node.name}" if off else ""
    return None
