"""Two states of a cluster: what was added, removed, changed.

What one side did not read is no difference (law 2): it is left out, whatever the other side says.
Of a Service, node or chain that is on one side only, what lies below it is not told as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from ..model.state import Change, ChangeKind, State


def compare(before: State, after: State) -> tuple[Change, ...]:
    unread = {path for path in (*before.unread, *after.unread) if not _alike(path, before, after)}
    changes: list[Change] = []
    whole: set[str] = set()  # paths that are on one side only
    for path in sorted(before.facts.keys() | after.facts.keys(), key=_in_order):
        if _within(path, unread) or _within(path, whole):
            continue
        old, new = before.facts.get(path), after.facts.get(path)
        if old == new:
            continue
        if old is None or new is None:
            kind = ChangeKind.ADDED if old is None else ChangeKind.REMOVED
            changes.append(Change(kind=kind, path=path, before=old, after=new))
            whole.add(path)
        else:
            changes.append(_changed(path, old, new))
    return tuple(changes)


def unread_of(before: State, after: State) -> Mapping[str, tuple[str, str]]:
    """Why each path was not read before and after, "" where it was. Not told: what lies in
    another one, or in something that is on one side only."""
    paths = sorted(before.unread.keys() | after.unread.keys(), key=_in_order)
    return {
        path: (_why(path, before), _why(path, after))
        for path in paths
        if not _within(_parent(path), paths) and not _alone(path, before, after)
    }


def _why(path: str, state: State) -> str:
    return next((state.unread[end] for end in _ends(path) if end in state.unread), "")


def _alone(path: str, before: State, after: State) -> bool:
    return any((end in before.facts) != (end in after.facts) for end in _ends(_parent(path)))


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _in_order(path: str) -> list[str]:
    return path.split("/")


def _alike(path: str, before: State, after: State) -> bool:
    """Of ranges the same sources were not read: what the others say can be compared."""
    return path == "ranges" and before.unread.get(path) == after.unread.get(path)


def _within(path: str, paths: Collection[str]) -> bool:
    return any(end in paths for end in _ends(path))


def _ends(path: str) -> Iterator[str]:
    words = path.split("/")
    for length in range(1, len(words) + 1):
        yield "/".join(words[:length])


def _changed(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> Change:
    """The lines of one side only; where there are none, all, for their order differs."""
    gone, come = _without(old, new), _without(new, old)
    if not gone and not come:
        gone, come = old, new
    return Change(kind=ChangeKind.CHANGED, path=path, before=gone, after=come)


def _without(lines: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    rest = Counter(others)
    found = []
    for line in lines:
        if rest[line] > 0:
            rest[line] -= 1
        else:
            found.append(line)
    return tuple(found)
