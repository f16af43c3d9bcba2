"""What the kernel does with real packets is among what the simulator says it may do.

SVCNET_KERNEL_CASES says how many rulesets, SVCNET_KERNEL_SEED where they start.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.fate import FateKind
from tests.kernel.kernel_foreign import BLOCKS, SETS
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_rules import Case, Spoil, make_case
from tests.kernel.kernel_view import foretold, packet_of, view_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "ipset", "nft", "iptables-nft-restore", "iptables-legacy-restore"),
]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "30"))
SEED = int(os.environ.get("SVCNET_KERNEL_SEED", "1"))
REPEATS, MORE = 16, 96


@dataclass
class Score:
    asked: int = 0
    exact: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.asked} cases, {len(self.wrong)} wrong, {self.exact} exact,"
            f" {self.unknown.total()} unknown"
        ]
        lines += [f"  unknown {count}: {why}" for why, count in self.unknown.most_common()]
        return "\n".join([*lines, ""])


def _ask(net: Net, case: Case, seed: int, score: Score) -> None:
    shown = net.load(case.texts)
    simulator = Simulator(view_of(net, shown, with_ip=seed % 2 == 0))
    seen = net.send([probe for probe in case.probes for _ in range(REPEATS)])
    for index, probe in enumerate(case.probes):
        fates = simulator.fates(packet_of(probe))
        observed = set(seen[index * REPEATS : (index + 1) * REPEATS])
        expected = foretold(fates)
        assert all(fate.kind is not FateKind.UNREAD for fate in fates), (seed, probe, fates)
        score.asked += 1
        unknown = [fate.because for fate in fates if fate.kind is FateKind.UNKNOWN]
        if unknown:
            score.unknown[_reason(unknown[0])] += 1
            continue
        # A client that the affinity list remembers gets the same answer each time.
        open_source = len(expected) > len(fates)
        depends = open_source or any(fate.probability is None for fate in fates)
        if observed < expected and not depends:  # a fate with a small share: ask more often
            observed |= set(net.send([probe] * MORE))
        score.exact += observed == expected or (depends and observed <= expected)
        if not observed <= expected:
            rules = [str(rule) for fate in fates for rule in fate.rules]
            score.wrong.append(
                f"seed {seed} {case.spoiled} {probe}:"
                f" observed {sorted(observed - expected, key=str)},"
                f" foretold {sorted(expected, key=str)} by {rules}"
            )


def _reason(because: str) -> str:
    """Without the rule's place and the packet's addresses."""
    words = because.split(": ", 1)[-1]
    return " ".join("…" if word[:1].isdigit() else word for word in words.split())


@pytest.mark.parametrize("bridged", ["0", "1"], ids=["bridge-nf-off", "bridge-nf-on"])
@pytest.mark.parametrize("blocks", [(), BLOCKS], ids=["kube-proxy", "with others"])
def test_every_outcome_was_foretold(
    net: Net, blocks: tuple[Spoil, ...], bridged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net.run("node", "sysctl", "-q", "-w", f"net.bridge.bridge-nf-call-iptables={bridged}")
    net.run("node", "ipset", "restore", "-exist", text=SETS)
    score = Score()
    start = SEED + CASES * (int(bridged) + 2 * bool(blocks))
    for seed in range(start, start + CASES):
        _ask(net, make_case(seed, blocks), seed, score)
    with capsys.disabled():
        sys.stdout.write(f"\n{CASES} rulesets, {REPEATS} packets a case: {score}")
    assert not score.wrong, "\n".join(score.wrong)
    assert score.exact >= 0.99 * (score.asked - score.unknown.total())
