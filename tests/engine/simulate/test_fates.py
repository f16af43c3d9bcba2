"""From branches to fates: nothing is lost on the way, nothing is said twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.ruleset import Chain

Ask = Callable[..., tuple[Fate, ...]]
HALF = "-m statistic --mode random --probability 0.5"


def filter_table(*rules: str) -> str:
    return "\n".join(["*filter", *(f"-A FORWARD {rule}" for rule in rules), "COMMIT", ""])


def test_the_same_fate_by_two_rules_is_one(ask: Ask) -> None:
    (fate,) = ask(filter_table(f"{HALF} -j DROP", "-p tcp -j DROP"), "8.8.8.8")
    assert (fate.kind, fate.probability) == (FateKind.DROP, 1)
    assert [str(rule) for rule in fate.rules] == ["filter/FORWARD:1"]


def test_what_both_answers_share_stays_known(ask: Ask) -> None:
    """Half is dropped whatever the unknown match says; only the other half depends on it."""
    fates = ask(filter_table(f"{HALF} -j DROP", "-m u32 --u32 0 -j REJECT"), "8.8.8.8")
    assert {(fate.kind.value, fate.probability) for fate in fates} == {
        ("drop", 0.5),
        ("unknown", 0.5),
    }


def test_two_unknown_rules_have_one_name_each(ask: Ask) -> None:
    rules = ("-m u32 --u32 0 -j DROP", "-m string --string x -j REJECT")
    (fate,) = ask(filter_table(*rules), "8.8.8.8")
    assert (fate.kind, fate.probability) == (FateKind.UNKNOWN, 1)
    assert fate.because == "filter/FORWARD:1: not understood: -m u32 --u32 0"


def test_doubts_behind_a_doubt_do_not_add_to_its_share(ask: Ask) -> None:
    behind = [
        f"-A ASIDE -m u32 --u32 {n} -j {target}" for n, target in enumerate(("DROP", "REJECT"), 1)
    ]
    first = [f"-A FORWARD {HALF} -j ACCEPT", "-A FORWARD -m u32 --u32 0 -j ASIDE"]
    lines = ["*filter", ":FORWARD ACCEPT [0:0]", ":ASIDE - [0:0]", *first, *behind, "COMMIT", ""]
    fates = ask("\n".join(lines), "8.8.8.8")
    assert {(fate.kind.value, fate.probability) for fate in fates} == {
        ("pass", 0.5),
        ("unknown", 0.5),
    }


def test_unknown_under_state_has_no_probability(ask: Ask) -> None:
    rules = ("-m limit --limit 1/s -j ACCEPT", "-m u32 --u32 0 -j DROP")
    fates = ask(filter_table(*rules), "8.8.8.8")
    assert {(fate.kind.value, fate.probability) for fate in fates} == {
        ("pass", None),
        ("unknown", None),
    }


def test_only_what_arrives_has_a_source(ask: Ask) -> None:
    fates = ask(filter_table(f"{HALF} -j DROP"), "8.8.8.8")
    assert {(fate.kind.value, fate.masquerade, str(fate.source)) for fate in fates} == {
        ("drop", None, "None"),
        ("pass", False, "10.244.1.9"),
    }


def test_unread_and_known_side_by_side(
    view: Callable[..., Any], packet: Callable[..., Any]
) -> None:
    node = view(filter_table(f"{HALF} -j DROP", "-j A"))
    nft = node.rulesets[Family.IPV4, Backend.NFT]
    partial = replace(nft.tables["filter"], complete=False)
    chains = dict(partial.chains) | {"INPUT": Chain(name="INPUT"), "OUTPUT": Chain(name="OUTPUT")}
    tables = {"filter": replace(partial, chains=chains)}
    rulesets = dict(node.rulesets) | {(Family.IPV4, Backend.NFT): replace(nft, tables=tables)}
    fates = simulate(replace(node, rulesets=rulesets), packet("8.8.8.8"))
    assert {(fate.kind.value, fate.probability) for fate in fates} == {
        ("drop", 0.5),
        ("unread", 0.5),
    }
    assert [str(one) for fate in fates for one in fate.unread] == ["filter/A"]
