from __future__ import annotations

from ipaddress import ip_address, ip_network

from kubectl_svcnet.model.address import Family, SocketAddress, family_of


def test_family() -> None:
    assert family_of(ip_address("10.96.0.1")) is Family.IPV4
    assert family_of(ip_network("fd00::/112")) is Family.IPV6


def test_written_as_the_kernel_writes_it() -> None:
    assert str(SocketAddress(ip_address("10.244.1.2"), 3306)) == "10.244.1.2:3306"
    assert str(SocketAddress(ip_address("fd00:0::2"), 53)) == "[fd00::2]:53"


def test_order_is_by_number_not_by_text() -> None:
    rows = [SocketAddress(ip_address(text), 1) for text in ("10.0.0.10", "10.0.0.9")]
    assert sorted(rows) == rows[::-1]
