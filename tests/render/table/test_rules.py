from __future__ import annotations

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, RuleRef
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.rules import rule_lines, words_of


def ref(raw: str, backend: Backend = Backend.NFT) -> RuleRef:
    return RuleRef(ChainId(Family.IPV4, backend, "nat", "C"), 2, raw)


@pytest.mark.parametrize(
    ("raw", "words", "comment"),
    [
        ("-A C -j X", "-j X", ""),
        ('-A C -d 1.2.3.4/32 -m comment --comment "a b" -j X', "-d 1.2.3.4/32 -j X", "a b"),
        ("-A C -m comment --comment word -j X", "-j X", "word"),
        ('-A C -m comment --comment "a \\" -j DROP" -j X', "-j X", 'a \\" -j DROP'),
        ("-A C", "", ""),
        ("nothing known", "nothing known", ""),
    ],
)
def test_words(raw: str, words: str, comment: str) -> None:
    assert words_of(ref(raw)) == (words, comment)


@pytest.mark.parametrize(
    ("words", "actions", "shown"),
    [
        ("-j X", ["chance 50.0%", "jump X"], "-j X"),
        ("-j RETURN", ["return"], "-j RETURN"),
        ("-j MARK --set-xmark 0x1/0x1", ["mark 0x1"], "-j MARK --set-xmark 0x1/0x1 (mark 0x1)"),
        ("-j DNAT --to-destination 1.2.3.4:5", ["to 1.2.3.4 port 5"], None),
        ("-j DNAT --to-destination [fd00::1]:5", ["to fd00::1 port 5"], None),
        ("-j REDIRECT", ["to 1.2.3.4 port 5"], "-j REDIRECT (to 1.2.3.4 port 5)"),
        ("-m recent -j X", ["if it is known", "jump X"], "-m recent -j X (if it is known)"),
    ],
)
def test_only_what_the_rule_does_not_say_is_told(
    words: str, actions: list[str], shown: str | None
) -> None:
    lines = rule_lines(ref(f"-A C {words}"), actions, Style(), first="  ", rest="    ")
    assert lines == [f"  nat/C:2  {shown or words}"]


def test_breaks_stand_between_options() -> None:
    raw = "-A C ! -s 10.244.0.0/16 -d 10.96.0.1/32 -p tcp -j KUBE-MARK-MASQ"
    lines = rule_lines(ref(raw), (), Style(width=40), first="", rest="  ")
    assert lines == [
        "nat/C:2  ! -s 10.244.0.0/16",
        "  -d 10.96.0.1/32 -p tcp",
        "  -j KUBE-MARK-MASQ",
    ]


def test_a_comment_only_where_it_fits() -> None:
    raw = '-A C -m comment --comment "of a/b" -j X'
    wide = rule_lines(ref(raw, Backend.LEGACY), (), Style(), first="", rest="  ")
    assert wide == ["legacy:nat/C:2  -j X  /* of a/b */"]
    assert rule_lines(ref(raw), (), Style(width=20), first="", rest="  ") == ["nat/C:2  -j X"]
    dimmed = rule_lines(ref(raw), (), Style(colour=True), first="", rest="  ")
    assert dimmed == ["nat/C:2  -j X  \x1b[2m/* of a/b */\x1b[0m"]
