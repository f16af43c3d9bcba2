"""What the kernel does with real packets is among what the simulator says it may do.

SVCNET_KERNEL_CASES says how many rulesets, SVCNET_KERNEL_SEED where they start. Every second pair
of rulesets is of IPv6.
"""

from __future__ import annotations

import os
import sys

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from tests.kernel.kernel_cases import make_case, settings_of
from tests.kernel.kernel_foreign import BLOCKS, SETS
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_rules import Spoil
from tests.kernel.kernel_score import Score
from tests.kernel.kernel_view import view_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools(
        *("ip", "ipset", "nft", "iptables-nft-restore", "iptables-legacy-restore"),
        *("ip6tables-nft-restore", "ip6tables-legacy-restore"),
    ),
]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "30"))
SEED = int(os.environ.get("SVCNET_KERNEL_SEED", "1"))


@pytest.mark.parametrize("blocks", [(), BLOCKS], ids=["kube-proxy", "with others"])
def test_every_outcome_was_foretold(
    net: Net, blocks: tuple[Spoil, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    net.run("node", "ipset", "restore", "-exist", text=SETS)
    score = Score()
    start = SEED + 2 * CASES * bool(blocks)
    for seed in range(start, start + 2 * CASES):
        net.run("node", "sysctl", "-q", "-w", *settings_of(seed))
        case = make_case(seed, blocks)
        family = case.places.family
        shown = net.load(case.texts, family)
        simulator = Simulator(view_of(net, shown, family, with_ip=seed % 2 == 0))
        score.ask(net, simulator, case.probes, f"seed {seed} {case.shape}: {case.spoiled}")
    with capsys.disabled():
        sys.stdout.write(f"\n{score}")
    assert not score.wrong, "\n".join(score.wrong)
    assert score.share_exact >= (0.99 if blocks else 0.999)
