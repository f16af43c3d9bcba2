"""A packet's family is its destination's."""

from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.packet import Hook, Packet


def test_family() -> None:
    for address, family in (("10.0.0.1", Family.IPV4), ("fd00::1", Family.IPV6)):
        packet = Packet(
            hook=Hook.OUTPUT,
            protocol=Protocol.TCP,
            destination=ip_address(address),
            destination_port=80,
        )
        assert packet.family is family
