"""Jumps, gotos, returns and policies, and what never ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.model.fate import FOR_EVER, Fate, FateKind

from .conftest import make_packet, make_view

Ask = Callable[..., tuple[Fate, ...]]


def forward(*rules: str, policy: str = "ACCEPT") -> str:
    lines = [f":FORWARD {policy} [0:0]", *(f"-A {rule}" for rule in rules)]
    return "\n".join(["*filter", *lines, "COMMIT", ""])


ROWS = [
    ("the policy", forward(), "pass"),
    ("the other policy", forward(policy="DROP"), "drop"),
    ("accept ends the base chain", forward("FORWARD -j ACCEPT", "FORWARD -j DROP"), "pass"),
    ("return from a base chain is its policy", forward("FORWARD -j RETURN", policy="DROP"), "drop"),
    (
        "a jump comes back",
        forward("FORWARD -j A", "FORWARD -j DROP", "A -p udp -j ACCEPT"),
        "drop",
    ),
    (
        "a return too",
        forward("FORWARD -j A", "FORWARD -j DROP", "A -j RETURN", "A -j ACCEPT"),
        "drop",
    ),
    (
        "a goto does not: the policy",
        forward("FORWARD -g A", "FORWARD -j DROP", "A -p udp -j ACCEPT"),
        "pass",
    ),
    (
        "a goto inside a jump comes back to the jump's chain",
        forward("FORWARD -j A", "FORWARD -j DROP", "A -g B", "A -j ACCEPT", "B -j RETURN"),
        "drop",
    ),
    ("a rule without a target does nothing", forward("FORWARD", "FORWARD -p tcp"), "pass"),
    ("a log does nothing", forward("FORWARD -j LOG", "FORWARD -j TRACE"), "pass"),
    ("drop", forward("FORWARD -p tcp -j DROP"), "drop"),
    ("reject", forward("FORWARD -j REJECT --reject-with tcp-reset"), "reject"),
    ("a chain that is nowhere", forward("FORWARD -j NOWHERE"), "unknown"),
    ("a loop", forward("FORWARD -j A", "A -j A"), "unknown"),
    ("a loop of gotos", forward("FORWARD -g A", "A -g B", "B -g A"), "unknown"),
]


@pytest.mark.parametrize(("text", "kind"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_verdicts(ask: Ask, text: str, kind: str) -> None:
    assert [fate.kind.value for fate in ask(text, "8.8.8.8")] == [kind]


def test_marks(ask: Ask) -> None:
    for words, marked in (
        ("MARK --set-xmark 0x4000/0x4000", True),
        ("MARK --set-mark 0x8000", False),
        ("CONNMARK --set-xmark 0x4000/0x4000", False),
    ):
        text = forward(f"FORWARD -j {words}", "FORWARD -m mark --mark 0x4000/0x4000 -j DROP")
        kind = FateKind.DROP if marked else FateKind.PASS
        assert [fate.kind for fate in ask(text, "8.8.8.8")] == [kind]


def test_connection_marks_go_to_and_fro(ask: Ask) -> None:
    text = forward(
        "FORWARD -j MARK --set-mark 0xff",
        "FORWARD -j CONNMARK --save-mark --nfmask 0xf0 --ctmask 0xf0",
        "FORWARD -j MARK --set-mark 0x1",
        "FORWARD -j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xf0",
        "FORWARD -m mark --mark 0xf1 -j DROP",
    )
    assert ask(text, "8.8.8.8")[0].kind is FateKind.DROP


def test_a_thousand_levels(ask: Ask) -> None:
    deep = ["FORWARD -j C0", *(f"C{n} -j C{n + 1}" for n in range(1000)), "C1000 -j DROP"]
    (fate,) = ask(forward(*deep), "8.8.8.8")
    assert fate.kind is FateKind.DROP
    assert len(fate.rules) == 1002


@pytest.mark.timeout(60)
def test_exponential_chains_end_in_time(ask: Ask) -> None:
    wide = ["FORWARD -j C0", *(f"C{n} -j C{n + 1}" for n in range(60) for _ in range(2)), "C60"]
    (fate,) = ask(forward(*wide), "8.8.8.8")
    assert fate.kind is FateKind.UNKNOWN
    assert fate.because.endswith("the walk is too long")


def test_limits_branch_only_where_it_matters(ask: Ask) -> None:
    limit = "-m limit --limit 3/min"
    (fate,) = ask(forward(f"FORWARD {limit} -j LOG"), "8.8.8.8")
    assert fate.probability == 1
    both = ask(forward(f"FORWARD {limit} -j DROP"), "8.8.8.8")
    assert {(fate.kind.value, fate.probability) for fate in both} == {
        ("drop", None),
        ("pass", None),
    }
    (fate,) = ask(forward(f"FORWARD {limit} -j DROP", "FORWARD -j DROP"), "8.8.8.8")
    assert (fate.kind, fate.probability) == (FateKind.DROP, 1)


@pytest.mark.parametrize(
    "match",
    [
        "-m statistic --mode random --probability 0.5",
        "-m limit --limit 3/min",
        "-m recent --rcheck --name seen --mask 255.255.255.255 --rsource",
        "-m u32 --u32 0",
    ],
)
def test_what_changes_nothing_does_not_double_the_ways(ask: Ask, match: str) -> None:
    """A hundred endpoints whose chains were emptied; each rule would be taken by half."""
    many = ["A", *(f"FORWARD {match} -j {aim}" for aim in ("A", "MARK --or-mark 0x1") * 50)]
    fates = ask(forward(*many), "8.8.8.8")
    assert {fate.kind for fate in fates} <= {FateKind.PASS}
    assert sum(fate.probability or 0 for fate in fates) in (pytest.approx(1), 0)


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("--rcheck --seconds 300", [(300,)]), ("--rcheck", [(FOR_EVER,)]), ("! --rcheck", [])],
)
def test_how_long_a_rule_remembers(ask: Ask, words: str, seconds: list[tuple[int, ...]]) -> None:
    fates = ask(forward(f"FORWARD -m recent {words} -j DROP"), "8.8.8.8")
    told = [rule.remembers for fate in fates for rule in fate.rules if rule.remembers]
    assert told == seconds


def test_an_idle_jump_is_no_reason(ask: Ask) -> None:
    text = forward("FORWARD -j A", "FORWARD -j DROP", "A -p udp -j DROP")
    assert [str(rule) for rule in ask(text, "8.8.8.8")[0].rules] == ["filter/FORWARD:2"]


RULE = st.builds(
    "{} {} {}".format,
    st.sampled_from(["FORWARD", "A", "B", "C"]),
    st.sampled_from(
        [
            "",
            "-p tcp",
            "-p udp",
            "! -s 10.244.0.0/16",
            "-m mark --mark 0x1/0x1",
            "-m statistic --mode random --probability 0.5",
            "-m statistic --mode random --probability 0.25",
        ]
    ),
    st.sampled_from(
        (
            *("-j A", "-j B", "-g C", "-j C", "-j RETURN", "-j ACCEPT", "-j DROP", "-j REJECT"),
            *("", "-j MARK --or-mark 0x1"),
        )
    ),
)


def _leads_down(rule: str) -> bool:
    """Jumps go to later letters alone, so that no walk is too long."""
    chain, aim = rule.split()[0], rule.split()[-1]
    return aim not in ("A", "B", "C") or chain == "FORWARD" or chain < aim


@settings(max_examples=200, deadline=None)
@given(st.lists(RULE, max_size=14))
def test_shares_add_up_to_one(rules: list[str]) -> None:
    kept = [rule for rule in rules if _leads_down(rule)]
    text = forward("A", "B", "C", *kept)
    fates = simulate(make_view(text), make_packet("8.8.8.8"))
    assert sum(fate.probability or 0 for fate in fates) == pytest.approx(1)
    assert len({fate.kind for fate in fates}) == len(fates)


@settings(max_examples=200, deadline=None)
@given(st.lists(RULE, max_size=10), st.integers(0, 10))
def test_a_rule_that_nobody_understands_never_slips_through(rules: list[str], at: int) -> None:
    """With an unknown match before DROP the answer is what both readings of it have in common."""
    chain = [f"FORWARD {rule.split(' ', 1)[1]}" for rule in rules]
    chain = [rule for rule in chain if rule.split()[-1] not in ("A", "B", "C")]
    place = min(at, len(chain))
    kinds = {}
    for name, words in (("yes", ""), ("no", "-p udp"), ("asked", "-m u32 --u32 0")):
        text = forward(*chain[:place], f"FORWARD {words} -j DROP", *chain[place:])
        fates = simulate(make_view(text), make_packet("8.8.8.8"))
        kinds[name] = {(fate.kind, round(fate.probability or 0, 6)) for fate in fates}
    if kinds["yes"] == kinds["no"]:
        assert kinds["asked"] == kinds["yes"]
    else:
        assert FateKind.UNKNOWN in {kind for kind, _ in kinds["asked"]}


def test_many_sets_that_were_not_read_end_a_walk_early(ask: Ask) -> None:
    """Each would double its ways: these would take a million."""
    lines = "\n".join(
        f"-A PREROUTING -m set --match-set S{n} dst -j MARK --set-xmark {1 << n}/{1 << n}"
        for n in range(20)
    )
    (fate,) = ask(f"*mangle\n:PREROUTING ACCEPT\n{lines}\nCOMMIT\n", view={"sets": None})
    assert fate.kind is FateKind.UNREAD
    assert {name.chain for name in fate.unread} >= {"S0", "S4"}
