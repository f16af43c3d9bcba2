"""Node ports that a kube-proxy serves nowhere on its node: nodePortAddresses without any of the
node's addresses. In the kernel that looks as if rules had gone, so its configuration decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..model.address import Family, family_of
from ..model.nodeview import NodeView
from ..model.proxystate import Setting
from .nodes import NodeReading


def with_settings(
    readings: Mapping[str, NodeReading], settings: Mapping[str, Setting]
) -> dict[str, NodeReading]:
    """`settings` by node, as its kube-proxy runs."""
    found = {}
    for name, reading in readings.items():
        setting = settings.get(name)
        nowhere = _nowhere(setting, reading.view)
        found[name] = replace(reading, nowhere=nowhere, setting=setting)
    return found


def _nowhere(setting: Setting | None, view: NodeView | None) -> Mapping[Family, str]:
    """Ranges of the other family do not count, and no range of a family is all of its addresses
    (kubernetes pkg/proxy/util/nodeport_addresses.go)."""
    if setting is None or view is None or view.addresses is None:
        return {}
    here = [entry.address for entry in view.addresses if not entry.address.is_loopback]
    found = {}
    for family in Family:
        ranges = [r for r in setting.node_port_addresses if family_of(r.network_address) is family]
        if ranges and not any(address in each for each in ranges for address in here):
            named = ", ".join(map(str, ranges))
            found[family] = (
                f"kube-proxy serves node ports at {named} only (nodePortAddresses), and the node "
                "has no such address"
            )
    return found
