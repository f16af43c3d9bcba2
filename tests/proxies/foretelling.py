"""What must be said of rules that stay while the API changes: where packets went is known.

Set against set, without a look at a rule; where more than one set would be right nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from kubectl_svcnet.model.fate import FateKind
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, TraceReport, Walk

from .reading import places, told

Place = tuple[str, str, str, Client, object]


def walks_of(report: TraceReport) -> dict[Place, Walk]:
    return {
        _place(frontend, walk): walk for frontend, node in places(report) for walk in node.walks
    }


def _place(frontend: FrontendTrace, walk: Walk) -> Place:
    seen = frontend.frontend
    return str(seen.service), seen.kind.value, str(seen), walk.asked.client, walk.asked.packet


def predicted(before: Walk | None, after: Walk) -> set[str] | None:
    """What must be said of a packet, from where it went before; None: nothing is certain."""
    wanted = after.asked.expectation
    marked = any("KUBE-MARK-DROP" in rule.raw for fate in after.fates for rule in fate.rules)
    if wanted.alternatives or marked or (before and before.fates != after.fates):
        return None
    ends = {fate.kind for fate in after.fates}
    reached = {fate.endpoint for fate in after.fates if fate.kind is FateKind.ENDPOINT}
    if not reached:
        passes = ends <= {FateKind.PASS, FateKind.LOCAL}
        if not wanted.endpoints:
            return {"absent"} if passes and not wanted.may_pass else set()
        return {"absent"} if passes or before is None else {"blocked"}
    found = {"stale"} if reached - wanted.endpoints else set()
    return found | ({"missing"} if wanted.endpoints - reached else set())


def drops_own(trace: NodeTrace) -> bool:
    """What nftables mode of 1.30 does of its own accord (comparing.UPSTREAM)."""
    own = [walk for walk in trace.walks if walk.asked.client is Client.NODE]
    return any(fate.kind is FateKind.DROP for walk in own for fate in walk.fates)


def foretold(
    before: Mapping[Place, Walk], report: TraceReport, version: str, mode: str
) -> Counter[str]:
    """The verdicts that were said, each of which was foretold."""
    old = version.startswith("v1.30.") and mode == "nftables"
    verdicts: Counter[str] = Counter()
    for frontend, node in places(report):
        known = [predicted(before.get(_place(frontend, walk)), walk) for walk in node.walks]
        if None in known or (old and drops_own(node)):
            continue
        wanted = {problem for found in known if found for problem in found}
        said = {problem.value for problem in node.problems} - {"unbalanced"}
        if "blocked" in said & wanted:  # of which what is missing follows
            said, wanted = said - {"missing"}, wanted - {"missing"}
        what = f"{frontend.frontend} of {frontend.frontend.service}: {said}, not {wanted}"
        assert said == wanted, f"{what}\n{told(report)}"
        verdicts.update(said)
    return verdicts
