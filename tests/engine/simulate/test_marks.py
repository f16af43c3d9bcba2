"""Marks of packets and connections, bit by bit (xt_mark.c, xt_connmark.c)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubectl_svcnet.model.fate import Fate, FateKind

Ask = Callable[..., tuple[Fate, ...]]

#: Rules of mangle PREROUTING, the mark that comes in, and the two marks after them.
ROWS = [
    ("-j MARK --set-xmark 0x1/0xf", 0xF2, 0xF1, 0),
    ("-j MARK --set-mark 0x1/0x3", 0xF2, 0xF1, 0),
    ("-j MARK --set-mark 0x1", 0xF2, 0x1, 0),
    ("-j MARK --or-mark 0x1", 0xF2, 0xF3, 0),
    ("-j MARK --and-mark 0xf0", 0xF2, 0xF0, 0),
    ("-j MARK --xor-mark 0x3", 0xF2, 0xF1, 0),
    ("-j MARK --set-xmark 0x3/0x1", 0xF2, 0xF1, 0),  # the value's other bits are turned
    ("-j CONNMARK --set-xmark 0x70/0xff", 0, 0, 0x70),
    ("-j CONNMARK --set-mark 0xff|-j CONNMARK --set-xmark 0x1/0xf", 0, 0, 0xF1),
    ("-j CONNMARK --set-mark 0xff|-j CONNMARK --xor-mark 0x1", 0, 0, 0xFE),
    ("-j CONNMARK --save-mark", 0xF2, 0xF2, 0xF2),
    ("-j CONNMARK --save-mark --nfmask 0x2 --ctmask 0xff", 0xF2, 0xF2, 0x2),
    (
        "-j CONNMARK --set-mark 0xf0|-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf",
        0x5,
        0x5,
        0xF5,
    ),
    ("-j CONNMARK --set-mark 0xf5|-j CONNMARK --restore-mark", 0x0, 0xF5, 0xF5),
    (
        "-j CONNMARK --set-mark 0xf5|-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf",
        0xA0,
        0xA5,
        0xF5,
    ),
    (
        "-j CONNMARK --set-mark 0xf5|-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf0",
        0x0A,
        0xF0,
        0xF5,
    ),
]


@pytest.mark.parametrize(("rules", "mark", "packet", "connection"), ROWS, ids=[r[0] for r in ROWS])
def test_marks(ask: Ask, rules: str, mark: int, packet: int, connection: int) -> None:
    lines = [f"-A PREROUTING {rule}" for rule in rules.split("|")]
    lines.append(
        f"-A FORWARD -m mark --mark {packet:#x} -m connmark --mark {connection:#x} -j DROP"
    )
    text = "\n".join(["*mangle", *lines, "COMMIT", ""])
    assert [fate.kind for fate in ask(text, "8.8.8.8", mark=mark)] == [FateKind.DROP]


def test_raw_has_no_connection_to_mark(ask: Ask) -> None:
    text = (
        "*raw\n-A PREROUTING -j CONNMARK --set-mark 0x1\n-A PREROUTING -j CONNMARK --restore-mark\n"
        "COMMIT\n*mangle\n-A FORWARD -m connmark --mark 0 -m mark --mark 0x7 -j DROP\nCOMMIT\n"
    )
    assert ask(text, "8.8.8.8", mark=7)[0].kind is FateKind.DROP
