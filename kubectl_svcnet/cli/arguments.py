"""The arguments and flags that a command has for itself, by what they are about."""

from __future__ import annotations

import argparse

from . import flags

_SERVICE = (
    "NAME, svc/NAME, NAME.NAMESPACE, an address, ADDRESS:PORT or :NODEPORT; "
    "none: all of the namespace"
)


def services(command: argparse.ArgumentParser) -> None:
    named(command)
    group = command.add_argument_group("What to show")
    group.add_argument("--explain", action="store_true", help="the walk of each client's packet")
    group.add_argument(
        "--steps", action="store_true", help="the documented steps by hand, with their lines"
    )


def checked(command: argparse.ArgumentParser) -> None:
    named(command)
    flags.add(command, title="For pipelines", flags=flags.PIPELINES)


def named(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "services",
        nargs="*",
        metavar="SERVICE",
        help=_SERVICE,
    )
    flags.add(command, title="Which client", flags=flags.CLIENT)


def log_service(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "services",
        nargs="*",
        metavar="SERVICE",
        help=_SERVICE,
    )
    flags.add(command, title="Which lines", flags=flags.LOGS)


def file(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="the bundle to write (.tar.gz)")
    command.add_argument(
        "--anonymise", action="store_true", help="replace names of nodes, pods and Services"
    )


def compared(command: argparse.ArgumentParser) -> None:
    command.add_argument("before", metavar="A", help="a bundle (snapshot, --record)")
    command.add_argument("after", metavar="B", nargs="?", help="another; without it: as it is now")


def packet_words(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "packet",
        nargs="*",
        metavar="PROTO SRC DST:PORT",
        help="tcp, udp or sctp; an address, NAMESPACE/POD, or node for a process of the node; "
        "10.96.0.10:53 or [fd00::a]:53",
    )
    flags.add(command, title="The packet", flags=flags.PACKET)
    flags.add(command, title="Saved files instead of a cluster", flags=flags.SAVED)


def rights(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "commands", nargs="*", metavar="COMMAND", help="only what these commands need"
    )
    flags.add(command, title="Which rights", flags=flags.RIGHTS)


def shell(command: argparse.ArgumentParser) -> None:
    one = command.add_mutually_exclusive_group(required=True)
    one.add_argument(
        "shell",
        metavar="SHELL",
        nargs="?",
        choices=("bash", "zsh", "fish"),
        help="bash, zsh or fish: print its script for the bare executable",
    )
    one.add_argument(
        "--install",
        action="store_true",
        help="write kubectl_complete-svcnet, by which kubectl completes (krew links none)",
    )


def which(command: argparse.ArgumentParser) -> None:
    flags.add(command, title="What to ask", flags=flags.RANGES)


def nothing(command: argparse.ArgumentParser) -> None:
    pass
