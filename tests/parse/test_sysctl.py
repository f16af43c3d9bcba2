"""sysctls, from grep and from sysctl."""

from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.sysctl import parse_saved_sysctls, parse_sysctls


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


def test_a_saved_file_that_holds_none_is_an_error() -> None:
    assert parse_saved_sysctls("") == {}
    assert parse_saved_sysctls("junk\nnet.ipv4.ip_forward = 1\n") == {"net.ipv4.ip_forward": "1"}
    with pytest.raises(ParseError, match="no line of it is of `sysctl -a`"):
        parse_saved_sysctls("[{}]\n")
