"""Held against the kernel: is what was seen of a packet among what was foretold, and all of it?

A fate with a small share needs many packets before its absence says something: so many are sent
that all of them missing it is a matter of one in MISSED.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.fate import Fate, FateKind
from tests.kernel.kernel_fixture import keep
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_packets import Probe, Seen
from tests.kernel.kernel_view import foretold, packet_of

KEPT = os.environ.get("SVCNET_KERNEL_KEEP", "")
REPEATS, AT_ONCE = 16, 128
MISSED, MOST = 1_000_000, 8_192


@dataclass
class Score:
    """`open`: cases where state decides between several fates, of which only some were seen."""

    rulesets: int = 0
    asked: int = 0
    exact: int = 0
    open: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    inexact: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{self.rulesets} rulesets, {self.asked} cases: {len(self.wrong)} wrong,"
            f" {self.exact} exact ({self.open} with an open end),"
            f" {len(self.inexact)} inexact, {self.unknown.total()} unknown"
        ]
        lines += [f"  {count} cases of {shape}" for shape, count in sorted(self.shapes.items())]
        lines += [f"  unknown {count}: {why}" for why, count in self.unknown.most_common()]
        lines += [f"  inexact: {what}" for what in self.inexact[:10]]
        return "\n".join([*lines, ""])

    @property
    def share_exact(self) -> float:
        return self.exact / max(self.asked - self.unknown.total(), 1)

    def ask(self, net: Net, simulator: Simulator, probes: Sequence[Probe], what: str) -> None:
        """Send these packets, each several times, and hold what became of them against this."""
        seen = net.send([probe for probe in probes for _ in range(REPEATS)])
        self.rulesets += 1
        for index, probe in enumerate(probes):
            observed = set(seen[index * REPEATS : (index + 1) * REPEATS])
            self._judge(net, simulator, probe, observed, what)

    def _judge(
        self, net: Net, simulator: Simulator, probe: Probe, observed: set[Seen], what: str
    ) -> None:
        fates = simulator.fates(packet_of(probe))
        expected = foretold(fates)
        assert all(fate.kind is not FateKind.UNREAD for fate in fates), (what, probe, fates)
        self.asked += 1
        self.shapes[what.split(":")[0].split(maxsplit=2)[2]] += 1
        unknown = [fate.because for fate in fates if fate.kind is FateKind.UNKNOWN]
        if unknown:
            self.unknown[_reason(unknown[0])] += 1
            return
        # A client that the affinity list remembers gets the same answer each time.
        depends = len(expected) > len(fates) or any(fate.probability is None for fate in fates)
        sent, enough = REPEATS, _enough(fates)
        while observed < expected and not depends and sent < enough:
            observed |= set(net.send([probe] * AT_ONCE))
            sent += AT_ONCE
        rules = [str(rule) for fate in fates for rule in fate.rules]
        told = f"{what} {probe}: seen {sorted(observed, key=str)}, foretold"
        told += f" {sorted(expected, key=str)} by {rules}"
        if not observed <= expected:
            self.wrong.append(told)
            if KEPT:
                name = what.split(":")[0].replace(" ", "-") + f"--{len(self.wrong)}"
                keep(net, Path(KEPT) / name, {probe: observed})
        elif observed == expected or depends:
            self.exact += 1
            self.open += observed != expected
        else:
            self.inexact.append(f"after {sent}: {told}")


def _enough(fates: Sequence[Fate]) -> int:
    """Packets after which each of these fates was seen, all but surely."""
    least = min((fate.probability or 1.0) for fate in fates)
    if least >= 1.0:
        return REPEATS
    return min(MOST, math.ceil(math.log(MISSED) / -math.log1p(-least)))


def _reason(because: str) -> str:
    """Without the rule's place and the packet's addresses."""
    words = because.split(": ", 1)[-1]
    return " ".join("…" if word[:1].isdigit() else word for word in words.split())
