"""A refusal is one only if its answer reaches the sender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.model.packet import Hook

Ask = Callable[..., tuple[Fate, ...]]
NODE: dict[str, Any] = {"hook": Hook.OUTPUT}

ROWS = [
    ("nothing in its way", {}, (), "reject"),
    ("OUTPUT drops what it does not know", {}, ("OUTPUT -p icmp -j DROP",), "drop"),
    ("it is RELATED", {}, ("OUTPUT -m conntrack ! --ctstate RELATED -j DROP",), "reject"),
    ("it has no mark", {}, ("OUTPUT -m mark --mark 0x1 -j DROP",), "reject"),
    ("a process hears through lo", NODE, ("INPUT -i lo -j DROP",), "drop"),
    ("a pod does not", {}, ("INPUT -j DROP",), "reject"),
    ("echo requests are something else", {}, ("OUTPUT -p icmp --icmp-type 8 -j DROP",), "reject"),
    ("what is not understood", {}, ("OUTPUT -p icmp -m u32 --u32 0 -j DROP",), "unknown"),
    (
        "what is not understood and not ICMP",
        {},
        ("OUTPUT -p udp -m u32 --u32 0 -j DROP",),
        "reject",
    ),
]


@pytest.mark.parametrize(
    ("fields", "rules", "kind"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_answers(ask: Ask, fields: dict[str, Any], rules: tuple[str, ...], kind: str) -> None:
    lines = [
        "*mangle",
        "-A PREROUTING -j MARK --set-mark 0x1",
        "COMMIT",
        "*filter",
        *(f"-A {rule}" for rule in rules),
        "-A FORWARD -j REJECT --reject-with icmp-port-unreachable",
        "-A OUTPUT -p tcp -j REJECT --reject-with icmp-port-unreachable",
        "COMMIT",
        "",
    ]
    (fate,) = ask("\n".join(lines), "8.8.8.8", **fields)
    assert fate.kind.value == kind


def test_a_reset_is_no_icmp(ask: Ask) -> None:
    text = (
        "*filter\n-A OUTPUT -p {} -j DROP\n-A FORWARD -j REJECT --reject-with tcp-reset\nCOMMIT\n"
    )
    assert ask(text.format("icmp"), "8.8.8.8")[0].kind is FateKind.REJECT
    assert ask(text.format("tcp"), "8.8.8.8")[0].kind is FateKind.DROP


def test_the_reason_names_both_rules(ask: Ask) -> None:
    text = "*filter\n-A OUTPUT -p icmp -j DROP\n-A FORWARD -j REJECT\nCOMMIT\n"
    (fate,) = ask(text, "8.8.8.8")
    assert fate.because == "filter/FORWARD:1, whose answer is dropped: filter/OUTPUT:1"


def test_an_answer_over_lo_goes_to_the_first_source(ask: Ask) -> None:
    """127.0.0.1 to a node port, masqueraded, refused in INPUT: the answer is for 127.0.0.1."""
    text = (
        "*nat\n-A OUTPUT -p tcp -j DNAT --to-destination 192.168.0.1:8080\n"
        "-A POSTROUTING -j MASQUERADE\nCOMMIT\n"
        "*filter\n-A INPUT -d 192.168.0.1/32 -j REJECT\n{}COMMIT\n"
    )
    assert ask(text.format(""), "127.0.0.1", **NODE)[0].kind is FateKind.REJECT
    drop = "-A OUTPUT -d 127.0.0.1/32 -p icmp -j DROP\n"
    assert ask(text.format(drop), "127.0.0.1", **NODE)[0].kind is FateKind.DROP
    (fate,) = ask(text.format(""), "127.0.0.1", view={"addresses": None}, **NODE)
    assert fate.kind is FateKind.UNKNOWN


def test_what_was_not_tracked_is_answered_by_what_is_invalid(ask: Ask) -> None:
    text = (
        "*raw\n{}COMMIT\n*filter\n-A FORWARD -j REJECT\n"
        "-A OUTPUT -p icmp -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
    )
    untracked = "-A PREROUTING -j CT --notrack\n"
    assert ask(text.format(untracked), "8.8.8.8")[0].kind is FateKind.DROP
    assert ask(text.format(""), "8.8.8.8")[0].kind is FateKind.REJECT


DNAT = "-j DNAT --to-destination 192.168.0.1:8080"


@pytest.mark.parametrize(
    ("chain", "source", "kind"),
    [
        ("filter/OUTPUT", "192.168.0.1", FateKind.DROP),
        ("filter/OUTPUT", "10.96.0.10", FateKind.REJECT),
        ("mangle/POSTROUTING", "192.168.0.1", FateKind.UNKNOWN),
        ("mangle/INPUT", "192.168.0.1", FateKind.REJECT),
        ("mangle/INPUT", "10.96.0.10", FateKind.DROP),
    ],
)
def test_an_answer_after_dnat_is_translated_back(
    ask: Ask, chain: str, source: str, kind: FateKind
) -> None:
    """In POSTROUTING, to the address that was dialled; over lo it comes back with that."""
    table, _, hook = chain.partition("/")
    text = (
        f"*nat\n-A OUTPUT -p tcp {DNAT}\nCOMMIT\n*filter\n-A INPUT -p tcp -j REJECT\nCOMMIT\n"
        f"*{table}\n-A {hook} -p icmp -s {source}/32 -j DROP\nCOMMIT\n"
    )
    if table == "filter":
        text = text.replace("COMMIT\n*filter\n-A OUTPUT", "-A OUTPUT")
    (fate,) = ask(text, hook=Hook.OUTPUT)
    assert fate.kind is kind


def test_a_reset_comes_from_where_the_packet_went(ask: Ask) -> None:
    text = (
        "*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\n"
        "-A OUTPUT -s 8.8.8.8/32 -j DROP\nCOMMIT\n"
    )
    assert ask(text, "8.8.8.8")[0].kind is FateKind.DROP
    assert ask(text, "8.8.4.4")[0].kind is FateKind.REJECT
