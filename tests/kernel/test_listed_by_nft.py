"""iptables' rules as nft lists them, which is all there is where its save leaves a table out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.kernel.kernel_net import Net, Seen
from tests.kernel.kernel_rules import Rules, make_case
from tests.kernel.kernel_view import packet_of, read_view, with_rules

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "nft", "iptables-nft-restore", "iptables-legacy-restore"),
]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "40"))
SEED = int(os.environ.get("SVCNET_KERNEL_SEED", "1"))
REPEATS = 16


@pytest.fixture(autouse=True)
def _leave_nothing(net: Net) -> Iterator[None]:
    yield
    net.run("node", "nft", "flush", "ruleset")


def seen_as(fate: Fate) -> Seen:
    return Seen(fate.kind.value, str(fate.endpoint) if fate.endpoint else "", fate.masquerade)


def test_every_outcome_was_foretold(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    wrong: list[str] = []
    asked = exact = unknown = 0
    for seed in range(SEED, SEED + CASES // 2):
        case = make_case(seed)
        net.run("node", "nft", "flush", "ruleset")
        shown = net.load({"legacy": Rules().text(), "nft": case.texts["nft"]})
        view = with_rules(read_view(net), {"legacy": shown["legacy"], "nft": ""})
        tables = parse_ruleset(net.run("node", "nft", "list", "ruleset"))
        simulator = Simulator(replace(view, nft_tables=tables))
        seen = net.send([probe for probe in case.probes for _ in range(REPEATS)])
        for index, probe in enumerate(case.probes):
            fates = simulator.fates(packet_of(probe))
            observed = set(seen[index * REPEATS : (index + 1) * REPEATS])
            expected = {seen_as(fate) for fate in fates}
            asked += 1
            if FateKind.UNKNOWN in {fate.kind for fate in fates}:
                unknown += 1
                continue
            exact += observed == expected
            if not observed <= expected:
                rules = [str(rule) for fate in fates for rule in fate.rules]
                wrong.append(f"seed {seed} {case.spoiled} {probe}: {observed - expected} {rules}")
    with capsys.disabled():
        sys.stdout.write(f"{asked} asked, {exact} exact, {unknown} unknown\n")
    assert not wrong, "\n".join(wrong)
