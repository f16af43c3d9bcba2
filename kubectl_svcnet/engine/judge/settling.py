"""A difference counts once it has outlived the wait and the API asked the same all along."""

from __future__ import annotations

from dataclasses import replace

from ...model.report import FAULTS, NodeTrace, Verdict


def settle(first: NodeTrace, second: NodeTrace, *, same: bool) -> NodeTrace:
    """Of two readings of one frontend on one node, the second is shown. It is settled if the
    expectation was the `same` in all readings of the API and a fault of the first is still
    there; else it keeps its verdict, unsettled."""
    if not second.amiss:
        return second
    faults = FAULTS.intersection(second.problems)
    before = {*FAULTS.intersection(first.problems), *first.defects}
    lasting = same and bool(before & {*faults, *second.defects})
    if Verdict.STALE in faults or Verdict.MISSING in faults:
        lasting = lasting and (
            bool(set(first.stale) & set(second.stale))
            or bool(set(first.missing) & set(second.missing))
            or not (second.stale or second.missing)
        )
    return replace(second, settled=lasting)
