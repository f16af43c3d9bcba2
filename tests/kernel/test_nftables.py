"""What the kernel does under native nftables is among what the simulator says it may do.

SVCNET_KERNEL_CASES says how many rulesets, SVCNET_KERNEL_SEED where they start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.nft import is_iptables
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.kernel.kernel_cases import settings_of
from tests.kernel.kernel_net import NODE, POD_A, POD_B, Net
from tests.kernel.kernel_nft import NftTable
from tests.kernel.kernel_nft_cases import make_nft_case
from tests.kernel.kernel_packets import TCP, Probe
from tests.kernel.kernel_rules import Rules
from tests.kernel.kernel_score import Score
from tests.kernel.kernel_view import foretold, packet_of, view_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "nft", "iptables-nft-restore", "iptables-legacy-restore"),
]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "20"))
SEED = int(os.environ.get("SVCNET_KERNEL_SEED", "1"))


@pytest.fixture(autouse=True)
def _leave_nothing(net: Net) -> Iterator[None]:
    yield
    net.run("node", "nft", "flush", "ruleset")


def simulator(
    net: Net, orders: list[tuple[str, str]], family: Family = Family.IPV4, *, with_ip: bool
) -> Simulator:
    """Load these texts one after the other; a simulator of what the tools then list."""
    net.run("node", "nft", "flush", "ruleset")
    shown = net.load({"legacy": Rules().text()}, family)
    for tool, text in orders:
        if tool == "nft":
            net.run("node", "nft", "-f", "-", text=text)
        else:
            shown |= net.load({"nft": text}, family)
    listed = net.run("node", "nft", "list", "ruleset")
    tables = [t for t in parse_ruleset(listed) if not is_iptables(t.family, t.name)]
    shown.setdefault("nft", "")
    view = view_of(net, shown, family, with_ip=with_ip)
    return Simulator(replace(view, nft_tables=tuple(tables)))


@pytest.mark.parametrize("foreign", [False, True], ids=["kube-proxy", "with others"])
def test_every_outcome_was_foretold(
    net: Net, foreign: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    score, refused = Score(), 0
    start = SEED + CASES * foreign
    for seed in range(start, start + CASES):
        net.run("node", "sysctl", "-q", "-w", *settings_of(seed))
        case = make_nft_case(seed, foreign=foreign)
        try:
            asked = simulator(net, case.orders, case.places.family, with_ip=seed % 2 == 0)
        except RuntimeError:  # nft would not load it
            refused += 1
            continue
        score.ask(net, asked, case.probes, f"seed {seed} {case.shape}: {case.spoiled}")
    with capsys.disabled():
        sys.stdout.write(f"\n{refused} not loadable, {score}")
    assert not score.wrong, "\n".join(score.wrong)
    assert refused <= CASES // 4
    assert score.share_exact >= (0.99 if foreign else 0.999)


@pytest.mark.parametrize("priority", [-110, -100, -90])
@pytest.mark.parametrize("first", ["kube-proxy", "beside", "iptables"])
def test_nat_chains_in_either_order(net: Net, priority: int, first: str) -> None:
    """At one priority the chain loaded last runs first, so both answers are foretold, and each
    order of loading shows one of them."""
    own, other = NftTable(), NftTable("beside")
    dial = "ip daddr 10.96.0.10 tcp dport 80"
    own.base("nat-prerouting", "nat", "prerouting", -100, f"{dial} dnat to {POD_A}:8080")
    iptables = Rules()
    if first == "iptables":
        match = "-d 10.96.0.10/32 -p tcp -m tcp --dport 80"
        iptables.add("nat", "PREROUTING", f"{match} -j DNAT --to-destination {POD_B}:8080")
        second = ("iptables", iptables.text())
    else:
        other.base("mine", "nat", "prerouting", priority, f"{dial} dnat to {POD_B}:8080")
        second = ("nft", other.text())
    probe = Probe("far", TCP, "192.168.50.9", "10.96.0.10", 80)
    at_once = first == "iptables" or priority == -100
    ends = set()
    for orders in ([("nft", own.text()), second], [second, ("nft", own.text())]):
        expected = foretold(simulator(net, orders, with_ip=True).fates(packet_of(probe)))
        (observed,) = net.send([probe])
        assert observed in expected
        ends.add(observed.endpoint)
        assert len(expected) == (2 if at_once else 1)
    assert len(ends) == (2 if at_once else 1)


def test_the_node_itself(net: Net) -> None:
    """nodePort at the node's address, through fib and a map, by its own process."""
    own = NftTable()
    own.sets["ports"] = ("map", "type inet_service : verdict", ["30080 : goto to-pod"])
    own.base("nat-output", "nat", "output", -100, "fib daddr type local tcp dport vmap @ports")
    own.base("post", "nat", "postrouting", 100, 'oifname "cni0" masquerade')
    own.chains["to-pod"] = [f"meta l4proto tcp dnat to {POD_A}:8080"]
    own.chains = {"to-pod": own.chains.pop("to-pod"), **own.chains}
    probe = Probe("node", TCP, None, NODE, 30080)
    expected = foretold(simulator(net, [("nft", own.text())], with_ip=True).fates(packet_of(probe)))
    (observed,) = net.send([probe])
    assert {observed} == expected
    assert observed.masquerade
