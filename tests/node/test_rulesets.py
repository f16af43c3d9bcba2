"""Rules out of answers: single listings, filtered listings and dumps of one real cluster agree."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.node.netfilter import (
    LISTING,
    TABLES,
    WHOLE_TABLES,
    Wanted,
    first_rules,
)
from kubectl_svcnet.node.proc import LEGACY_TABLES
from kubectl_svcnet.node.rulesets import read_rules, read_sets
from tests.samples import capture

LAB = Path(__file__).parents[1] / "fixtures" / "lab"
VIP = ip_address("10.96.78.5")
SVC = "KUBE-SVC-J5FHDC7QFLM3E3EH"
WANTED = Wanted(
    family=Family.IPV4,
    chains=frozenset(
        (SVC, "KUBE-SEP-ZW3CBH63ZVHTZH7Y", "KUBE-SEP-5BKS7SB3MRCZZH2A", "KUBE-SEP-VNBBEHA7I74KR64Y")
    ),
    destinations=frozenset({VIP}),
)


def answers(bundle: str, node: str) -> dict[Command, Capture]:
    _, stored = read_bundle(LAB / bundle)
    found = [s.capture() for s in stored if getattr(s.head.request, "node", "") == node]
    return {c.command: c for c in found if c.command is not None}


def backend_of(node: str) -> Backend:
    return Backend.LEGACY if node == "n2" else Backend.NFT


def rules_of(ruleset: Ruleset, table: str, chain: str) -> dict[int, str]:
    found = ruleset.chain(table, chain)
    assert found is not None, chain
    return {rule.number: rule.raw for rule in found.rules}


@pytest.mark.parametrize("node", ["n1", "n2", "n3"])
def test_little_says_the_same_as_the_dump(node: str) -> None:
    """Same rules under the same numbers; only dispatch rules of other addresses are missing."""
    little, gaps = read_rules(answers("db-service.tar.gz", node), WANTED)
    dump, _ = read_rules(answers("healthy.tar.gz", node), WANTED)
    assert gaps == ()
    key = (Family.IPV4, backend_of(node))
    few, all_ = little[key], dump[key]
    for chain in (SVC, *WANTED.chains, "PREROUTING", "OUTPUT", "POSTROUTING", "KUBE-POSTROUTING"):
        assert rules_of(few, "nat", chain) == rules_of(all_, "nat", chain)
    some, every = (rules_of(each, "nat", "KUBE-SERVICES") for each in (few, all_))
    assert some.items() <= every.items()
    missing = [every[number] for number in every.keys() - some.keys()]
    assert missing
    assert not [raw for raw in missing if f"-d {VIP}/32" in raw or " -d " not in raw]
    services = few.chain("nat", "KUBE-SERVICES")
    assert services is not None
    assert services.covers == frozenset({VIP})
    for table in ("filter", "mangle"):
        assert few.tables[table].complete
        for name in all_.tables[table].chains:
            assert rules_of(few, table, name) == rules_of(all_, table, name)


@pytest.mark.parametrize("node", ["n1", "n2", "n3"])
def test_both_backends_are_known(node: str) -> None:
    found, _ = read_rules(answers("db-service.tar.gz", node), WANTED)
    assert set(found) == {(Family.IPV4, Backend.NFT), (Family.IPV4, Backend.LEGACY)}
    for ruleset in found.values():
        assert ruleset.complete or set(ruleset.tables) == set(TABLES)


def test_nothing_read_is_nothing_known() -> None:
    found, gaps = read_rules({}, WANTED)
    assert not [each for each in found.values() if each.complete or each.tables]
    assert gaps == ()


def test_no_module_no_rules() -> None:
    """The kernel has no nf_tables: its ruleset is whole, and empty."""
    found, _ = read_rules({LISTING: capture(LISTING, failure=Reason.NOT_PRESENT)}, WANTED)
    ruleset = found[Family.IPV4, Backend.NFT]
    assert ruleset.complete
    assert not ruleset.tables


SECURITY = Command("iptables-nft-table", ("security",))


def test_a_table_that_the_kernel_does_not_have() -> None:
    """It was not asked for, since nft lists no such table: it is whole, and empty."""
    withheld = {SECURITY: capture(SECURITY, failure=Reason.NOT_PRESENT)}
    listed = {LISTING: capture(LISTING, "1:table ip nat {\n")}
    found, _ = read_rules({**listed, **withheld}, WANTED)
    table = found[Family.IPV4, Backend.NFT].tables["security"]
    assert table.complete
    assert not table.chains
    for why in (Reason.NO_TOOL, Reason.TIMEOUT):
        unlisted = {LISTING: capture(LISTING, failure=why)}
        found, _ = read_rules({**unlisted, **withheld}, WANTED)
        assert not found[Family.IPV4, Backend.NFT].tables


def test_images_without_nft() -> None:
    """One filtered dump of all tables, which are whole but for other Services' chains."""
    command = Command("iptables-nft-save-all-filtered", ("^-A X ",))
    lines = ["*filter", ":INPUT ACCEPT [0:0]", "COMMIT", "*nat", ":PREROUTING ACCEPT [0:0]"]
    text = "".join(f"{n}:{line}\n" for n, line in enumerate([*lines, "COMMIT"], 1))
    found, _ = read_rules({command: capture(command, text)}, WANTED)
    ruleset = found[Family.IPV4, Backend.NFT]
    assert ruleset.complete
    assert ruleset.tables["filter"].complete
    assert not ruleset.tables["nat"].complete


