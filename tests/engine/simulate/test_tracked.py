"""Connections, as rules in raw and behind it see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubectl_svcnet.model.fate import Fate

Ask = Callable[..., tuple[Fate, ...]]

#: Table and chain, a match, and whether a packet to 8.8.8.8 has it.
ROWS = [
    ("raw/PREROUTING", "-m conntrack --ctproto 6", False),
    ("raw/PREROUTING", "-m conntrack ! --ctproto 17", False),
    ("raw/PREROUTING", "-m conntrack --ctstate INVALID --ctproto 17", True),
    ("raw/PREROUTING", "-m conntrack --ctstate INVALID ! --ctorigdst 8.8.8.8", True),
    ("mangle/PREROUTING", "-m conntrack --ctproto 6", True),
    ("mangle/PREROUTING", "-m conntrack --ctstate INVALID --ctproto 6", False),
    ("mangle/FORWARD", "-m conntrack --ctorigdst 8.8.8.8 --ctorigdstport 80", True),
    ("mangle/FORWARD", "-m conntrack ! --ctorigdst 8.8.8.8", False),
    ("mangle/FORWARD", "-m conntrack --ctreplsrc 8.8.8.8 --ctreplsrcport 80", True),
    ("mangle/FORWARD", "-m conntrack --ctdir ORIGINAL", True),
    ("mangle/FORWARD", "-m conntrack --ctdir REPLY", False),
    ("mangle/POSTROUTING", "-m conntrack --ctstatus CONFIRMED", False),
    ("mangle/POSTROUTING", "-m conntrack ! --ctstatus CONFIRMED", True),
]


@pytest.mark.parametrize(("where", "words", "matches"), ROWS, ids=[row[1] for row in ROWS])
def test_connections(ask: Ask, where: str, words: str, matches: bool) -> None:
    table, _, chain = where.partition("/")
    (fate,) = ask(f"*{table}\n-A {chain} {words} -j DROP\nCOMMIT\n", "8.8.8.8")
    assert fate.kind.value == ("drop" if matches else "pass")


def test_answers_come_from_the_new_destination(ask: Ask) -> None:
    text = (
        "*nat\n-A PREROUTING -j DNAT --to-destination 10.244.1.2:8080\nCOMMIT\n*filter\n"
        "-A FORWARD -m conntrack --ctreplsrc 10.244.1.2 --ctreplsrcport 8080"
        " --ctorigdst 10.96.0.10 --ctorigdstport 80 -j DROP\nCOMMIT\n"
    )
    assert [fate.kind.value for fate in ask(text)] == ["drop"]


@pytest.mark.parametrize("words", ["--zone 3", "--helper ftp"])
def test_a_template_is_a_new_connection(ask: Ask, words: str) -> None:
    text = (
        f"*raw\n-A PREROUTING -p tcp -j CT {words}\n"
        "-A PREROUTING -m conntrack --ctstate {} -j DROP\nCOMMIT\n"
    )
    assert ask(text.format("NEW"), "8.8.8.8")[0].kind.value == "drop"
    assert ask(text.format("INVALID"), "8.8.8.8")[0].kind.value == "pass"
    late = text.format("NEW").replace("-m conntrack --ctstate NEW -j DROP", "-j CT --notrack")
    late += "*nat\n-A PREROUTING -j DNAT --to-destination 10.244.1.2\nCOMMIT\n"
    assert ask(late, "8.8.8.8")[0].kind.value == "endpoint"


@pytest.mark.parametrize(
    ("words", "matches"),
    [
        ("--ctproto 6", False),
        ("! --ctproto 6", True),
        ("--ctorigdstport 80", False),
        ("! --ctorigdstport 80", True),
        ("--ctorigdst 8.8.8.8", False),
        ("! --ctorigdst 8.8.8.8", True),
    ],
)
def test_the_words_of_a_template_are_zeros(ask: Ask, words: str, matches: bool) -> None:
    text = (
        f"*raw\n-A PREROUTING -j CT --zone 3\n-A PREROUTING -m conntrack {words} -j DROP\nCOMMIT\n"
    )
    (fate,) = ask(text, "8.8.8.8")
    assert fate.kind.value == ("drop" if matches else "pass")
