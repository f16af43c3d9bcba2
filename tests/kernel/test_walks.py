"""The walk itself, rule by rule: the rules that one packet met, by their counters, are those of
one of the walks that were foretold."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator

import pytest

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Fate, FateKind
from tests.kernel.kernel_cases import Case, make_case
from tests.kernel.kernel_net import TRIES, Net
from tests.kernel.kernel_packets import Probe
from tests.kernel.kernel_places import V4, V6
from tests.kernel.kernel_view import packet_of, view_of

pytestmark = [pytest.mark.kernel, pytest.mark.tools("ip", "nft", "iptables-nft-restore")]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "30")) // 6


def _met(net: Net, case: Case) -> frozenset[str]:
    """Every rule that was hit, as a fate names it."""
    met = set()
    tool = "iptables" if case.places.family is Family.IPV4 else "ip6tables"
    for backend in case.texts:
        table = ""
        counted: dict[str, Iterator[int]] = {}
        for line in net.run("node", f"{tool}-{backend}-save", "-c").splitlines():
            if line.startswith("*"):
                table, counted = line[1:], {}
            elif found := re.match(r"\[(\d+):\d+\] -A (\S+) ", line):
                counter = counted.setdefault(found[2], itertools.count(1))
                number = next(counter)
                if found[1] != "0" and " -j " in line:
                    prefix = "legacy:" if backend == "legacy" else ""
                    met.add(f"{prefix}{table}/{found[2]}:{number}")
    return frozenset(met)


def _walked(fate: Fate) -> frozenset[str]:
    """Those that it tells of, but for a chance or a state that went by."""
    return frozenset(
        str(step.rule)
        for step in fate.steps
        if step.rule is not None and not step.action.startswith(("chance", "if "))
    )


def _answers_by_itself(fate: Fate) -> bool:
    """What is delivered on the node is answered by its stack, which no walk tells of."""
    on_node = fate.endpoint is not None and str(fate.endpoint.address) in (V4.node, V6.node)
    return fate.kind is FateKind.LOCAL or on_node


def _met_by(net: Net, case: Case, probe: Probe) -> frozenset[str]:
    net.send([probe])
    return _met(net, case)


def test_the_rules_met_are_those_of_a_walk(net: Net) -> None:
    plain = (case for seed in itertools.count(1) if not (case := make_case(seed)).spoiled)
    asked = 0
    for case in itertools.islice(plain, CASES):
        for probe in case.probes:
            shown = net.load(case.texts, case.places.family)
            fates = Simulator(view_of(net, shown, case.places.family, with_ip=True)).fates(
                packet_of(probe), explain=True
            )
            if any(_answers_by_itself(fate) for fate in fates):
                continue
            walks = [_walked(fate) for fate in fates]
            met = _met_by(net, case, probe)
            for _ in range(TRIES):
                if met in walks:
                    break
                net.load(case.texts, case.places.family)
                met = _met_by(net, case, probe)
            asked += 1
            assert met in walks, (probe, sorted(met), [sorted(walk) for walk in walks])
    assert asked > CASES
