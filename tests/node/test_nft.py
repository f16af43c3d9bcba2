"""Native nft tables of a node: which there are, what was read, and what to ask next."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.model import nft
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture, Reason
from kubectl_svcnet.model.commands import Command, checked
from kubectl_svcnet.model.fate import Backend, ChainId
from kubectl_svcnet.model.ruleset import Ruleset, Table
from kubectl_svcnet.node.netfilter import LISTING
from kubectl_svcnet.node.nft import (
    Native,
    further_tables,
    listed_tables,
    read_native,
    table_command,
    without_listed,
)
from tests.samples import capture

KUBE_PROXY = Path(__file__).parent.parent / "fixtures" / "nftables" / "kube-proxy-1.36.3"
V4 = table_command("ip", "kube-proxy")
V6 = table_command("ip6", "kube-proxy")


def numbered(text: str) -> str:
    return "".join(f"{n}:{line}\n" for n, line in enumerate(text.splitlines(), 1))


def read(text: str, *more: Capture, family: Family = Family.IPV4) -> Native:
    answers = {LISTING: capture(LISTING, numbered(text))}
    answers |= {one.command: one for one in more if one.command}
    found = read_native(answers, [family])
    assert found is not None
    return found


IPTABLES_ONLY = (
    "table ip nat {\n\tchain PREROUTING {\n"
    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (IPTABLES_ONLY, []),
        # a base chain of somebody else's inside iptables' own table
        (
            IPTABLES_ONLY
            + "\tchain mine {\n\t\ttype nat hook prerouting priority -200; policy accept;\n",
            [("ip", "nat", {"prerouting"})],
        ),
        (
            "table ip kube-proxy {\n\tchain nat-prerouting {\n"
            "\t\ttype nat hook prerouting priority dstnat; policy accept;\n",
            [("ip", "kube-proxy", {"prerouting"})],
        ),
        ("table inet firewalld {\n", [("inet", "firewalld", set())]),
        ("table ip6 kube-proxy {\n", []),  # not of this family
        ("table bridge x {\n", []),
    ],
)
def test_what_is_there_is_unread_at_first(
    text: str, found: list[tuple[str, str, set[str]]]
) -> None:
    native = read(text)
    assert native.foreign == ()
    seen = []
    for table in native.tables:
        assert not table.complete
        assert not any(chain.whole for chain in table.chains.values())
        bases = (chain.base for chain in table.chains.values())
        seen.append((table.family, table.name, {base.hook for base in bases if base}))
    assert seen == found


LISTED = (KUBE_PROXY / "nft-chains.txt").read_text()
TEXT = (KUBE_PROXY / "nft-ruleset.txt").read_text()
TABLE = TEXT[: TEXT.index("table ip6 ")]


def test_a_table_that_was_read() -> None:
    (table,) = read(LISTED, capture(V4, TABLE)).tables
    assert table.complete
    assert len(table.chains) == 41
    (table,) = read(LISTED, capture(V4, TABLE), family=Family.IPV6).tables
    assert (table.family, table.complete) == ("ip6", False)
    assert table.chains["nat-prerouting"].base == nft.Base("nat", "prerouting", -100)


@pytest.mark.parametrize(
    "answer",
    [
        capture(V4, TABLE + TABLE),
        capture(V4, "hello"),
        capture(V4, ""),
        capture(V4, exit_code=1),
        capture(V4, failure=Reason.TOO_LARGE),
    ],
)
def test_a_table_that_could_not_be_read(answer: Capture) -> None:
    native = read(LISTED, answer)
    assert native.tables == ()
    (foreign,) = native.foreign
    assert (foreign.family, foreign.name) == ("ip", "kube-proxy")
    assert foreign.hooks == {"prerouting", "input", "forward", "output", "postrouting"}
    (gap,) = native.gaps
    assert gap.what == "nft table ip kube-proxy"
    assert gap.why


def test_whether_they_were_looked_for() -> None:
    assert read_native({}, [Family.IPV4]) is None
    assert read_native({LISTING: capture(LISTING, failure=Reason.NO_TOOL)}, []) is None
    assert read_native({LISTING: capture(LISTING, exit_code=1)}, []) is None
    absent = read_native({LISTING: capture(LISTING, failure=Reason.NOT_PRESENT)}, [])
    assert absent == Native()


def test_what_nft_listed_is_not_iptables() -> None:
    nat = table_command("ip", "nat")
    text = "table ip nat {\n\tchain PREROUTING {\n\t\taccept\n\t}\n}\n"
    native = read(IPTABLES_ONLY, capture(nat, text))
    assert native.instead == {(Family.IPV4, "nat")}
    left_out = Table(name="nat", incompatible=True)
    key = Family.IPV4, Backend.NFT
    held = {key: Ruleset(family=Family.IPV4, backend=Backend.NFT, tables={"nat": left_out})}
    assert without_listed(held, native)[key].tables["nat"] == Table(name="nat", complete=True)
    assert without_listed({}, native) == {}


def test_what_to_ask_next() -> None:
    table = nft.Table(family="ip", name="kube-proxy")
    missed = [table.chain_id(Family.IPV4, "services"), table.set_id(Family.IPV4, "service-ips")]
    assert further_tables(missed, {}) == (V4,)
    chain = ChainId(Family.IPV4, Backend.NFT, "nat", "PREROUTING")
    assert further_tables([chain], {}) == ()
    save = Command("iptables-nft-save-all")
    said = {save: capture(save, "# Table `nat' is incompatible, use 'nft' tool.\n")}
    assert further_tables([chain], said) == (table_command("ip", "nat"),)
    other = ChainId(Family.IPV6, Backend.NFT, "nat", "PREROUTING")
    assert further_tables([other], said) == ()
    for command in (V4, V6, table_command("ip", "nat")):
        checked(command)


def test_a_dump_takes_every_native_table() -> None:
    iptables = IPTABLES_ONLY.replace("ip nat", "ip6 nat")
    listed = capture(LISTING, numbered(LISTED + iptables + "table bridge x {\n"))
    assert listed_tables([listed]) == (V4, V6)
    assert listed_tables([capture(LISTING, exit_code=1)]) == ()
