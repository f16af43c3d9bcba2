"""`packet`: one packet or many, on a node, or under the rules in files of the user.

Files and stdin are read here, whole; what they mean is `pipeline.saved`'s business.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import ParseError, UsageError
from ..model.fate import Backend
from ..model.options import PacketOptions
from ..model.saved import SavedFiles, SavedText
from . import session
from .options import number, to_options
from .text import decoded

#: Flags that name saved files, and the fields of SavedFiles that they fill.
FILES = {
    "addresses": "addresses",
    "routes": "routes",
    "ip_rule": "routing_rules",
    "sysctl": "sysctls",
    "ipset": "sets",
    "ipvs": "ipvs",
}
#: Flags about a cluster, which saved rules have none of.
_OF_A_CLUSTER = ("nodes", "node_selector", "bundle", "record", "plan")
_OF_ONE_PACKET = ("hook", "in_interface", "sport", "mark")
_WORDS = 3
_PROTOCOLS = ("tcp", "udp", "sctp")


def packet(given: argparse.Namespace) -> int:
    flags = dict(vars(given))
    words, rules = untangled(tuple(flags["packet"]), tuple(flags.get("rules", ())))
    asked = to_packet(flags, words)
    if "packets" in flags:
        _none_of(flags, _OF_ONE_PACKET, "each of --packets says for itself")
        if words:
            raise UsageError("--packets names the packets; give either a file or one packet")
    _stdin_once(flags, rules)
    if not rules:
        _none_of(flags, tuple(FILES), "belongs to saved rules: --rules FILE")
        if "packets" not in flags:
            _spoken(asked)
        return session.run(given, lambda: _on_a_node(asked, flags))
    _none_of(flags, _OF_A_CLUSTER, "is about a cluster; --rules answers without one")
    return _saved(given, asked, rules)


def _spoken(asked: PacketOptions) -> None:
    """A wrong word is wrong whatever the cluster says, or without one."""
    from ..pipeline.sender import spoken

    spoken(asked)


def _on_a_node(asked: PacketOptions, flags: Mapping[str, Any]) -> session.Work:
    from ..pipeline.packet import packet as run

    packets = _read(flags["packets"]) if "packets" in flags else None
    return lambda source, options: run(source, options, asked, packets)


def _saved(given: argparse.Namespace, asked: PacketOptions, rules: tuple[str, ...]) -> int:
    from ..pipeline.packet import packet_saved

    flags = vars(given)
    options = to_options(given, namespace="default")
    files: dict[str, Any] = {
        field: tuple(map(_read, flags.get(flag, ()))) for flag, field in FILES.items()
    }
    packets = _read(flags["packets"]) if "packets" in flags else None
    saved = SavedFiles(rules=tuple(map(_read_rules, rules)), packets=packets, **files)
    return session.show(packet_saved(asked, saved), options)


def _none_of(flags: Mapping[str, Any], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in flags:
            flag = {"nodes": "node", "in_interface": "in"}.get(name, name.replace("_", "-"))
            raise UsageError(f"--{flag} {why}")


def _stdin_once(flags: Mapping[str, Any], rules: tuple[str, ...]) -> None:
    named = [*rules, flags.get("packets", ""), *(name for f in FILES for name in flags.get(f, ()))]
    if sum(name.rpartition("=")[2] == "-" for name in named) > 1:
        raise UsageError("- is given more than once, and stdin can be read only once")


def to_packet(flags: Mapping[str, Any], words: tuple[str, ...]) -> PacketOptions:
    port = flags.get("sport")
    return PacketOptions(
        words=words,
        hook=flags.get("hook", ""),
        in_interface=flags.get("in_interface", ""),
        source_port=None if port is None else number(port, "--sport", below=1 << 16),
        mark=number(flags.get("mark", "0"), "--mark", below=1 << 32),
    )


def untangled(
    words: tuple[str, ...], rules: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`--rules` takes all that follows it, the packet's words too."""
    tail = rules[-_WORDS:]
    if not words and len(rules) > _WORDS and tail[0].lower() in _PROTOCOLS:
        return tail, rules[:-_WORDS]
    return words, rules


def _read_rules(argument: str) -> SavedText:
    """FILE, legacy=FILE or nft=FILE."""
    prefix, equals, name = argument.partition("=")
    known = {"legacy": Backend.LEGACY, "nft": Backend.NFT}
    if not equals or prefix not in known:
        return _read(argument)
    saved = _read(name)
    return SavedText(saved.name, saved.text, known[prefix])


def _read(name: str) -> SavedText:
    try:
        if name == "-":
            return SavedText("stdin", decoded(sys.stdin.buffer.read(), "stdin"))
        with open(name, "rb") as file:
            return SavedText(name, decoded(file.read(), name))
    except OSError as error:
        raise ParseError(error.strerror or str(error), file=name) from error
