"""sysctls, from grep and from sysctl."""

from __future__ import annotations

import pytest

from kubectl_svcnet.parse.sysctl import parse_sysctls


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("/proc/sys/net/ipv4/ip_forward:1\n", {"net.ipv4.ip_forward": "1"}),
        ("net.ipv4.ip_forward = 1\n", {"net.ipv4.ip_forward": "1"}),
        (
            "/proc/sys/net/ipv4/ip_local_port_range:32768\t60999\n",
            {"net.ipv4.ip_local_port_range": "32768\t60999"},
        ),
        ("", {}),
        ("grep: /proc/sys/net/x: No such file or directory\nsysctl: cannot stat = no", {}),
        ("/proc/sys/net/ipv4/ip_forw", {}),
    ],
)
def test_sysctls(text: str, values: dict[str, str]) -> None:
    assert parse_sysctls(text) == values
