"""The order of base chains: iptables' and native ones, and where it is open."""

from __future__ import annotations

import re

import pytest

from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.engine.simulate.conftest import Ask
from tests.engine.simulate.test_nft_chains import Brief, table

IPTABLES = (
    "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -j DNAT --to-destination 10.244.1.2:1\nCOMMIT\n"
)
MARK = "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -j MARK --set-mark 1\nCOMMIT\n"


def base(kind: str, priority: str, rules: str, hook: str = "prerouting") -> str:
    return f"type {kind} hook {hook} priority {priority}; policy accept;\n{rules}"


@pytest.mark.parametrize(
    ("iptables", "chain", "fates"),
    [
        # the priority orders nat chains among themselves …
        (IPTABLES, base("nat", "-110", "dnat to 10.244.1.3:2"), ["endpoint 10.244.1.3:2 1"]),
        (IPTABLES, base("nat", "-90", "dnat to 10.244.1.3:2"), ["endpoint 10.244.1.2:1 1"]),
        (IPTABLES, base("nat", "-110", "accept"), ["endpoint 10.244.1.2:1 1"]),
        # … and not against others: all of nat runs at -100
        (IPTABLES, base("filter", "-110", "ip daddr 10.244.1.2 drop"), ["endpoint 10.244.1.2:1 1"]),
        (IPTABLES, base("filter", "-90", "ip daddr 10.244.1.2 drop"), ["drop 1"]),
        # at one priority nobody knows
        (
            IPTABLES,
            base("nat", "dstnat", "dnat to 10.244.1.3:2"),
            ["endpoint 10.244.1.2:1 ?", "endpoint 10.244.1.3:2 ?"],
        ),
        (
            IPTABLES,
            base("filter", "-100", "ip daddr 10.244.1.2 drop"),
            ["drop ?", "endpoint 10.244.1.2:1 ?"],
        ),
        (IPTABLES, base("nat", "dstnat", "tcp dport 99 drop"), ["endpoint 10.244.1.2:1 1"]),
        (MARK, base("filter", "-149", "meta mark 1 drop"), ["drop 1"]),
        (MARK, base("filter", "-151", "meta mark 1 drop"), ["pass 1"]),
        # connection tracking
        ("", base("filter", "-250", "ct state new drop"), ["pass 1"]),
        ("", base("filter", "-199", "ct state new drop"), ["drop 1"]),
        ("", base("filter", "-200", "ct state new drop"), ["drop ?", "pass ?"]),
    ],
)
def test_orders(ask: Ask, brief: Brief, iptables: str, chain: str, fates: list[str]) -> None:
    tables = parse_ruleset(table(a=chain))
    assert brief(ask(iptables, "10.96.0.10", view={"nft_tables": tables})) == fates


def test_too_many_at_one_priority(ask: Ask, brief: Brief) -> None:
    chain = table(c=base("filter", "5", "tcp dport 9 drop"))
    tables = parse_ruleset("".join(chain.replace("ip t ", f"ip t{n} ") for n in range(5)))
    assert brief(ask("", "8.8.8.8", view={"nft_tables": tables})) == ["unknown 1"]


def test_of_one_table_the_last_chain_runs_first(ask: Ask, brief: Brief) -> None:
    marks, drops = base("filter", "5", "meta mark set 7"), base("filter", "5", "meta mark 7 drop")
    for chains, fate in (((marks, drops), "pass 1"), ((drops, marks), "drop 1")):
        tables = parse_ruleset(table(a=chains[0], b=chains[1]))
        assert brief(ask("", "8.8.8.8", view={"nft_tables": tables})) == [fate]


@pytest.mark.parametrize(
    ("name", "order", "fates"),
    [
        # its chains are known to be as old as itself, so what stands after it is newer
        ("kube-proxy", ("ip kube-proxy", "ip nat"), ["endpoint 10.244.1.2:1 1"]),
        # iptables adds its base chains when it needs them, so an old table proves nothing
        (
            "kube-proxy",
            ("ip nat", "ip kube-proxy"),
            ["endpoint 10.244.1.2:1 ?", "endpoint 10.244.1.3:2 ?"],
        ),
        ("kube-proxy", (), ["endpoint 10.244.1.2:1 ?", "endpoint 10.244.1.3:2 ?"]),
        # its chains were made anew since
        ("kube-proxy", ("ip nat",), ["endpoint 10.244.1.2:1 ?", "endpoint 10.244.1.3:2 ?"]),
    ],
)
def test_a_table_that_is_known_to_be_newer(
    ask: Ask, brief: Brief, name: str, order: tuple[str, ...], fates: list[str]
) -> None:
    text = table(a=base("nat", "dstnat", "dnat to 10.244.1.3:2"))
    tables = parse_ruleset(re.sub(r"^table ip \S+", f"table ip {name}", text))
    view = {"nft_tables": tables, "nft_order": order}
    assert brief(ask(IPTABLES, "10.96.0.10", view=view)) == fates
