"""The ports of a node's bridges, where a bridge serves pods."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.bridge import BridgePort
from ..model.capture import Capture
from ..model.commands import Command
from ..model.finding import Gap
from ..parse.bridge_ports import parse_bridge_ports

BRIDGE_PORTS = Command("bridge-ports")


def read_bridge_ports(
    captures: Mapping[Command, Capture],
) -> tuple[tuple[BridgePort, ...], tuple[Gap, ...]]:
    """A gap is not blocking: no verdict hangs on it."""
    capture = captures.get(BRIDGE_PORTS)
    if capture is None:
        return (), ()
    text = capture.text() if capture.failure is None else ""
    if not text:  # every node has lo, whose flags are shown
        why = capture.failure.message if capture.failure else "no device is shown here"
        return (), (Gap(what="ports of bridges", why=why),)
    return parse_bridge_ports(text), ()
