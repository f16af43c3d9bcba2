from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.ovn_kubernetes import (
    parse_interfaces,
    parse_net_cidr,
    parse_node_subnets,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"default":"10.130.0.0/23"}', {"default": ["10.130.0.0/23"]}),
        (
            '{"default":["10.130.0.0/23","fd01:0:0:2::/64"],"blue":["10.5.0.0/24"]}',
            {"default": ["10.130.0.0/23", "fd01:0:0:2::/64"], "blue": ["10.5.0.0/24"]},
        ),
        ("{}", {}),
    ],
)
def test_node_subnets(text: str, found: dict[str, list[str]]) -> None:
    parsed = parse_node_subnets(text)
    assert {name: [str(n) for n in parts] for name, parts in parsed.items()} == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"ipv4":"100.64.0.2/16","ipv6":"fd98::2/64"}', ["100.64.0.2/16", "fd98::2/64"]),
        ('{"ipv4":"172.18.0.4/16","ipv6":""}', ["172.18.0.4/16"]),
        ('{"default":{"ipv4":"100.64.0.4/16"},"b":{"ipv4":"100.65.0.4/16"}}', ["100.64.0.4/16"]),
        ('{"default":"100.64.0.3/16"}', ["100.64.0.3/16"]),
        ('["169.254.0.3/16"]', ["169.254.0.3/16"]),
    ],
)
def test_interfaces(text: str, found: list[str]) -> None:
    assert [str(interface) for interface in parse_interfaces(text)] == found


def test_net_cidr() -> None:
    parsed = parse_net_cidr("10.244.0.0/16/24, fd01::/48/64,10.9.0.0/16")
    assert [str(n) for n in parsed] == ["10.244.0.0/16", "fd01::/48", "10.9.0.0/16"]
    assert parse_net_cidr("") == ()


@pytest.mark.parametrize("text", ["", "[]", "7", '{"default":7}', '{"default":["x"]}', "[" * 99999])
def test_what_is_no_map_of_subnets(text: str) -> None:
    with pytest.raises(ParseError):
        parse_node_subnets(text)


@pytest.mark.parametrize("text", ["", "7", "null", '{"ipv4":{}, "a":[1]}', '{"ipv4":"x"}'])
def test_what_is_no_interface(text: str) -> None:
    with pytest.raises(ParseError):
        parse_interfaces(text)
