"""Rule numbers are true: each names that rule of the node's own listing, and they make one way."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.nodes import Rules
from tests.e2e.tool import Answer, Place, Svcnet
from tests.lab.client import Lab
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e

_RULE = re.compile(r"(legacy:)?(\w+)/([\w-]+):(\d+)")
_BASE = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Answer:
    return svcnet("trace")


def texts(fate: dict[str, Any], dump: dict[str, list[str]], backend: str) -> list[str]:
    """The named rules, out of the node's own dump."""
    found = []
    for name in fate["rules"]:
        parts = _RULE.fullmatch(name)
        assert parts, name
        legacy, table, chain, number = parts.groups()
        assert ("legacy" if legacy else "nft") == backend
        rules = dump[f"{table}/{chain}"]
        assert 0 < int(number) <= len(rules), f"{name}: {len(rules)} rules"
        found.append(rules[int(number) - 1])
    return found


def chain_of(rule: str) -> str:
    return rule.split()[1]


def check_way(rules: list[str], dump: dict[str, list[str]]) -> None:
    """Every chain but the hooks' own was entered by a rule before."""
    chains = {name.partition("/")[2] for name in dump}
    entered = set(_BASE)
    for rule in rules:
        assert chain_of(rule) in entered, f"nothing leads to {rule}\n" + "\n".join(rules)
        target = re.search(r" -[jg] (\S+)", rule)
        if target and target[1] in chains:
            entered.add(target[1])


def check_meaning(place: Place, fate: dict[str, Any], rules: list[str]) -> None:
    port = f"--dport {place.frontend['port']} "
    for rule in rules:
        if chain_of(rule) == "KUBE-SERVICES" and "KUBE-NODEPORTS" not in rule:
            assert f"-d {place.target}/" in rule, f"{place}: {rule}"
            assert port in f"{rule} ", f"{place}: {rule}"
        if chain_of(rule) == "KUBE-NODEPORTS":
            assert port in f"{rule} ", f"{place}: {rule}"
    translations = [rule for rule in rules if " -j DNAT " in rule]
    if fate["fate"] == "endpoint":
        [rule] = translations
        assert chain_of(rule).startswith("KUBE-SEP-")
        assert rule.endswith(f"--to-destination {fate['endpoint']}"), f"{place}: {rule}"
        masqueraded = any(" -j MASQUERADE" in rule for rule in rules)
        assert masqueraded or not fate["masquerade"], f"{place}: {rules}"
    else:
        assert f" -j {fate['fate'].upper()}" in rules[-1], f"{place}: {rules}"


@pytest.mark.parametrize("node", [node.name for node in NODES])
def test_each_number_names_its_rule(answer: Answer, lab: Lab, node: str) -> None:
    dumps = {family: Rules(lab, node, family).dump() for family in ("IPv4", "IPv6")}
    seen = 0
    for place in answer.places():
        if place.name != node:
            continue
        dump = dumps[place.frontend["family"]]
        for fate in place.node["fates"]:
            rules = texts(fate, dump, lab.backend(node))
            assert rules, f"{place}: {fate}"
            check_way(rules, dump)
            check_meaning(place, fate, rules)
            seen += len(rules)
    assert seen > 100
