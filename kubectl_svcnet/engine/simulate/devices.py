"""Does a packet pass a device at which nft has a chain of ingress or egress?

What comes by a port of a bridge passes that port first. Its bridge it passes where it goes up to
the node; while br_netfilter shows it to rules, behind those (br_pass_frame_up), which is not
simulated. What is routed out by a bridge passes it and then a port, which no listing tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...model import nft
from .bridges import passed_up
from .flow import Flow
from .routing import LOOPBACK, Routing


def passes(base: nft.Base, flow: Flow, routing: Routing, sysctls: Mapping[str, str]) -> bool | None:
    """None: not known, as of devices in the JSON of nft 1.0.6, which leaves them out."""
    if base.hook not in ("ingress", "egress"):
        return True
    inward = base.hook == "ingress"
    device = flow.in_device if inward else flow.out_device
    port = flow.physical_in if inward else None
    if device is None or not base.devices:
        return None
    if port in base.devices:
        return True
    ports = routing.ports_of(device)
    if device in base.devices:
        plain = device == LOOPBACK or (ports is not None and not ports)
        if plain or (inward and passed_up(flow.family, sysctls) is False):
            return True
        # What DNAT sends back to its bridge asks for its neighbour there, or need not (state).
        back = flow.bridged and flow.destination_changed
        return None if inward or back or flow.bridged is None else not flow.bridged
    if ports is None:  # what packets are routed by is no port
        ports = frozenset(one for one in base.devices if not routing.leads_by(one))
    return None if port is None and ports.intersection(base.devices) else False
