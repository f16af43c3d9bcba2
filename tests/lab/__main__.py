"""Command line of the lab: python3 -m tests.lab --help"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence

from . import cluster, fabric, flannel, guest, namespaces, node, paths, proxy
from .client import Lab
from .shell import LabError
from .topology import EXTERNAL, GUEST, NODES, VISITORS, node_named

NODE_NAMES = [one.name for one in NODES]
VISITOR_NAMES = [one.name for one in VISITORS]


def per_node(allowed: Sequence[str]) -> Callable[[str], list[str]]:
    """`nft,legacy,nft`, or one word for all nodes."""

    def parse(text: str) -> list[str]:
        words = text.split(",")
        if len(words) == 1:
            words *= len(NODES)
        if len(words) != len(NODES) or not set(words) <= set(allowed):
            raise argparse.ArgumentTypeError(
                f"want one of {', '.join(allowed)}, or {len(NODES)} of them with commas"
            )
        return words

    return parse


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python3 -m tests.lab", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    raising = commands.add_parser("up", help="make the lab and wait until every pod is ready")
    raising.add_argument("--modes", type=per_node(proxy.MODES), help="default: iptables")
    raising.add_argument("--backends", type=per_node(node.BACKENDS), help="default: nft")
    commands.add_parser("down", help="end every process and remove everything but the cache")
    commands.add_parser("status", help="nodes, pods, modes and backends")
    commands.add_parser("build", help="only fill the cache with programs and images")
    commands.add_parser("kubeconfig", help="print the administrator's kubeconfig path")

    mode = commands.add_parser("mode", help="change a node's proxy mode")
    mode.add_argument("node", choices=NODE_NAMES)
    mode.add_argument("mode", choices=proxy.MODES)
    backend = commands.add_parser("backend", help="change a node's iptables backend")
    backend.add_argument("node", choices=NODE_NAMES)
    backend.add_argument("backend", choices=node.BACKENDS)

    network = commands.add_parser("cni", help="change what connects the pods")
    network.add_argument("cni", choices=tuple(flannel.SWITCH))

    joining = commands.add_parser(
        "add", help="let one more node join: a virtual machine, or a small one"
    )
    joining.add_argument("node", choices=VISITOR_NAMES)
    joining.add_argument("--mode", choices=guest.MODES, default="ipvs", help="of n4; default: ipvs")
    leaving = commands.add_parser("remove", help="end it, and its node goes")
    leaving.add_argument("node", choices=VISITOR_NAMES)

    inside = commands.add_parser("exec", help="run a command inside a node")
    inside.add_argument("node", choices=[*NODE_NAMES, *VISITOR_NAMES])
    inside.add_argument("argv", nargs=argparse.REMAINDER)
    prefix = commands.add_parser("ns", help="print what `exec` puts before a command")
    prefix.add_argument("node", choices=[*NODE_NAMES, *VISITOR_NAMES])
    outside = commands.add_parser("ext", help="run a command as the client outside the cluster")
    outside.add_argument("argv", nargs=argparse.REMAINDER)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    start = time.monotonic()
    try:
        COMMANDS[options.command](options)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    if options.command in CHANGING:
        print(f"{time.monotonic() - start:6.1f} s  in all")
    return 0


def up(options: argparse.Namespace) -> None:
    with cluster.alone():
        cluster.up(options.modes, options.backends)
    print(f"KUBECONFIG={paths.ADMIN_KUBECONFIG}")


def down(options: argparse.Namespace) -> None:
    with cluster.alone():
        cluster.down()


def build(options: argparse.Namespace) -> None:
    with cluster.alone():
        cluster.build()


def mode(options: argparse.Namespace) -> None:
    with cluster.alone():
        Lab().switch_mode(options.node, options.mode)


def backend(options: argparse.Namespace) -> None:
    with cluster.alone():
        Lab().switch_backend(options.node, options.backend)


def network(options: argparse.Namespace) -> None:
    with cluster.alone():
        Lab().switch_cni(options.cni)


def add(options: argparse.Namespace) -> None:
    with cluster.alone():
        if options.node == GUEST.name:
            Lab().add_guest(options.mode)
        else:
            Lab().add_small()


def remove(options: argparse.Namespace) -> None:
    with cluster.alone():
        Lab().remove_guest() if options.node == GUEST.name else Lab().remove_small()


def execute(prefix: list[str], argv: list[str]) -> None:
    words = argv[1:] if argv[:1] == ["--"] else argv
    if not words:
        raise LabError("There is no command to run.")
    os.execvp(prefix[0], [*prefix, *words])


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "up": up,
    "down": down,
    "build": build,
    "mode": mode,
    "backend": backend,
    "cni": network,
    "add": add,
    "remove": remove,
    "status": lambda options: print(cluster.status()),
    "kubeconfig": lambda options: print(paths.ADMIN_KUBECONFIG),
    "exec": lambda options: execute(namespaces.prefix(node_named(options.node)), options.argv),
    "ns": lambda options: print(shlex.join(namespaces.prefix(node_named(options.node)))),
    "ext": lambda options: execute(fabric.inside(EXTERNAL), options.argv),
}
CHANGING = ("up", "down", "build", "mode", "backend", "cni", "add", "remove")

if __name__ == "__main__":
    sys.exit(main())
