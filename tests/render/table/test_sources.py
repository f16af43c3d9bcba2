from __future__ import annotations

from ipaddress import ip_address

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, Fate, FateKind, RuleRef, Step
from kubectl_svcnet.render.table.sources import source_in_words

JUMP = "jump KUBE-MARK-MASQ"


def step(hook: str, chain: str, words: str, action: str) -> Step:
    where = ChainId(Family.IPV4, Backend.NFT, "nat", chain)
    return Step(hook, RuleRef(where, 1, f"-A {chain} {words}"), action)


MARK = step("PREROUTING", "KUBE-MARK-MASQ", "-j MARK", "mark 0x4000")
UNMARK = step("POSTROUTING", "KUBE-POSTROUTING", "-j MARK", "mark 0x0")
FROM = step("POSTROUTING", "KUBE-POSTROUTING", "-j MASQUERADE", "from 10.0.0.1")


def fate(masquerade: bool | None, *steps: Step, kind: FateKind = FateKind.ENDPOINT) -> Fate:
    return Fate(kind=kind, masquerade=masquerade, source=ip_address("10.0.0.1"), steps=steps)


@pytest.mark.parametrize(
    ("chain", "words", "why"),
    [
        ("KUBE-SEP-A", "-s 10.244.1.2/32", " (an endpoint calls itself)"),
        ("KUBE-EXT-A", "", " (it came from outside the cluster)"),
        ("KUBE-SVC-A", "! -s 10.244.0.0/16 -d 10.96.0.1/32", " (it is not from 10.244.0.0/16)"),
        ("OTHER", "", ""),
    ],
)
def test_who_asked_for_it(chain: str, words: str, why: str) -> None:
    asked = step("PREROUTING", chain, words, JUMP)
    assert source_in_words(fate(True, asked, MARK, UNMARK, FROM)) == (
        "its source is translated to 10.0.0.1 by nat/KUBE-POSTROUTING:1: "
        f"nat/{chain}:1 marked it for that{why}"
    )


def test_translated_without_a_mark() -> None:
    assert source_in_words(fate(True, FROM)) == (
        "its source is translated to 10.0.0.1 by nat/KUBE-POSTROUTING:1"
    )


def test_a_rule_that_marks_by_itself_is_named() -> None:
    own = step("PREROUTING", "MINE", "-j MARK", "mark 0x4000")
    assert "nat/MINE:1 marked it" in source_in_words(fate(True, own, FROM))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (fate(None), "its source may be translated"),
        (fate(False), "its source is kept"),
        (fate(False, UNMARK), "its source is kept: no rule marked it for masquerading"),
        (
            fate(False, MARK),
            "its source is kept, although nat/KUBE-MARK-MASQ:1 marked it: no rule translated it",
        ),
        (
            fate(False, MARK, Step("ROUTING", None, "to this node")),
            "its source is kept: it does not leave this node",
        ),
        (
            fate(False, MARK, FROM),
            "its source stays 10.0.0.1: nat/KUBE-POSTROUTING:1 translates it to what it is",
        ),
        (fate(False, kind=FateKind.DROP), ""),
        (fate(None, kind=FateKind.UNREAD), ""),
    ],
)
def test_words(found: Fate, words: str) -> None:
    assert source_in_words(found) == words
