"""Native nft tables of a node: which there are, what was read, and what to ask next."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import product
from pathlib import Path

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_nftables import OWN, hashed_name
from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.model import nft
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.capture import Capture, Reason
from kubectl_svcnet.model.commands import Command, checked
from kubectl_svcnet.model.fate import IPTABLES, Backend, ChainId, Fate, FateKind
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.model.ruleset import Ruleset, Table
from kubectl_svcnet.node.netfilter import LISTING, Wanted
from kubectl_svcnet.node.nft import (
    Native,
    further_tables,
    listed_tables,
    read_native,
    table_command,
    without_listed,
)
from tests.samples import capture

FIXTURES = Path(__file__).parent.parent / "fixtures" / "nftables"
KUBE_PROXY = Path(__file__).parent.parent / "fixtures" / "nftables" / "kube-proxy-1.36.3"
V4 = table_command("ip", "kube-proxy")
V6 = table_command("ip6", "kube-proxy")

#: One Service of the fixture, as a trace wants it.
DB = "default/db-service/tcp/mysql"
ENDPOINTS = ("10.244.1.2", "10.244.2.2", "10.244.2.3")
WANTED = Wanted(
    family=Family.IPV4,
    chains=frozenset(),
    destinations=frozenset([ip_address("10.96.12.7")]),
    native=frozenset(
        [f"service-{hashed_name(DB)}", f"local-{hashed_name(DB)}"]
        + [f"endpoint-{hashed_name(f'{DB}__{address}/3306')}" for address in ENDPOINTS]
    ),
    endpoints=frozenset(map(ip_address, ENDPOINTS)),
)


def numbered(text: str) -> str:
    return "".join(f"{n}:{line}\n" for n, line in enumerate(text.splitlines(), 1))


def listed(text: str) -> str:
    """What the filter of the listing lets through."""
    left = re.compile(LISTING.arguments[0].replace("[[:space:]]", r"\s"))
    lines = numbered(text).splitlines(keepends=True)
    return "".join(line for line in lines if not left.match(line.partition(":")[2].rstrip("\n")))


def read(
    text: str, *more: Capture, family: Family = Family.IPV4, wanted: Wanted | None = None
) -> Native:
    answers = {LISTING: capture(LISTING, listed(text))}
    answers |= {one.command: one for one in more if one.command}
    found = read_native(
        answers, [wanted or Wanted(family=family, chains=frozenset(), destinations=frozenset())]
    )
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


def test_what_hooks_in_at_devices_is_unread_and_of_bridges_a_gap() -> None:
    chain = "\tchain a {\n\t\ttype filter hook %s priority 0; policy accept;\n\t}\n}\n"
    text = "table netdev guard {\n" + chain % 'ingress device "eth0"'
    native = read(text + "table bridge nat {\n" + chain % "prerouting" + "table bridge idle {\n}\n")
    [table] = native.tables
    [at] = table.chains.values()
    assert (str(table), at.whole, at.base and at.base.hook) == ("netdev guard", False, "ingress")
    assert [(gap.what, gap.blocking) for gap in native.gaps] == [("nft table bridge nat", False)]
    [command] = further_tables([table.chain_id(Family.IPV4, "a")], {}, [])
    assert command == table_command("netdev", "guard")
    checked(command)


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
    assert read_native({}, [WANTED]) is None
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
    assert further_tables(missed, {}, []) == (V4,)
    chain = ChainId(Family.IPV4, Backend.NFT, "nat", "PREROUTING")
    assert further_tables([chain], {}, []) == ()
    save = Command("iptables-nft-save-all")
    said = {save: capture(save, "# Table `nat' is incompatible, use 'nft' tool.\n")}
    assert further_tables([chain], said, []) == (table_command("ip", "nat"),)
    other = ChainId(Family.IPV6, Backend.NFT, "nat", "PREROUTING")
    assert further_tables([other], said, []) == ()
    for command in (V4, V6, table_command("ip", "nat")):
        checked(command)


def test_a_dump_takes_every_native_table() -> None:
    iptables = IPTABLES_ONLY.replace("ip nat", "ip6 nat")
    listed = capture(LISTING, numbered(LISTED + iptables + "table bridge x {\n"))
    assert listed_tables([listed]) == (V4, V6)
    assert listed_tables([capture(LISTING, exit_code=1)]) == ()


# kube-proxy's table in part


def picked(text: str, wanted: Wanted = WANTED) -> Capture:
    """What the node answers, for a table of this text, to what is asked of it first."""
    listing = capture(LISTING, listed(text))
    missed = [nft.Table(family="ip", name="kube-proxy").chain_id(Family.IPV4, "services")]
    (command,) = further_tables(missed, {LISTING: listing}, [wanted])
    assert command.name == "nft-table-picked"
    checked(command)
    return capture(command, grep(text, command.arguments[2]))


def grep(text: str, pattern: str) -> str:
    done = subprocess.run(
        ["grep", "-anA15", "-Ee", pattern],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
    )
    assert not done.stderr
    return done.stdout


def table_text(version: str) -> str:
    text = (FIXTURES / f"kube-proxy-{version}" / "nft-ruleset.txt").read_text()
    start = text.index("table ip kube-proxy {")
    return text[start : text.index("\n}\n", start) + 3]


def grown(text: str) -> str:
    """With so many more Services that most of it can stay behind, their elements first."""
    names = [f"service-ABCDE{''.join(one)}-x/s/tcp/p" for one in product("ABCDEFGH", repeat=3)]
    spots = [ip_address("10.97.0.0") + number for number in range(len(names))]
    gap = ",\n\t\t\t     "
    pairs = [f"{ip} . tcp . 80 : goto {to}{gap}" for ip, to in zip(spots, names, strict=True)]
    for head, more in (
        ("\tmap service-ips {", "".join(pairs)),
        ("\tset cluster-ips {", "".join(f"{ip}, {ip + 9000}{gap}" for ip in spots)),
    ):
        at = text.index(ELEMENTS, text.index(head)) + len(ELEMENTS)
        text = text[:at] + more + text[at:]
    chains = "".join(f"\tchain {name} {{\n\t\tdrop\n\t}}\n\n" for name in names)
    at = text.index("\tchain service-")
    return text[:at] + chains + text[at:]


ELEMENTS = "elements = { "
ROUTES = (Route(ip_network("0.0.0.0/0"), "eth0"), Route(ip_network("10.244.1.0/24"), "cni0"))
NOTHING = {
    (Family.IPV4, one): Ruleset(family=Family.IPV4, backend=one, complete=True) for one in IPTABLES
}


def fates(
    native: Native, destination: str = "10.96.12.7", port: int = 3306, source: str = "10.244.1.9"
) -> tuple[Fate, ...]:
    view = NodeView(
        node="n1",
        rulesets=NOTHING,
        nft_tables=native.tables,
        addresses=(InterfaceAddress(ip_address("192.168.50.1"), "eth0", 24),),
        routes=ROUTES,
        sysctls={"net.ipv4.ip_forward": "1"},
        own=OWN,
    )
    packet = Packet(
        hook=Hook.PREROUTING,
        protocol=Protocol.TCP,
        source=ip_address(source),
        destination=ip_address(destination),
        destination_port=port,
        in_interface="cni0",
    )
    return simulate(view, packet)


def outcomes(found: tuple[Fate, ...]) -> set[tuple[str, str, bool | None, tuple[str, ...]]]:
    """Of a fate that is not certain the rules differ by what was read."""
    return {(f.kind.value, str(f.endpoint), f.masquerade, tuple(map(str, f.rules))) for f in found}


@pytest.mark.tools("grep")
@pytest.mark.parametrize("version", ["1.33.13", "1.36.3"])
@pytest.mark.parametrize("source", ["10.244.1.9", "10.244.1.2", "192.168.50.9"])
def test_a_part_of_the_table_is_enough(version: str, source: str) -> None:
    text = grown(table_text(version))
    part = picked(text)
    assert len(part.data) < len(text) / 2
    found = fates(read(text, part, wanted=WANTED), source=source)
    assert outcomes(found) == outcomes(fates(read(text, capture(V4, text)), source=source))
    assert {fate.kind for fate in found} == {FateKind.ENDPOINT}


@pytest.mark.tools("grep")
@pytest.mark.parametrize("version", ["1.33.13", "1.36.3"])
def test_a_part_never_says_otherwise(version: str) -> None:
    """For any destination, asked for or not: the same fates, or that something is unread."""
    text = grown(table_text(version))
    in_part, whole = read(text, picked(text), wanted=WANTED), read(text, capture(V4, text))
    (table,) = whole.tables
    keys = [e.key.items for e in table.sets["service-ips"].elements if isinstance(e.key, nft.Parts)]
    dialled = [(str(address), int(str(port))) for address, protocol, port in keys if protocol == 6]
    others = [("192.168.50.1", 30081), ("10.96.99.1", 80), ("8.8.8.8", 53), ("10.244.2.2", 80)]
    equal = set()
    for destination, port in [*dialled, *others]:
        found = fates(in_part, destination, port)
        if all(fate.kind is not FateKind.UNREAD for fate in found):
            assert outcomes(found) == outcomes(fates(whole, destination, port)), destination
            equal.add(destination)
    assert "10.96.12.7" in equal
    assert "10.96.12.8" not in equal


DROP = "\t\tip daddr 10.96.12.7 drop\n"
SERVICES = "\tchain services {\n"
OWN_CHAIN = "\tchain service-HHADPSYQ-default/db-service/tcp/mysql {\n"
BASE = "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
OTHERS = "".join(f"10.9.0.{n}, 10.9.1.{n},\n\t\t\t     " for n in range(1, 40))
BLOCK = f"\tset block {{\n\t\ttype ipv4_addr\n\t\telements = {{ {OTHERS}10.244.1.9 }}\n\t}}\n\n"


@pytest.mark.tools("grep")
@pytest.mark.parametrize(
    ("before", "rule", "more"),
    [
        (SERVICES, DROP, ""),
        (BASE, DROP, ""),
        (OWN_CHAIN, "\t\tdrop\n", ""),
        # behind so many others that grep does not show the end of the chain
        (SERVICES, "\t\tip daddr 10.9.9.9 drop\n" * 40 + DROP, ""),
        # in a chain of somebody else's, also if its name looks like one of kube-proxy's
        (SERVICES, "\t\tjump mine\n", f"\tchain mine {{\n{DROP}\t}}\n\n"),
        (SERVICES, "\t\tjump my-ABCDEFGH-x\n", f"\tchain my-ABCDEFGH-x {{\n{DROP}\t}}\n\n"),
        # by the client's address, which is none of those asked for
        (SERVICES, "\t\tip saddr @block drop\n", BLOCK),
    ],
)
def test_foreign_rules_in_its_chains_are_seen(before: str, rule: str, more: str) -> None:
    text = grown(table_text("1.36.3"))
    assert before in text
    text = text.replace(before, before + rule)
    at = text.index("\tset cluster-ips {")
    text = text[:at] + more + text[at:]
    assert {f.kind for f in fates(read(text, capture(V4, text)))} == {FateKind.DROP}
    found = fates(read(text, picked(text), wanted=WANTED))
    assert {fate.kind for fate in found} in ({FateKind.DROP}, {FateKind.UNREAD})


@pytest.mark.tools("grep")
def test_a_part_that_broke_off_is_unread() -> None:
    text = grown(table_text("1.36.3"))
    part = picked(text)
    right = fates(read(text, capture(V4, text)))
    for cut in range(0, len(part.data), 997):
        found = fates(read(text, replace(part, data=part.data[:cut]), wanted=WANTED))
        unread = any(fate.kind is FateKind.UNREAD for fate in found)
        assert unread or outcomes(found) == outcomes(right)
        assert unread or cut > len(part.data) / 2


def test_what_is_missed_of_a_part_makes_it_whole() -> None:
    listing = {LISTING: capture(LISTING, listed(table_text("1.36.3")))}
    missed = [nft.Table(family="ip", name="kube-proxy").chain_id(Family.IPV4, "services")]
    (part,) = further_tables(missed, listing, [WANTED])
    assert further_tables(missed, {**listing, part: capture(part, "")}, [WANTED]) == (V4,)
    assert further_tables(missed, {**listing, V4: capture(V4, "")}, [WANTED]) == (V4,)
    for whole in (replace(WANTED, native=frozenset()), replace(WANTED, everything=True)):
        assert further_tables(missed, listing, [whole]) == (V4,)
    hashes = map("".join, product("ABCDEFGH", repeat=4))
    many = replace(WANTED, native=frozenset(f"service-ABCD{one}-" for one in hashes))
    assert further_tables(missed, listing, [many]) == (V4,)