@pytest.mark.parametrize(
    ("first", "number"),
    [
        ("4:*nat\n7:-A KUBE-SERVICES -d 10.96.0.9/32 -j ACCEPT\n", 3),  # of whoever made it
        ("4:*nat\n99:*raw\n", 1),  # the chain has no rule: the first line seen
        ("", 1),
    ],
)
def test_numbers_count_from_the_chain_s_first_rule(first: str, number: int) -> None:
    save = Command("iptables-legacy-save-all-filtered", ("^x",))
    rule = Command("iptables-legacy-first-rule", ("nat", "KUBE-SERVICES"))
    text = "4:*nat\n5::KUBE-SERVICES - [0:0]\n9:-A KUBE-SERVICES -j KUBE-NODEPORTS\n10:COMMIT\n"
    found, _ = read_rules({save: capture(save, text), rule: capture(rule, first)}, WANTED)
    chain = found[Family.IPV4, Backend.LEGACY].chain("nat", "KUBE-SERVICES")
    assert chain is not None
    assert [rule.number for rule in chain.rules] == [number]


@pytest.mark.parametrize("failure", [Reason.NO_TOOL, Reason.TIMEOUT, Reason.TOO_LARGE])
def test_a_listing_that_failed_is_not_empty(failure: Reason) -> None:
    some = {LISTING: capture(LISTING)}
    for command in first_rules(WANTED):
        if command.name == "iptables-nft-table":
            some[command] = capture(command, "-P INPUT ACCEPT\n")
    for name in WHOLE_TABLES:
        table = Command("iptables-nft-table", (name,))
        found, _ = read_rules({**some, table: capture(table, failure=failure)}, WANTED)
        ruleset = found[Family.IPV4, Backend.NFT]
        assert not ruleset.complete
        assert set(ruleset.tables) == set(WHOLE_TABLES) - {name}


def test_one_backend_images() -> None:
    """iptables 1.6 knows one backend, the legacy one, and has no -legacy name."""
    save = Command("iptables-save-all")
    found, _ = read_rules({save: capture(save, "*nat\n:PREROUTING ACCEPT\nCOMMIT\n")}, WANTED)
    assert found[Family.IPV4, Backend.LEGACY].complete
    assert not found[Family.IPV4, Backend.NFT].complete


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (capture(LEGACY_TABLES[Family.IPV4], ""), True),
        (capture(LEGACY_TABLES[Family.IPV4], "nat\n"), False),
        # no such file: the module is not loaded
        (capture(LEGACY_TABLES[Family.IPV4], "", exit_code=1), True),
        (capture(LEGACY_TABLES[Family.IPV4], "", exit_code=None, failure=Reason.TIMEOUT), False),
    ],
)
def test_without_iptables_legacy_the_kernel_says_whether_it_has_tables(
    names: Capture, known: bool
) -> None:
    assert names.command is not None
    found, _ = read_rules({names.command: names}, WANTED)
    assert ((Family.IPV4, Backend.LEGACY) in found) is known


def test_a_later_listing_of_a_chain_wins() -> None:
    once = answers("db-service.tar.gz", "n1")
    command = Command("iptables-nft-chain", ("nat", SVC))
    fresh = {**once, command: capture(command, f"-N {SVC}\n-A {SVC} -j KUBE-MARK-MASQ\n")}
    found, _ = read_rules(fresh, WANTED)
    assert rules_of(found[Family.IPV4, Backend.NFT], "nat", SVC) == {
        1: f"-A {SVC} -j KUBE-MARK-MASQ"
    }


def test_the_dump_wins_over_all() -> None:
    once = answers("db-service.tar.gz", "n1")
    dump = Command("iptables-nft-save-all")
    text = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"
    found, _ = read_rules({**once, dump: capture(dump, text)}, WANTED)
    ruleset = found[Family.IPV4, Backend.NFT]
    assert list(ruleset.tables) == ["nat"]
    assert ruleset.complete


def test_a_legacy_save_that_broke_off_is_not_whole() -> None:
    some = answers("db-service.tar.gz", "n2")
    (command,) = [c for c in some if c.name == "iptables-legacy-save-all-filtered"]
    whole = some[command]
    cut = replace(whole, data=whole.data[: len(whole.data) * 2 // 3])
    found, _ = read_rules({**some, command: cut}, WANTED)
    assert not found[Family.IPV4, Backend.LEGACY].complete


def test_sets_are_read_whole_or_not_at_all() -> None:
    save = Command("ipset-save")
    assert read_sets({}) == (None, ())
    found, gaps = read_sets({save: capture(save, "create a hash:ip family inet\nadd a 10.0.0.1\n")})
    assert (list(found or ()), gaps) == (["a"], ())
    found, gaps = read_sets({save: capture(save, "ipset: no such thing\n")})
    assert found is None
    assert [gap.what for gap in gaps] == ["ipset save"]
