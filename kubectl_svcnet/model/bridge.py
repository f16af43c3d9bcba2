"""Ports of a node's bridges, as far as a pod that calls its own Service hangs on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgePort:
    """`bridge` is "" where it is not known. `hairpin`: the bridge may send a frame back by the
    port that it came by. `promiscuous`: the bridge is."""

    name: str
    bridge: str
    hairpin: bool
    promiscuous: bool = False
