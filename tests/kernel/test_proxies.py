"""Rules that real kube-proxies wrote, under real packets.

The captures are of another node: its own addresses become those of the node here, its pods of
whatever address are where the routes and neighbours here lead.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_nft import ERAS as NFT_ERAS
from tests.kernel.kernel_nft import NftTable, write_nft_proxy
from tests.kernel.kernel_packets import TCP, UDP
from tests.kernel.kernel_places import V4, V6, Places
from tests.kernel.kernel_proxy import ERAS, write_proxy
from tests.kernel.kernel_rules import Frontends, Rules, probes_of
from tests.kernel.kernel_score import Score
from tests.kernel.kernel_view import view_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "nft", "iptables-nft-restore", "ip6tables-nft-restore"),
]

CAPTURES = sorted((Path(__file__).parents[1] / "fixtures" / "kube-proxy").glob("*/bundle.tar.gz"))
FRONTENDS = 8
NUMBERS = {"tcp": TCP, "udp": UDP}
_CLUSTER = re.compile(r"-A KUBE-SERVICES -d (\S+)/\d+ -p (tcp|udp) .*--dport (\d+) ")
_NODE_PORT = re.compile(r"-A KUBE-NODEPORTS -p (tcp|udp) .*--dport (\d+) ")
_ELEMENT = re.compile(r"([0-9a-f.:]+) \. (tcp|udp) \. (\d+) .*?:")
_PORT_ELEMENT = re.compile(r"[{\t] (tcp|udp) \. (\d+) .*?:")


def _texts(bundle: Path) -> dict[str, str]:
    """What was listed, by command; of two readings the second."""
    captures = [stored.capture() for stored in read_bundle(bundle)[1]]
    return {" ".join(c.command.argv()): _moved(c.text()) for c in captures if c.command and c.ok}


def _moved(text: str) -> str:
    for found, here in (("172.21.0.11", V4.node), ("fd00:172:21::11", V6.node)):
        text = re.sub(rf"(?<![\d.:a-f]){re.escape(found)}(?![\d.:a-f])", here, text)
    return text


def _frontends(text: str, places: Places) -> Frontends:
    found = {(NUMBERS[p], a, int(n)) for a, p, n in _CLUSTER.findall(text)}
    found |= {(NUMBERS[p], places.node, int(n)) for p, n in _NODE_PORT.findall(text)}
    found |= {(NUMBERS[p], a, int(n)) for a, p, n in _ELEMENT.findall(text)}
    found |= {(NUMBERS[p], places.node, int(n)) for p, n in _PORT_ELEMENT.findall(text)}
    rng = random.Random(0)
    return rng.sample(sorted(found), min(FRONTENDS, len(found)))


#: What differs from Service to Service, and how it is written where it does not matter.
_ADDRESS = r"(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f:]*)"
_NAME = r"[a-z][a-z0-9-]*/[a-z][a-z0-9-]*"
ALIKE = [
    (r"(KUBE-[A-Z]{2,3})-[A-Z0-9]{16}", r"\1-HASH"),
    (rf"[A-Z0-9]{{8}}-{_NAME}/(?:tcp|udp|sctp)/[a-z0-9-]*(?:__[0-9a-f.:]+/\d+)?", "HASH"),
    (rf"{_NAME}(?::[a-z0-9-]*)?", "NAME"),
    (r"comment NAME", 'comment "NAME"'),
    (r"(ip6?) saddr != (\{.*\}|\S+) drop", r"\1 saddr != RANGES drop"),
    (r"random mod \d+ (v?map) \{ 0 : (.*?)(, 1 : .*)? \}", r"random \1 \2"),
    (r"\b(tcp|udp|sctp)\b", "PROTO"),
    (rf"(?<![\w.]){_ADDRESS}(/\d+)?", "ADDRESS"),
    (r"(port|probability) \S+", r"\1 N"),
    (r"(:|ADDRESS . )\d+", r"\1N"),
    (r"0x0*", "0x"),
]


def _shapes(text: str) -> set[str]:
    """The rules without what differs from one Service to the next."""
    lines = (line.strip() for line in text.splitlines() if line.startswith(("-A ", "\t\t")))
    heads = ("type ", "elements", "size ", "flags ", "timeout ", "comment ")
    found = set()
    for line in lines:
        if (not line.startswith(heads) and not line.endswith((",", "}"))) or "numgen" in line:
            for pattern, alike in ALIKE:
                line = re.sub(pattern, alike, line)
            found.add(line)
    return found


@pytest.fixture(autouse=True)
def _pods(net: Net) -> Iterator[None]:
    """Any pod of this node's network is behind pod-a, any other behind the other node."""
    net.run("node", "ip", "route", "replace", "10.244.0.0/16", "via", V4.other_node)
    lines = [
        f"neigh replace 10.244.1.{last} lladdr 02:00:00:00:00:04 dev cni0 nud permanent"
        for last in range(4, 255)
    ]
    net.run("node", "ip", "-batch", "-", text="\n".join([*lines, ""]))
    yield
    net.run("node", "nft", "flush", "ruleset")


