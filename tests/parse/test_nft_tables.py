"""Names of nft tables, and the hooks that one registers."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.nft_tables import is_iptables, parse_table, parse_tables

FIXTURE = Path(__file__).parent.parent / "fixtures" / "iptables" / "kube-proxy--firewalld"
TABLE = """\
table inet guard {
\tset hosts {
\t\ttype ipv4_addr
\t\tcomment "type filter hook input priority 0"
\t}

\tchain early {
\t\ttype filter hook prerouting priority raw; policy accept;
\t\tip daddr @hosts drop
\t}

\tchain out {
\t\ttype route hook output priority mangle; policy accept;
\t}
}
"""


def test_names() -> None:
    names = parse_tables((FIXTURE / "nft-tables.txt").read_text(encoding="utf-8"))
    assert ("inet", "firewalld") in names
    assert [name for name in names if not is_iptables(*name)] == [("inet", "firewalld")]
    assert parse_tables("") == ()


def test_hooks() -> None:
    table = parse_table(TABLE)
    assert (table.family, table.name) == ("inet", "guard")
    assert table.hooks == {"prerouting", "output"}
    assert table.raw == TABLE
    assert parse_table("table ip nothing {\n}\n").hooks == frozenset()


def test_the_hooks_of_firewalld() -> None:
    text = (FIXTURE / "nft-ruleset.txt").read_text(encoding="utf-8")
    table = parse_table(text[text.index("table inet firewalld") :])
    assert {"prerouting", "input", "forward", "output", "postrouting"} >= table.hooks >= {"input"}


@pytest.mark.parametrize("text", ["", "Error: No such file", TABLE[:-2], TABLE[20:]])
def test_a_table_that_broke_off_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_table(text)


def test_a_line_that_is_no_name_is_an_error() -> None:
    with pytest.raises(ParseError):
        parse_tables("table ip nat\nbash: nft: not found\n")
