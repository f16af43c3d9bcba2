"""DNAT, SNAT, MASQUERADE and REDIRECT: addresses and ports after them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.nodeview import InterfaceAddress
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.iptables_save import parse_save

Ask = Callable[..., tuple[Fate, ...]]
NODE = {"hook": Hook.OUTPUT}


def nat(*rules: str) -> str:
    return "\n".join(["*nat", *(f"-A {rule}" for rule in rules), "COMMIT", ""])


DNATS = [
    ("10.244.1.2:8080", ["10.244.1.2:8080 1.0"]),
    ("10.244.1.2", ["10.244.1.2:80 1.0"]),
    (":8080", ["10.96.0.10:8080 1.0"]),
    ("10.244.1.2:8080-8081", ["10.244.1.2:8080 1.0"]),
    ("10.244.1.2:70-90", ["10.244.1.2:80 1.0"]),
    ("10.244.1.2:8080-8081 --random", ["10.244.1.2:8080 0.5", "10.244.1.2:8081 0.5"]),
    ("10.244.1.2:8080-8089/75", ["10.244.1.2:8085 1.0"]),
]


@pytest.mark.parametrize(("words", "endpoints"), DNATS, ids=[words for words, _ in DNATS])
@pytest.mark.parametrize("hook", ["PREROUTING", "OUTPUT"])
def test_dnat(ask: Ask, hook: str, words: str, endpoints: list[str]) -> None:
    fields = NODE if hook == "OUTPUT" else {}
    fates = ask(nat(f"{hook} -p tcp -j DNAT --to-destination {words}"), **fields)
    assert sorted(f"{fate.endpoint} {fate.probability}" for fate in fates) == endpoints


def test_a_dnat_that_changes_nothing_is_none(ask: Ask) -> None:
    text = nat(
        "PREROUTING -j DNAT --to-destination 10.96.0.10:80",
        "PREROUTING -j DNAT --to-destination 10.244.1.2:80",
        "POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE",
    )
    (fate,) = ask(text)
    assert (fate.kind, fate.endpoint, fate.masquerade) == (FateKind.PASS, None, False)


def test_a_span_too_long_is_unknown(ask: Ask) -> None:
    text = nat("PREROUTING -j DNAT --to-destination 10.0.0.0-10.0.1.0")
    (fate,) = ask(text, source=None)
    assert fate.kind is FateKind.UNKNOWN
    (fate,) = ask(text)  # which one it is, the client tells
    assert fate.kind is FateKind.ENDPOINT


def test_who_asks_decides_within_a_span(ask: Ask) -> None:
    text = nat("PREROUTING -p tcp -j DNAT --to-destination 10.244.1.2-10.244.1.3:8080")
    assert len(ask(text)) == 1
    anybody = ask(text, source=None)
    assert {str(fate.endpoint) for fate in anybody} == {"10.244.1.2:8080", "10.244.1.3:8080"}


@pytest.mark.parametrize(
    ("words", "sources"),
    [
        ("10.244.1.8-10.244.1.9", {"10.244.1.9"}),
        ("10.244.1.8-10.244.1.9 --random", {"10.244.1.8", "10.244.1.9"}),
        ("10.244.1.8-10.244.1.9:1000-2000", {"10.244.1.8", "10.244.1.9"}),
    ],
)
def test_a_source_within_the_span_stays(ask: Ask, words: str, sources: set[str]) -> None:
    fates = ask(nat(f"POSTROUTING -p tcp -j SNAT --to-source {words}"))
    assert {str(fate.source) for fate in fates} == sources


def test_redirect(ask: Ask) -> None:
    text = nat("PREROUTING -p tcp -j REDIRECT --to-ports 15001", "OUTPUT -p tcp -j REDIRECT")
    (fate,) = ask(text)
    assert str(fate.endpoint) == "10.244.1.1:15001"
    (fate,) = ask(text, **NODE)
    assert str(fate.endpoint) == "127.0.0.1:80"
    (fate,) = ask(text, in_interface="veth0")
    assert fate.kind is FateKind.DROP
    (fate,) = ask(text, in_interface=None)
    assert fate.kind is FateKind.UNKNOWN
    nowhere = (InterfaceAddress(ip_address("10.9.9.9"), None),)
    (fate,) = ask(text, view={"addresses": nowhere})
    assert fate.kind is FateKind.UNKNOWN


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("POSTROUTING -j MASQUERADE", "192.168.0.1"),
        ("POSTROUTING -o eth0 -j SNAT --to-source 192.168.0.77", "192.168.0.77"),
        ("POSTROUTING -s 10.244.1.9/32 -j MASQUERADE --random-fully", "192.168.0.1"),
        ("POSTROUTING ! -o eth0 -j MASQUERADE", "10.244.1.9"),
        ("POSTROUTING -j SNAT --to-source 10.244.1.9", "10.244.1.9"),
        ("POSTROUTING -j ACCEPT", "10.244.1.9"),
    ],
)
def test_sources(ask: Ask, rule: str, source: str) -> None:
    (fate,) = ask(nat(rule), "8.8.8.8")
    assert str(fate.source) == source
    assert fate.masquerade is (source != "10.244.1.9")


def test_masquerade_is_open_where_the_pick_is(ask: Ask) -> None:
    """A redirect to lo borrows an address; without an order it may be the one it had."""
    text = nat("OUTPUT -p tcp -j REDIRECT", "POSTROUTING -j MASQUERADE")
    (fate,) = ask(text, "8.8.8.8", **NODE)
    assert (fate.masquerade, str(fate.source)) == (False, "192.168.0.1")
    loose = {"addresses_in_order": False}
    (fate,) = ask(text, "8.8.8.8", view=loose, **NODE)
    assert (fate.masquerade, fate.source) == (None, None)
    (fate,) = ask(nat("POSTROUTING -j MASQUERADE"), "8.8.8.8", view={"routes": None})
    assert (fate.masquerade, fate.source) == (True, None)
    (fate,) = ask(nat("POSTROUTING -j MASQUERADE"), "8.8.8.8", view={"routes": None}, **NODE)
    assert fate.masquerade is None


def test_redirect_to_one_of_several(ask: Ask) -> None:
    two = tuple(InterfaceAddress(ip_address(f"10.244.1.{n}"), "cni0", 24) for n in (1, 7))
    text = nat("PREROUTING -j REDIRECT")
    (fate,) = ask(text, view={"addresses": two})
    assert str(fate.endpoint) == "10.244.1.1:80"
    fates = ask(text, view={"addresses": two, "addresses_in_order": False})
    assert {(str(one.endpoint), one.probability) for one in fates} == {
        ("10.244.1.1:80", None),
        ("10.244.1.7:80", None),
    }


def test_snat_of_what_arrives_at_the_node(ask: Ask) -> None:
    (fate,) = ask(nat("INPUT -j SNAT --to-source 192.168.0.9"), "192.168.0.1")
    assert (fate.kind, fate.masquerade) == (FateKind.LOCAL, True)


def test_the_source_port_range_of_an_unknown_span(ask: Ask) -> None:
    fates = ask(nat("POSTROUTING -j SNAT --to-source 192.168.0.5-192.168.0.6"), "8.8.8.8")
    assert [fate.masquerade for fate in fates] == [True]
    assert fates[0].probability == 1


def test_netmap_keeps_the_hosts_part(ask: Ask) -> None:
    (fate,) = ask(nat("PREROUTING -j NETMAP --to 10.244.0.0/16"), "10.96.3.4")
    assert str(fate.endpoint) == "10.244.3.4:80"
    (fate,) = ask(nat("POSTROUTING -j NETMAP --to 172.16.0.0/16"), "8.8.8.8")
    assert (str(fate.source), fate.masquerade) == ("172.16.1.9", True)
    (fate,) = ask(nat("POSTROUTING -j NETMAP --to 10.244.0.0/16"), "8.8.8.8")
    assert (str(fate.source), fate.masquerade) == ("10.244.1.9", False)


@pytest.mark.parametrize("target", ["MASQUERADE", "SNAT --to-source 192.168.0.1"])
def test_a_translation_to_other_ports_leaves_the_source_port_open(ask: Ask, target: str) -> None:
    rule = "-A INPUT -p tcp -m tcp --sport 40000 -j DROP"
    for words, kinds in (
        ("", [FateKind.DROP]),
        (" --random-fully", [FateKind.DROP, FateKind.LOCAL]),
    ):
        text = nat(f"POSTROUTING -p tcp -j {target}{words}")
        text += f"*filter\n{rule}\nCOMMIT\n"
        fates = ask(text, "192.168.0.1", source_port=40000, **NODE)
        assert [fate.kind for fate in fates] == kinds


def test_an_ipv6_redirect_takes_no_link_local_address(ask: Ask) -> None:
    mine = tuple(
        InterfaceAddress(ip_address(one), "cni0", 64) for one in ("fe80::1", "fd00::1", "fd00::2")
    )
    dump = parse_save(nat("PREROUTING -j REDIRECT"), Family.IPV6, Backend.NFT)
    empty = parse_save("", Family.IPV6, Backend.LEGACY)
    rulesets = {(Family.IPV6, one.backend): one for one in (dump, empty)}
    source = {"source": ip_address("fd00::9")}
    for addresses, endpoint in ((mine, "[fd00::1]:80"), (mine[:1], "[fe80::1]:80")):
        view = {"addresses": addresses, "rulesets": rulesets}
        (fate,) = ask("", "fd00:5::5", view=view, **source)
        assert str(fate.endpoint) == endpoint
