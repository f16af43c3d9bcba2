from __future__ import annotations

import re
from dataclasses import replace

import pytest

from kubectl_svcnet.parse.nft_chains import ListedTable, parse_chain_listing

FULL = """\
table ip nat {
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
	}
	chain KUBE-SERVICES {
	}
}
table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
	}
}
table netdev x {
	chain ingress {
		type filter hook ingress device "eth0" priority -500; policy accept;
	}
}
table ip6 empty {
}
"""

TABLES = (
    ListedTable(family="ip", name="nat", base={"PREROUTING": ("nat", "prerouting", "dstnat")}),
    ListedTable(
        family="inet",
        name="firewalld",
        base={"filter_INPUT": ("filter", "input", "filter + 10")},
    ),
    ListedTable(family="netdev", name="x", base={"ingress": ("filter", "ingress", "-500")}),
    ListedTable(family="ip6", name="empty"),
)


def test_several_devices() -> None:
    line = '\t\ttype filter hook egress devices = { eth0, "eth1" } priority 0; policy accept;'
    (found,) = parse_chain_listing(f"table netdev x {{\n\tchain out {{\n{line}\n\t}}\n}}\n")
    assert found.base == {"out": ("filter", "egress", "0")}


def numbered(text: str, *, without: str = "\0") -> str:
    lines = enumerate(text.splitlines(), 1)
    return "".join(f"{n}:{line}\n" for n, line in lines if without not in line)


@pytest.mark.parametrize(
    "text", [FULL, numbered(FULL), numbered(FULL, without="}"), numbered(FULL, without="KUBE-")]
)
def test_whole_and_filtered(text: str) -> None:
    found = parse_chain_listing(text)
    assert tuple(replace(table, chains=()) for table in found) == TABLES
    for table in found:
        assert set(table.base) <= set(table.chains)
        named = re.findall(r"chain (\S+) \{", text)
        assert set(table.chains) <= set(named)
    assert {name for table in found for name in table.chains} == set(named)


def test_a_table_that_is_listed_twice_is_one() -> None:
    (table,) = parse_chain_listing(
        "table ip a {\n\tchain x {\n\t\ttype nat hook output priority -100; policy accept;\n"
        "table ip a {\n\tchain y {\n\t\ttype nat hook input priority 100; policy accept;\n"
    )
    assert set(table.base) == {"x", "y"}


@pytest.mark.parametrize("text", ["", "\n", "Error: no such table\n", "<html>\n"])
def test_nothing(text: str) -> None:
    assert parse_chain_listing(text) == ()


@pytest.mark.parametrize("end", range(0, len(FULL), 7))
def test_cut_anywhere_nothing_is_invented(end: int) -> None:
    whole = {(t.family, t.name): t.base for t in TABLES}
    for table in parse_chain_listing(FULL[:end])[:-1]:
        assert whole[table.family, table.name] == table.base


def chains(*handles: int | None, hooked: bool = True) -> str:
    text = "table ip kube-proxy {\n"
    for number, handle in enumerate(handles):
        mark = "" if handle is None else f" # handle {handle}"
        hook = "\t\ttype nat hook output priority -100; policy accept;\n" if hooked else ""
        text += f"\tchain c{number} {{{mark}\n{hook}\t}}\n"
    return text


@pytest.mark.parametrize(
    ("handles", "original"),
    [
        ((9, 10, 11, 12, 13, 14, 15, 16), True),  # kube-proxy 1.36: made, deleted, made again
        ((1, 2, 3), True),
        ((61, 62, 63), False),  # made anew when it started again
        ((1, 2, 40), False),
        ((None, 2, 3), False),
        ((), False),
    ],
)
def test_base_chains_as_old_as_their_table(handles: tuple[int | None, ...], original: bool) -> None:
    (table,) = parse_chain_listing(chains(*handles))
    assert table.original is original
    (regular,) = parse_chain_listing(chains(*handles, hooked=False))
    assert not regular.original
