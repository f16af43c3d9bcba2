"""Which commands list a node's rules: all of the table, and no chain without its table."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.commands import Command, checked
from kubectl_svcnet.node.netfilter import (
    MANY_CHAINS,
    MOST_FILTERED,
    WHOLE_TABLES,
    Wanted,
    first_rules,
)

WANTED = Wanted(
    family=Family.IPV4,
    chains=frozenset(("KUBE-SVC-J5FHDC7QFLM3E3EH", "KUBE-SEP-ZW3CBH63ZVHTZH7Y")),
    destinations=frozenset({ip_address("10.96.78.5")}),
)


def test_commands_of_the_first_round() -> None:
    commands = first_rules(WANTED)
    names = [c.name for c in commands]
    assert names.count("iptables-nft-chain-filtered") == 2
    assert "iptables-legacy-save-all-filtered" in names
    assert all(name.startswith("iptables-") for name in names)
    for command in commands:
        checked(command)


def test_many_chains_are_one_filtered_dump() -> None:
    many = replace(WANTED, chains=frozenset(f"KUBE-SEP-{n:016}" for n in range(MANY_CHAINS + 1)))
    names = [c.name for c in first_rules(many)]
    assert "iptables-nft-save-filtered" in names
    assert not [c for c in first_rules(many) if c.arguments[:1] == ("nat",) and "chain" in c.name]


def test_very_many_chains_are_the_dump_of_each_backend() -> None:
    names = frozenset(f"KUBE-SEP-{n:016}" for n in range(MOST_FILTERED + 1))
    assert [c.name for c in first_rules(replace(WANTED, chains=names))] == [
        "iptables-legacy-save-all",
        "iptables-nft-save-all",
        "iptables-save-all",
    ]


def test_without_addresses_the_dispatch_chain_is_read_whole() -> None:
    for wanted in (replace(WANTED, destinations=frozenset()), replace(WANTED, everything=True)):
        assert Command("iptables-nft-chain", ("nat", "KUBE-SERVICES")) in first_rules(wanted)


def test_every_other_table_is_read_whole() -> None:
    commands = first_rules(WANTED)
    for table in WHOLE_TABLES:
        assert Command("iptables-nft-table", (table,)) in commands
