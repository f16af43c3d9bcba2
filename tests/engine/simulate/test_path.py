"""Hooks in their order, two backends, routing, lo, and what cannot be seen."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.model.nodeview import ForeignTable
from kubectl_svcnet.model.packet import Hook

Ask = Callable[..., tuple[Fate, ...]]
Brief = Callable[[tuple[Fate, ...]], list[str]]
NODE: dict[str, Any] = {"hook": Hook.OUTPUT}
DNAT = "-j DNAT --to-destination 10.244.1.2:8080"


def rules(**tables: tuple[str, ...]) -> str:
    lines = []
    for table, appended in tables.items():
        lines += [f"*{table}", *(f"-A {rule}" for rule in appended), "COMMIT"]
    return "\n".join(lines) + "\n"


WAYS: list[tuple[str, str, str, dict[str, Any], list[str]]] = [
    (
        "raw sees INVALID, the rest NEW",
        rules(
            raw=("PREROUTING -m conntrack --ctstate NEW -j DROP",),
            mangle=("PREROUTING -m conntrack --ctstate INVALID -j DROP",),
        ),
        "8.8.8.8",
        {},
        ["pass 1"],
    ),
    (
        "not tracked, not translated",
        rules(raw=("PREROUTING -j CT --notrack",), nat=(f"PREROUTING {DNAT}",)),
        "8.8.8.8",
        {},
        ["pass 1"],
    ),
    (
        "an accept in mangle does not end nat",
        rules(mangle=("PREROUTING -j ACCEPT",), nat=(f"PREROUTING {DNAT}",)),
        "8.8.8.8",
        {},
        ["endpoint 10.244.1.2:8080 1"],
    ),
    (
        "filter sees the address after DNAT, FORWARD the new device",
        rules(nat=(f"PREROUTING {DNAT}",), filter=("FORWARD -d 10.244.1.2/32 -o cni0 -j DROP",)),
        "8.8.8.8",
        {},
        ["drop 1"],
    ),
    (
        "filter OUTPUT sees the device from before",
        rules(nat=(f"OUTPUT {DNAT}",), filter=("OUTPUT -o cni0 -j DROP",)),
        "8.8.8.8",
        NODE,
        ["endpoint 10.244.1.2:8080 1"],
    ),
    (
        "but the address from after it",
        rules(nat=(f"OUTPUT {DNAT}",), filter=("OUTPUT -d 10.244.1.2/32 -j DROP",)),
        "8.8.8.8",
        NODE,
        ["drop 1"],
    ),
    (
        "POSTROUTING sees the new one",
        rules(nat=(f"OUTPUT {DNAT}", "POSTROUTING -o cni0 -j MASQUERADE")),
        "8.8.8.8",
        NODE,
        ["endpoint 10.244.1.2:8080 1 masquerade"],
    ),
    (
        "what goes to the node itself never sees POSTROUTING",
        rules(
            nat=(
                "PREROUTING -j DNAT --to-destination 192.168.0.1:6443",
                "POSTROUTING -j MASQUERADE",
            )
        ),
        "8.8.8.8",
        {},
        ["endpoint 192.168.0.1:6443 1"],
    ),
    (
        "a node process to the node does, and comes in again through lo",
        rules(
            nat=("OUTPUT -j DNAT --to-destination 192.168.0.1:6443", "POSTROUTING -o lo -j ACCEPT"),
            filter=("INPUT -i lo -p tcp --dport 6443 -j DROP",),
        ),
        "8.8.8.8",
        NODE,
        ["drop 1"],
    ),
    (
        "INPUT is not for what is forwarded",
        rules(filter=("INPUT -j DROP", "OUTPUT -j DROP")),
        "8.8.8.8",
        {},
        ["pass 1"],
    ),
]


@pytest.mark.parametrize(
    ("text", "destination", "fields", "fates"),
    [row[1:] for row in WAYS],
    ids=[row[0] for row in WAYS],
)
def test_ways(
    ask: Ask, brief: Brief, text: str, destination: str, fields: dict[str, Any], fates: list[str]
) -> None:
    assert brief(ask(text, destination, **fields)) == fates


# Two backends


def test_both_backends_may_drop(ask: Ask) -> None:
    drop, accept = rules(filter=("FORWARD -j DROP",)), rules(filter=("FORWARD -j ACCEPT",))
    for one, other in ((drop, accept), (accept, drop)):
        (fate,) = ask(one, "8.8.8.8", view={"legacy": other})
        assert (fate.kind, fate.probability) == (FateKind.DROP, 1)


def test_where_the_order_matters_both_are_possible(ask: Ask) -> None:
    other = rules(nat=("PREROUTING -j DNAT --to-destination 10.244.1.3:9090",))
    fates = ask(rules(nat=(f"PREROUTING {DNAT}",)), view={"legacy": other})
    assert {(str(fate.endpoint), fate.probability) for fate in fates} == {
        ("10.244.1.2:8080", None),
        ("10.244.1.3:9090", None),
    }


def test_an_accept_in_one_nat_chain_does_not_stop_the_other(ask: Ask) -> None:
    (fate,) = ask(
        rules(nat=("PREROUTING -j ACCEPT",)), view={"legacy": rules(nat=(f"PREROUTING {DNAT}",))}
    )
    assert (str(fate.endpoint), fate.probability) == ("10.244.1.2:8080", 1)


def test_the_first_translation_wins(ask: Ask) -> None:
    again = rules(nat=("PREROUTING -d 10.244.1.2/32 -j DNAT --to-destination 10.244.1.3:1",))
    masquerade = rules(nat=("POSTROUTING -s 192.168.0.1/32 -j SNAT --to-source 192.168.0.9",))
    (fate,) = ask(rules(nat=(f"PREROUTING {DNAT}",)), view={"legacy": again})
    assert str(fate.endpoint) == "10.244.1.2:8080"
    (fate,) = ask(rules(nat=("POSTROUTING -j MASQUERADE",)), "8.8.8.8", view={"legacy": masquerade})
    assert str(fate.source) == "192.168.0.1"


def test_marks_cross_backends(ask: Ask) -> None:
    text = rules(mangle=("PREROUTING -j MARK --set-mark 0x1",))
    legacy = rules(filter=("FORWARD -m mark --mark 0x1 -j DROP",))
    assert ask(text, "8.8.8.8", view={"legacy": legacy})[0].kind is FateKind.DROP


# What is not simulated, not read, or switched off


@pytest.mark.parametrize(
    ("family", "hooks", "unknown"),
    [
        ("inet", {"prerouting"}, True),
        ("ip", {"forward"}, True),
        ("ip", {"input", "output"}, False),
        ("ip6", {"prerouting"}, False),
        ("inet", set(), False),
        ("netdev", {"ingress"}, True),
        ("bridge", {"forward"}, True),
        ("arp", {"input"}, False),
    ],
)
def test_foreign_tables(ask: Ask, family: str, hooks: set[str], unknown: bool) -> None:
    foreign = ForeignTable(family=family, name="guard", hooks=frozenset(hooks))
    (fate,) = ask("", "8.8.8.8", view={"foreign_tables": (foreign,)})
    assert (fate.kind is FateKind.UNKNOWN) is unknown
    assert not unknown or "guard" in fate.because


def test_a_garbled_table_is_unknown(ask: Ask) -> None:
    (fate,) = ask("*filter\n:FORWARD ACCEPT [0:0]\n-B FORWARD -j DROP\nCOMMIT\n", "8.8.8.8")
    assert fate.kind is FateKind.UNKNOWN
    assert "-B FORWARD" in fate.because


def test_a_truncated_dump_is_unread(ask: Ask) -> None:
    (fate,) = ask("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p udp -j DROP\n", "8.8.8.8")
    assert fate.kind is FateKind.UNREAD


def test_without_addresses_the_way_is_open(ask: Ask) -> None:
    (fate,) = ask("", "192.168.0.1", view={"addresses": None})
    assert fate.kind is FateKind.UNKNOWN
    assert "an address of this node" in fate.because
    (fate,) = ask(rules(nat=(f"PREROUTING {DNAT}",)), view={"addresses": None})
    assert fate.kind is FateKind.ENDPOINT


@pytest.mark.parametrize("field", [{"routes": None}, {"further_tables": ("77",)}])
def test_without_routes_only_the_device_is_open(ask: Ask, field: dict[str, Any]) -> None:
    (fate,) = ask("", "8.8.8.8", view=field)
    assert fate.kind is FateKind.PASS
    (fate,) = ask(rules(filter=("FORWARD -o eth0 -j DROP",)), "8.8.8.8", view=field)
    assert fate.kind is FateKind.UNKNOWN


def test_forwarding_may_be_off(ask: Ask) -> None:
    off = {"sysctls": {"net.ipv4.ip_forward": "0"}}
    assert ask("", "8.8.8.8", view=off)[0].kind is FateKind.DROP
    assert ask("", "192.168.0.1", view=off)[0].kind is FateKind.LOCAL
    assert ask("", "8.8.8.8", view=off, **NODE)[0].kind is FateKind.PASS


def test_no_route(ask: Ask) -> None:
    for fields in ({}, NODE):
        (fate,) = ask("", "8.8.8.8", view={"routes": ()}, **fields)
        assert (fate.kind, fate.because) == (FateKind.REJECT, "no route to 8.8.8.8")


@pytest.mark.parametrize(
    ("sysctls", "kind"),
    [
        ({"net.ipv4.conf.all.route_localnet": "1"}, FateKind.ENDPOINT),
        ({"net.ipv4.conf.all.route_localnet": "0"}, FateKind.UNKNOWN),
        (
            {
                "net.ipv4.conf.all.route_localnet": "0",
                "net.ipv4.conf.cni0.route_localnet": "0",
            },
            FateKind.DROP,
        ),
    ],
)
def test_a_loopback_source_leaves_only_with_route_localnet(
    ask: Ask, sysctls: dict[str, str], kind: FateKind
) -> None:
    text = rules(nat=(f"OUTPUT {DNAT}",))
    (fate,) = ask(text, "127.0.0.1", 30080, view={"sysctls": sysctls}, **NODE)
    assert fate.kind is kind
    assert fate.source in (None, ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("accepts", "kind"), [("0", FateKind.DROP), ("1", FateKind.PASS), (None, FateKind.UNKNOWN)]
)
def test_a_source_that_is_the_nodes_own_is_a_martian(
    ask: Ask, accepts: str | None, kind: FateKind
) -> None:
    known = {f"net.ipv4.conf.{name}.accept_local": accepts for name in ("all", "cni0")}
    sysctls = {name: value for name, value in known.items() if value is not None}
    source = ip_address("192.168.0.1")
    (fate,) = ask("", "8.8.8.8", source=source, view={"sysctls": sysctls})
    assert fate.kind is kind


@pytest.mark.parametrize(("source", "destination"), [("::1", "fd00::9"), ("fd00::9", "::1")])
def test_loopback_comes_from_no_other_machine(ask: Ask, source: str, destination: str) -> None:
    (fate,) = ask("", destination, source=ip_address(source))
    assert fate.kind is FateKind.DROP
    assert "::1" in fate.because


def test_what_comes_back_over_lo_is_not_translated_again(ask: Ask) -> None:
    """Its connection has been through nat: PREROUTING and INPUT of nat do not see it."""
    nat = rules(nat=(f"PREROUTING {DNAT}", "INPUT -j SNAT --to-source 192.168.0.9"))
    (fate,) = ask(nat, "192.168.0.1", **NODE)
    assert (fate.kind, fate.masquerade) == (FateKind.LOCAL, False)
    (fate,) = ask(rules(mangle=("PREROUTING -i lo -j DROP",)), "192.168.0.1", **NODE)
    assert fate.kind is FateKind.DROP


def test_the_table_security_of_iptables_nft_is_behind_nat(ask: Ask, brief: Brief) -> None:
    """The kernel's answers: iptables-nft's sees the source that nat gave in INPUT."""
    text = rules(
        nat=("INPUT -j SNAT --to-source 192.168.0.1",),
        security=("INPUT -s 192.168.0.1/32 -j DROP",),
    )
    assert brief(ask(text, "192.168.0.1")) == ["drop 1"]
    assert brief(ask("", "192.168.0.1", view={"legacy": text})) == ["local 1 masquerade"]
