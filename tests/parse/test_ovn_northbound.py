from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.ovn_northbound import parse_ovn_northbound, parse_ovn_switches

#: Of a real database; case.toml says how it was filled.
CASE = Path(__file__).parents[1] / "fixtures" / "ranges" / "ovn-kubernetes-1.1--northbound"
REAL = (CASE / "exec/ovnkube-node-n2/Logical_Router_Port").read_text()

#: Of OVN 23.03.1, dual-stack.
TWO_FAMILIES = """\
{"data":[["n1",["map",[["ipv6_prefix","fd00:10:244::"],["subnet","10.244.0.0/24"]]],["map",[]]]],\
"headings":["name","other_config","external_ids"]}
{"data":[["rtos-n1",["set",["10.244.0.1/24","fd00:10:244::1/64"]],["map",[]]]],\
"headings":["name","networks","external_ids"]}
"""


def test_a_real_answer() -> None:
    found = {network.name: network for network in parse_ovn_northbound(REAL)}
    assert {name: str(network.interface) for name, network in found.items()} == {
        "n2": "10.244.1.0/24",
        "rtos-n2": "10.244.1.1/24",
        "rtoj-ovn_cluster_router": "100.64.0.1/16",
        "rtoj-GR_n2": "100.64.0.3/16",
        "rtots-n2": "100.88.0.3/16",
        "rtoe-GR_n2": "172.21.0.12/24",
    }
    assert [name for name, network in found.items() if network.switch] == ["n2"]
    assert found["n2"].text == "other_config:subnet=10.244.1.0/24"
    assert found["rtos-n2"].text == "networks: 10.244.1.1/24"
    assert "blue_n2" in REAL  # a user's own network


def test_switches_without_a_network_too() -> None:
    text = TWO_FAMILIES.replace('["ipv6_prefix","fd00:10:244::"],["subnet","10.244.0.0/24"]', "")
    assert text != TWO_FAMILIES
    assert parse_ovn_switches(TWO_FAMILIES) == parse_ovn_switches(text) == {"n1"}
    assert "n2" in parse_ovn_switches(REAL)


def test_two_families() -> None:
    assert [str(network.interface) for network in parse_ovn_northbound(TWO_FAMILIES)] == [
        "10.244.0.0/24",
        "fd00:10:244::/64",
        "10.244.0.1/24",
        "fd00:10:244::1/64",
    ]


@pytest.mark.parametrize("text", ["", "\n", '{"data":[],"headings":["name","external_ids"]}\n'])
def test_nothing(text: str) -> None:
    assert parse_ovn_northbound(text) == ()


def test_nothing_is_told_of_an_answer_that_was_cut() -> None:
    for end in range(1, len(TWO_FAMILIES)):
        if TWO_FAMILIES[end - 1] not in "}\n":
            with pytest.raises(ParseError):
                parse_ovn_northbound(TWO_FAMILIES[:end])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '{"data":1,"headings":[]}',
        '{"data":[["n1"]],"headings":["name","external_ids"]}',
        '{"data":[["n1",["map",[]]]],"headings":["other","external_ids"]}',
        '{"data":[["n1",["map",[1]]]],"headings":["name","external_ids"]}',
        '{"data":[["n1",["map",[]],7]],"headings":["name","external_ids","networks"]}',
        '{"data":[["n1",["map",[]],"x/y"]],"headings":["name","external_ids","networks"]}',
        '{"data":[["n1",["map",[["subnet","ten"]]],["map",[]]]],'
        '"headings":["name","other_config","external_ids"]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_such_answer(text: str) -> None:
    with pytest.raises(ParseError):
        parse_ovn_northbound(text)
