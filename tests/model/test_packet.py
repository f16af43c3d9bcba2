from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.packet import Hook, Packet


def test_the_destination_decides_the_family() -> None:
    packet = Packet(
        hook=Hook.OUTPUT,
        protocol=Protocol.UDP,
        destination=ip_address("fd00::a"),
        destination_port=53,
    )
    assert packet.family is Family.IPV6
