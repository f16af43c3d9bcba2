"""Walking native chains: jump, goto, return, policy, what is unread, what never ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.model.nodeview import OwnChains
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.engine.simulate.conftest import Ask

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "nftables"
OWN = OwnChains(dispatch=("service-", "external-", "local-", "firewall-"), within="/")
DNAT = "type nat hook prerouting priority dstnat; policy accept;"
FILTER = "type filter hook forward priority filter; policy accept;"
Brief = Callable[[tuple[Fate, ...]], list[str]]


def table(family: str = "ip", **chains: str) -> str:
    """A table t with these chains; lines of a chain are separated by newlines."""
    lines = [f"table {family} t {{"]
    for name, text in chains.items():
        lines += [f"\tchain {name} {{", *(f"\t\t{line}" for line in text.splitlines()), "\t}", ""]
    return "\n".join([*lines, "}", ""])


@pytest.fixture
def nft(ask: Ask) -> Ask:
    """`nft(text, destination, port, …)`: the fates under native rules alone."""

    def _nft(text: str, *args: Any, view: dict[str, Any] | None = None, **fields: Any) -> Any:
        known = {"nft_tables": parse_ruleset(text), "own": OWN} | (view or {})
        return ask("", *args, view=known, **fields)

    return _nft


POD: dict[str, Any] = {}
NODE: dict[str, Any] = {"hook": Hook.OUTPUT}
OUT: dict[str, Any] = {"source": "198.51.100.9", "in_interface": "eth0"}
SELF: dict[str, Any] = {"source": "10.244.1.2"}
UDP, SCTP = {"protocol": Protocol.UDP}, {"protocol": Protocol.SCTP}


@pytest.mark.parametrize("version", ["1.33.13", "1.36.3"])
@pytest.mark.parametrize(
    ("destination", "fields", "fates"),
    [
        (
            "10.96.12.7:3306",
            POD,
            [
                "endpoint 10.244.1.2:3306 0.33",
                "endpoint 10.244.2.2:3306 0.33",
                "endpoint 10.244.2.3:3306 0.33",
            ],
        ),
        (
            "10.96.12.7:3306",
            SELF,
            [
                "endpoint 10.244.1.2:3306 0.33 masquerade",
                "endpoint 10.244.2.2:3306 0.33",
                "endpoint 10.244.2.3:3306 0.33",
            ],
        ),
        (
            "10.96.12.9:80",
            OUT,
            ["endpoint 10.244.1.2:8080 0.5 masquerade", "endpoint 10.244.1.3:8080 0.5 masquerade"],
        ),
        ("10.96.12.8:80", POD, ["endpoint 10.244.2.2:8080 1"]),
        (
            "10.96.12.13:80",
            POD,
            [
                "endpoint 10.244.1.2:8080 0.5",
                "endpoint 10.244.1.2:8080 ?",
                "endpoint 10.244.2.2:8080 0.5",
                "endpoint 10.244.2.2:8080 ?",
            ],
        ),
        ("10.96.12.14:80", POD, ["reject 1"]),
        ("10.96.12.14:80", NODE, ["reject 1"]),
        ("10.96.12.7:99", POD, ["reject 1"]),
        ("10.96.99.9:80", POD, ["drop 1"]),
        ("203.0.113.20:80", POD, ["drop 1"]),
        ("203.0.113.21:80", OUT, ["endpoint 10.244.1.3:8080 1"]),
        ("10.96.12.18:80", POD, ["endpoint 10.244.1.2:8080 1"]),
        ("10.96.0.10:53", UDP, ["endpoint 10.244.1.2:8053 0.5", "endpoint 10.244.2.3:8053 0.5"]),
        ("10.96.12.19:9999", SCTP, ["endpoint 10.244.1.2:9999 1"]),
        ("8.8.8.8:53", POD, ["pass 1"]),
    ],
)
def test_kube_proxy(
    nft: Ask, brief: Brief, version: str, destination: str, fields: dict[str, Any], fates: list[str]
) -> None:
    text = (FIXTURES / f"kube-proxy-{version}" / "nft-ruleset.txt").read_text()
    address, port = destination.split(":")
    fields = dict(fields)
    if "source" in fields:
        fields["source"] = ip_address(fields["source"])
    found = nft(text, address, int(port), **fields)
    assert brief(found) == sorted(fates)
    arrived = [fate for fate in found if fate.kind is FateKind.ENDPOINT]
    assert all(fate.translated_by and fate.translated_by in fate.rules for fate in arrived)
    assert all(any(OWN.dispatches(r.into) for r in fate.rules) for fate in arrived)
    assert not any(rule.chain.chain.endswith("-check") for f in arrived for rule in f.rules)


def test_numbers_and_ways(nft: Ask) -> None:
    text = (FIXTURES / "kube-proxy-1.36.3" / "nft-ruleset.txt").read_text()
    (fate,) = nft(text, "10.96.12.8", 80, explain=True)
    service = "ip kube-proxy/service-COL4VJNJ-default/single/tcp/http:1"
    met = [str(rule) for rule in fate.rules]
    assert met == ["ip kube-proxy/nat-prerouting:1", "ip kube-proxy/services:2", service]
    assert "to 10.244.2.2 port 8080" in [step.action for step in fate.steps]


@pytest.mark.parametrize(
    ("chains", "fates"),
    [
        ({"a": f"{FILTER}\ndrop"}, ["drop 1"]),
        ({"a": FILTER.replace("accept;", "drop;")}, ["drop 1"]),
        ({"a": f"{FILTER}\njump b\ndrop", "b": "accept"}, ["pass 1"]),
        ({"a": f"{FILTER}\njump b\ndrop", "b": "return\naccept"}, ["drop 1"]),
        ({"a": f"{FILTER}\ngoto b\ndrop", "b": "return"}, ["pass 1"]),
        ({"a": f"{FILTER}\njump b\ndrop", "b": "goto c\naccept", "c": "return"}, ["drop 1"]),
        # accept ends one base chain only
        (
            {"a": f"{FILTER}\naccept", "b": FILTER.replace("filter;", "10;") + "\ndrop"},
            ["drop 1"],
        ),
        (
            {"a": f"{FILTER}\ndrop", "b": FILTER.replace("filter;", "10;") + "\naccept"},
            ["drop 1"],
        ),
        # marks stay though the rule does not match to its end
        (
            {"a": f"{FILTER}\nmeta mark set 0x7 tcp dport 81 accept\nmeta mark 0x7 drop"},
            ["drop 1"],
        ),
        ({"a": f"{FILTER}\ntcp dport 81 meta mark set 0x7\nmeta mark 0x7 drop"}, ["pass 1"]),
        ({"a": f"{FILTER}\ntcp dport vmap {{ 81 : drop, 80 : accept }}\ndrop"}, ["pass 1"]),
        ({"a": f"{FILTER}\ntcp dport vmap {{ 81 : drop }}"}, ["pass 1"]),
        ({"a": f"{FILTER}\ntcp dport vmap {{ 80 : continue }}\ndrop"}, ["drop 1"]),
        ({"a": f"{FILTER}\ncounter packets 0 bytes 0 drop"}, ["drop 1"]),
        ({"a": f'{FILTER}\nlog prefix "x" drop'}, ["drop 1"]),
        ({"a": f"{FILTER}\nupdate @seen {{ ip saddr }} drop"}, ["drop 1"]),
        ({"a": f"{FILTER}\nnumgen random mod 4 vmap {{ 0 : drop }}"}, ["drop 0.25", "pass 0.75"]),
        ({"a": f"{FILTER}\nlimit rate 1/second drop"}, ["drop ?", "pass ?"]),
        ({"a": f"{FILTER}\njhash ip saddr mod 2 0 drop"}, ["drop ?", "pass ?"]),
        # the sender's choice
        ({"a": f"{FILTER}\nip dscp cs0 drop"}, ["drop ?", "pass ?"]),
        ({"a": f"{FILTER}\nip dscp != {{ cs1, ef }} drop"}, ["drop ?", "pass ?"]),
        ({"a": f"{FILTER}\nip length < 100 drop"}, ["drop ?", "pass ?"]),
        ({"a": f"{FILTER}\nmeta length 20-40 drop"}, ["drop ?", "pass ?"]),
        ({"a": f"{FILTER}\nip ttl 3 accept"}, ["pass 1"]),
        ({"a": f"{FILTER}\nip6 hoplimit 3 drop"}, ["pass 1"]),
        # by chance or state, but nothing comes of it
        ({"a": f"{FILTER}\n" + "numgen random mod 2 0 jump b\n" * 99, "b": ""}, ["pass 1"]),
        ({"a": f"{FILTER}\n" + "limit rate 1/second goto b\n" * 99, "b": ""}, ["pass 1"]),
        ({"a": f"{FILTER}\n" + "ip dscp cs0 meta mark set 0x1\n" * 99}, ["pass 1"]),
        # not understood
        ({"a": f"{FILTER}\nip checksum 3 drop"}, ["unknown 1"]),
        ({"a": f"{FILTER}\nip checksum 3 accept"}, ["pass 1"]),
        ({"a": f"{FILTER}\nqueue num 1"}, ["unknown 1"]),
        ({"a": f"{FILTER}\ntcp dport 81 queue num 1"}, ["pass 1"]),
        ({"a": f"{FILTER}\njump nowhere"}, ["unknown 1"]),
        ({"a": f"{FILTER}\njump a"}, ["unknown 1"]),
        ({"a": f"{FILTER}\ngoto b", "b": "goto b"}, ["unknown 1"]),
        ({"a": f"{FILTER}\nip saddr @nowhere drop"}, ["unknown 1"]),
        ({"a": FILTER.replace("filter;", "soon;")}, ["unknown 1"]),
        ({"a": FILTER.replace("forward", "input") + "\ndrop"}, ["pass 1"]),
    ],
)
def test_walks(nft: Ask, brief: Brief, chains: dict[str, str], fates: list[str]) -> None:
    assert brief(nft(table(**chains), "8.8.8.8", 80)) == fates


def test_families(nft: Ask, brief: Brief) -> None:
    drop = {"a": f"{FILTER}\ndrop"}
    assert brief(nft(table("inet", **drop), "8.8.8.8")) == ["drop 1"]
    assert brief(nft(table("ip6", **drop), "8.8.8.8")) == ["pass 1"]
    assert brief(nft(table("inet", a=f"{FILTER}\nip6 daddr ::1 drop"), "8.8.8.8")) == ["pass 1"]
    dormant = table(**drop).replace("{\n", "{\n\tflags dormant\n", 1)
    assert brief(nft(dormant, "8.8.8.8")) == ["pass 1"]


def test_what_was_not_read_is_wanted(nft: Ask, view: Callable[..., Any]) -> None:
    text = table(a=f"{DNAT}\nip daddr vmap @m\nip saddr @s accept\njump b")
    parts = tuple(replace(t, complete=False) for t in parse_ruleset(text))
    (fate,) = nft("", "8.8.8.8", view={"nft_tables": parts})
    assert fate.kind is FateKind.UNREAD
    assert {str(name) for name in fate.unread} == {"ip t/@m", "ip t/@s", "ip t/b"}
    read = parts[0].chains["a"]
    broken = {"a": read, "b": replace(read, name="b", base=None, rules=(), whole=False)}
    (fate,) = nft("", "8.8.8.8", view={"nft_tables": (replace(parts[0], chains=broken),)})
    assert {str(name) for name in fate.unread} == {"ip t/@m", "ip t/@s", "ip t/b"}
    unread = replace(parts[0], chains={"a": replace(parts[0].chains["a"], rules=(), whole=False)})
    (fate,) = nft("", "8.8.8.8", view={"nft_tables": (unread,)})
    assert {str(name) for name in fate.unread} == {"ip t/a"}


def test_a_garbled_table_makes_all_unknown(nft: Ask, brief: Brief) -> None:
    text = table(a=DNAT)
    assert brief(nft(text[:-2], "8.8.8.8")) == ["unknown 1"]
    assert brief(nft(text.replace("\tchain", "\tgibberish\n\tchain"), "8.8.8.8")) == ["unknown 1"]
