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
from tests.kernel.kernel_packets import TCP, UDP
from tests.kernel.kernel_places import V4, V6, Places
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
