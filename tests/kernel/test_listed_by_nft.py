"""iptables' rules as nft lists them, which is all there is where its save leaves a table out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.kernel.kernel_cases import make_case
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_rules import Rules
from tests.kernel.kernel_score import Score
from tests.kernel.kernel_view import read_view, with_rules

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools("ip", "nft", "iptables-nft-restore", "iptables-legacy-restore"),
]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "10"))
SEED = int(os.environ.get("SVCNET_KERNEL_SEED", "1"))


@pytest.fixture(autouse=True)
def _leave_nothing(net: Net) -> Iterator[None]:
    yield
    net.run("node", "nft", "flush", "ruleset")


def test_every_outcome_was_foretold(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    score = Score()
    for seed in range(SEED, SEED + CASES):
        case = make_case(seed)
        family = case.places.family
        net.run("node", "nft", "flush", "ruleset")
        texts = {"legacy": Rules(case.places).text(), "nft": case.texts["nft"]}
        shown = net.load(texts, family)
        view = with_rules(read_view(net), {"legacy": shown["legacy"], "nft": ""}, family)
        tables = parse_ruleset(net.run("node", "nft", "list", "ruleset"))
        simulator = Simulator(replace(view, nft_tables=tables))
        score.ask(net, simulator, case.probes, f"seed {seed} {case.shape}: {case.spoiled}")
    with capsys.disabled():
        sys.stdout.write(f"\n{score}")
    assert not score.wrong, "\n".join(score.wrong)
