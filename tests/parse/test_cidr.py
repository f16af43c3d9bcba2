from __future__ import annotations

from ipaddress import ip_network

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.cidr import parse_networks, parse_port_range


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.0/16", ["10.96.0.0/16"]),
        ("10.96.0.0/16,fd00:10:96::/112", ["10.96.0.0/16", "fd00:10:96::/112"]),
        (" 10.96.0.0/16 , fd00::/64 ", ["10.96.0.0/16", "fd00::/64"]),
        ("10.96.0.1/12", ["10.96.0.0/12"]),  # Kubernetes masks host bits
        ("", []),
    ],
)
def test_networks(text: str, expected: list[str]) -> None:
    assert parse_networks(text) == tuple(ip_network(network) for network in expected)


@pytest.mark.parametrize("text", ["10.96.0.0", "10.96.0.0/33", "ten", "10.96.0.0/16,ten", "$(X)/8"])
def test_a_bad_entry_spoils_the_value(text: str) -> None:
    with pytest.raises(ParseError):
        parse_networks(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30000-32767", (30000, 32767)),
        ("30000+2767", (30000, 32767)),
        ("30000 - 32767", (30000, 32767)),
        ("60000+9999", (60000, 65535)),
        ("30080", (30080, 30080)),
    ],
)
def test_port_range(text: str, expected: tuple[int, int]) -> None:
    assert parse_port_range(text) == expected


@pytest.mark.parametrize("text", ["", "32767-30000", "1-70000", "a-b", "30000-", "-1-2"])
def test_not_a_port_range(text: str) -> None:
    with pytest.raises(ParseError):
        parse_port_range(text)
