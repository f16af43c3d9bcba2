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
        ('{"podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}]}', ["10.0.0.1", "fd00::1"]),
        ("GET http://[fd00::1]:8080/ via https://10.0.0.1:6443/", ["fd00::1", "10.0.0.1"]),
        ("listen [::1]:80 [::]:80 :::80 10.0.0.1/24:80", ["::1", "10.0.0.1"]),
        (
            "> <10.0.0.1>, (10.0.0.2); `10.0.0.3` **10.0.0.4**...",
            [f"10.0.0.{n}" for n in (1, 2, 3, 4)],
        ),
        ("so it is 10.0.0.1...\r\nand fd00::2.", ["10.0.0.1", "fd00::2"]),
        ("inet addr:10.0.0.1 node:10.0.0.2 ip:fd00::1", ["10.0.0.1", "10.0.0.2", "fd00::1"]),
        ("8080:10.0.0.1 de:10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("192.0.2.10-192.0.2.20", ["192.0.2.10", "192.0.2.20"]),
        ("fd00::1-fd00::9, FD00::A-fd00::f.", ["fd00::1", "fd00::9", "fd00::a", "fd00::f"]),
        (
            "pool ::1.2.3.4-::1.2.3.9 of [fd00::1]-[fd00::2]",
            ["::102:304", "::102:309", "fd00::1", "fd00::2"],
        ),
        ("fd00::1-foo fd00::2-fd00::3-x", ["fd00::1", "fd00::2"]),
        (r'"msg":"refused\n10.0.0.1\tfd00::1\n"', ["10.0.0.1", "fd00::1"]),
        ("\x1b[32m10.0.0.1\x1b[0m \x1b[1;31mfd00::1\x1b[m", ["10.0.0.1", "fd00::1"]),
        ("IP 10.0.0.1.4321 > 10.0.0.2.80: Flags [S]", ["10.0.0.1", "10.0.0.2"]),
        ("IP6 fd00::1.4321 > fd00::2.80: Flags [S]", ["fd00::1", "fd00::2"]),
        ("IP 10.0.0.1 > 10.0.0.2: ICMP echo request", ["10.0.0.1", "10.0.0.2"]),
        ("dig @10.96.0.10 #53(10.96.0.10#53) FE80::1%25eth0", ["10.96.0.10", "fe80::1"]),
        ("10.0.0.1:80->10.0.0.2:90,10.0.0.3", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    ],
)
def test_addresses(text: str, expected: list[str]) -> None:
    assert pick_addresses(text) == tuple(map(ip_address, expected))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "db-service",
        "12:34:56 02:42:ac:11:00:02 12:34:56-12:35:00 ab-fd00::1",
        "v1.36.3 and 1.2.3.4.5 and 10.0.0",
        "300.1.1.1 10.0.0.01 1.2.3.4x ip-10.0.0.1",
        "std::string a::b crypto::a1 x::1",
        "foo-1.2.3.4 1.2.3.4-rc1 1.2.3.4-1.2.3.4.5 10.0.0.256",
        "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99 sha256:0a0b0c0d",
        "10-244-1-2.default.pod.cluster.local",
    ],
)
def test_no_addresses(text: str) -> None:
    assert pick_addresses(text) == ()


@pytest.mark.parametrize(
    "part", ["1", ":", "a:", "1.", "1.2.3.4", "::1:", "1.2.3.4-", " > 1.", "x:1", "a:-", "::1-"]
)
def test_a_long_text_is_read_in_time(part: str) -> None:
    started = time.process_time()
    pick_addresses(part * 200_000 + "!")
    assert time.process_time() - started < 5
