"""Which address a hash picks, as Linux 6.18 did on amd64."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from kubectl_svcnet.engine.simulate.picks import picked
from kubectl_svcnet.model.targets import AddressSpan

SPAN = AddressSpan(ip_address("10.244.1.2"), ip_address("10.244.1.3"))
SPAN6 = AddressSpan(ip_address("fd00:244:1::2"), ip_address("fd00:244:1::3"))


@pytest.mark.parametrize(
    ("source", "destination", "found"),
    [
        ("192.168.50.1", "192.168.50.9", "10.244.1.2"),
        ("10.244.1.2", "192.168.50.9", "10.244.1.2"),
        ("192.168.50.1", "192.168.50.1", "10.244.1.3"),
        ("192.168.50.9", "192.168.50.1", "10.244.1.3"),
        ("192.168.50.9", "10.96.0.10", "10.244.1.3"),
        ("fd00:244:1::2", "fd00:96::10", "fd00:244:1::3"),
    ],
)
def test_picked(source: str, destination: str, found: str) -> None:
    span = SPAN6 if ":" in source else SPAN
    picks = ip_address(source), ip_address(destination)
    assert picked(span, *picks, 0, persistent=False) == ip_address(found)


def test_who_is_persistent_gets_the_same_everywhere() -> None:
    there = [ip_address(f"10.96.0.{n}") for n in range(20)]
    client = ip_address("192.168.50.9")
    assert len({picked(SPAN, client, one, 0, persistent=True) for one in there}) == 1
    assert len({picked(SPAN, client, one, 0, persistent=False) for one in there}) == 2
    assert len({picked(SPAN, client, there[0], zone, persistent=False) for zone in range(20)}) == 2


def test_behind_the_first_word_that_is_not_the_last_any_word_may_come() -> None:
    wide = AddressSpan(ip_address("fd00::"), ip_address("fd00::1:0:0"))
    client = ip_address("fd00::9")
    picks = {
        picked(wide, client, ip_address(n), 0, persistent=False) for n in range(2**64, 2**64 + 40)
    }
    assert len({int(one) & 0xFFFFFFFF for one in picks}) > 2
