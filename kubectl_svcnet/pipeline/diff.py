"""`diff`: two states of a cluster, compared by what they mean.

Both are read in the same way. A side of which nothing could be read is an error, as a bundle is
that cannot be opened. What else one side did not read is a gap and no difference; it blocks, but
where it is a kube-proxy's words about itself, or a node's network beside its rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..engine.compare import compare, unread_of
from ..errors import ClusterError
from ..model.address import Family
from ..model.capture import Source
from ..model.finding import Gap
from ..model.options import Options
from ..model.report import Collected, DiffReport
from ..model.state import State
from .states import read_state


def diff(before: tuple[str, Source], after: tuple[str, Source], options: Options) -> DiffReport:
    """Each with the name that the user gave it. Raises as `read_state` does, and ClusterError."""
    old, _ = _read(before, options)
    new, collected = _read(after, options)
    names = (before[0], after[0])
    return DiffReport(
        collected=collected,
        before=names[0],
        after=names[1],
        changes=compare(old, new),
        gaps=tuple(_gaps(old, new, names)),
    )


def _read(side: tuple[str, Source], options: Options) -> tuple[State, Collected]:
    name, source = side
    state, collected = read_state(source, options)
    if not state.facts:
        why = next(iter(state.unread.values()), "it is empty")
        raise ClusterError(
            f"{name}: nothing could be read: {why}", next="kubectl svcnet permissions"
        )
    return state, collected


def _gaps(old: State, new: State, names: tuple[str, str]) -> Iterator[Gap]:
    """One for all that has the same reason and node."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    for path, whys in unread_of(old, new).items():
        node, what = "", path
        if path.startswith("nodes/"):
            _, node, what = (*path.split("/", 2), "")[:3]
        sides = [f"{name}: {why}" for name, why in zip(names, whys, strict=True) if why]
        why = sides[0] if len(sides) == 1 else f"neither side: {whys[0]}"
        if all(whys) and what.endswith(Family.IPV6.value):
            continue  # most nodes have none
        blocking = not what.startswith(("proxy/", "network/"))
        found.setdefault((node, why, blocking), []).append(what.removeprefix("proxy/") or "nodes")
    for (node, why, blocking), whats in found.items():
        yield Gap(what=", ".join(whats), node=node, why=why, blocking=blocking)