@pytest.mark.parametrize("places", [V4, V6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("bundle", CAPTURES, ids=[path.parent.name for path in CAPTURES])
def test_every_outcome_was_foretold(net: Net, bundle: Path, places: Places) -> None:
    tool = "iptables" if places.family is Family.IPV4 else "ip6tables"
    texts, shown = _texts(bundle), {"nft": "", "legacy": ""}
    own = texts.get(f"nft list table {places.ip} kube-proxy", "")
    for text in (own, texts[f"{tool}-nft-save"]):
        frontends = _frontends(text, places)
        if not frontends:
            continue
        if text is own:
            net.run("node", "nft", "-f", "-", text=text)
        else:
            shown |= net.load({"nft": text}, places.family)
            shown |= net.load({"legacy": Rules().text()}, places.family)
        view = view_of(net, shown, places.family, with_ip=True)
        if text is own:
            listed = parse_ruleset(net.run("node", "nft", "list", "ruleset"))
            view = replace(view, nft_tables=listed)
        score = Score()
        probes = probes_of(places, random.Random(1), frontends)
        score.ask(net, Simulator(view), probes, f"real {bundle.parent.name} {places.family.value}:")
        assert not score.wrong, "\n".join(score.wrong)
        assert not score.inexact
        assert not score.unknown
        return
    pytest.fail("nothing was captured of this family")


def _generated(net: Net, versions: str, mode: str, seed: int) -> str:
    """As listed; many Services, for one of each kind."""
    net.run("node", "nft", "flush", "ruleset")
    rng, rules, table = random.Random(seed), Rules(), NftTable()
    if mode == "iptables":
        era = next(era for era in ERAS if _within(versions, era.versions))
        write_proxy(rules, rng, era, 30)
        return net.load({"nft": rules.text()})["nft"]
    nft_era = next(era for era in NFT_ERAS if _within(versions, era.versions))
    write_nft_proxy(table, rng, nft_era, 30)
    net.run("node", "nft", "-f", "-", text=table.text())
    return net.run("node", "nft", "list", "ruleset")


def _within(version: str, span: str) -> bool:
    first, _, last = span.partition("-")
    return int(first[2:]) <= int(version.split(".")[1]) <= int((last or first)[2:])


@pytest.mark.parametrize("bundle", CAPTURES, ids=[path.parent.name for path in CAPTURES])
def test_the_generator_writes_as_they_do(net: Net, bundle: Path) -> None:
    version, _, mode = bundle.parent.name.partition("--")
    texts = _texts(bundle)
    asked = {"iptables": "iptables-nft-save", "nftables": "nft list table ip kube-proxy"}
    missing = _shapes(texts[asked[mode]])
    assert missing
    for seed in range(200):
        missing -= _shapes(_generated(net, version, mode, seed))
        if not missing:
            return
    assert not missing
