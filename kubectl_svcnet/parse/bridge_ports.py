"""Bridges and their ports in sysfs: `grep -rsH --include=… "" /sys/devices/virtual/net`.

A line is PATH:VALUE. A port knows its bridge by a link, which grep does not follow, and by
`designated_bridge`, the id of the bridge itself unless a spanning tree has another root
(net/bridge/br_sysfs_if.c, br_sysfs_br.c). `flags` are those of the device (0x100: IFF_PROMISC).
"""

from __future__ import annotations

from ..model.bridge import BridgePort
from ._text import split_lines

_ROOT = "/sys/devices/virtual/net/"
_PROMISCUOUS = 0x100


def parse_bridge_ports(text: str) -> tuple[BridgePort, ...]:
    """Lines of other files say nothing."""
    said: dict[str, dict[str, str]] = {}
    for line in split_lines(text):
        path, sign, value = line.partition(":")
        if sign and path.startswith(_ROOT):
            device, _, attribute = path[len(_ROOT) :].partition("/")
            said.setdefault(device, {})[attribute] = value.strip()
    ids = {of["bridge/bridge_id"]: name for name, of in said.items() if "bridge/bridge_id" in of}
    ports = []
    for name, of in said.items():
        bridge = ids.get(of.get("brport/designated_bridge", ""), "")
        if "brport/hairpin_mode" in of:
            ports.append(
                BridgePort(
                    name=name,
                    bridge=bridge,
                    hairpin=of["brport/hairpin_mode"] != "0",
                    promiscuous=bool(_flags(said.get(bridge, {}).get("flags", "")) & _PROMISCUOUS),
                )
            )
    return tuple(sorted(ports, key=lambda port: port.name))


def _flags(text: str) -> int:
    digits = text.removeprefix("0x")
    return int(digits, 16) if digits and set(digits) <= set("0123456789abcdef") else 0
