from __future__ import annotations

import time
from ipaddress import ip_address

import pytest

from kubectl_svcnet.parse.addresses import pick_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.1", ["10.96.0.1"]),
        (" fd00::a\n", ["fd00::a"]),
        ("fd::a", ["fd::a"]),
        ("::", ["::"]),
        ("fe80::1%eth0", ["fe80::1"]),
        ("::ffff:10.96.0.1", ["10.96.0.1"]),
        ("dial tcp 10.96.0.1:443: connect: refused", ["10.96.0.1"]),
        ("from [fd00::1]:53 to fd00::2: refused", ["fd00::1", "fd00::2"]),
        ("inet6 fe80::42:acff:fe11:2/64 scope link", ["fe80::42:acff:fe11:2"]),
        ("inet 172.18.0.2/24 brd 172.18.0.255", ["172.18.0.2", "172.18.0.255"]),
        ("Is it 10.0.0.1, or 10.0.0.2? It is 10.0.0.1.", ["10.0.0.1", "10.0.0.2"]),
        ("via ::ffff:10.0.0.9 (mapped)", ["10.0.0.9"]),
        ("src=10.0.0.1 dst=10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    assert pick_addresses(text) == tuple(map(ip_address, expected))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "db-service",
        "12:34:56 02:42:ac:11:00:02",
        "v1.36.3 and 1.2.3.4.5 and 10.0.0",
        "300.1.1.1 10.0.0.01 1.2.3.4x ip-10.0.0.1",
        "std::string a::b",
        "10-244-1-2.default.pod.cluster.local",
    ],
)
def test_no_addresses(text: str) -> None:
    assert pick_addresses(text) == ()


@pytest.mark.parametrize("part", ["1", ":", "a:", "1.", "1.2.3.4", "::1:"])
def test_a_long_text_is_read_in_time(part: str) -> None:
    started = time.process_time()
    pick_addresses(part * 200_000 + "!")
    assert time.process_time() - started < 5
