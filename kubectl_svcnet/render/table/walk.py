"""A walk, rule by rule: what all fates share is said once, up to the choice and after it.

Where the ways part, each has its share in front of its own rules, until the table in which they
parted is over; from there on what is common again is said once, and what is not goes under the
endpoints it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.fate import Fate, FateKind, RuleRef, Step
from ...model.report import FrontendTrace, Walk
from ..escape import escape
from ..style import Style
from .rules import rule_lines
from .sources import source_in_words

_MARGIN = "  "
_HOOK = 13  # POSTROUTING and two blanks

_SHOWN = 3  # endpoints named before the rest is counted


@dataclass(frozen=True, slots=True)
class _Line:
    """The steps of one rule, or one step without a rule."""

    hook: str
    rule: RuleRef | None
    actions: tuple[str, ...]

    @property
    def key(self) -> object:
        """Ways do not part for the device they take: `routed` names both."""
        return self.hook, self.rule, () if self.hook == "ROUTING" else self.actions

    @property
    def stage(self) -> tuple[str, str]:
        place = str(self.rule) if self.rule else self.actions[0]
        return self.hook, place.partition("/")[0]


#: A fate with what is left of its way.
_Way = tuple[Fate, tuple[_Line, ...]]


def explained(trace: FrontendTrace, style: Style) -> list[str]:
    lines: list[str] = []
    for node in trace.nodes:
        for walk in node.walks:
            lines += ["", *walked(walk, style, where=node.node)]
    return lines[1:]


def walked(walk: Walk, style: Style, *, where: str) -> list[str]:
    packet, asked = walk.asked.packet, walk.asked
    source = str(packet.source) if packet.source else "a process of the node"
    note = f" ({asked.note})" if asked.note else ""
    head = (
        f"{where}: {asked.client.value} {source}{note} -> {packet.destination}:"
        f"{packet.destination_port}/{packet.protocol.value}"
    )
    return [*style.paragraph(head), *followed(walk.fates, style)]


def followed(fates: Sequence[Fate], style: Style) -> list[str]:
    """The rules on the way, and where it ends."""
    printer = _Printer(style)
    printer.ways([(fate, _lines_of(fate.steps)) for fate in fates], parted=False)
    return [*printer.lines, *_ends(fates, style)]


def _lines_of(steps: Sequence[Step]) -> tuple[_Line, ...]:
    lines: list[_Line] = []
    for step in steps:
        last = lines[-1] if lines else None
        if last and step.rule is not None and (last.hook, last.rule) == (step.hook, step.rule):
            lines[-1] = _Line(step.hook, step.rule, (*last.actions, step.action))
        else:
            lines.append(_Line(step.hook, step.rule, (step.action,)))
    return tuple(lines)


class _Printer:
    def __init__(self, style: Style) -> None:
        self.style = style
        self.lines: list[str] = []
        self._hook = ""

    def ways(self, ways: Sequence[_Way], *, parted: bool) -> None:
        """`parted`: they parted before, so their shares no longer tell them apart."""
        ways = [way for way in ways if way[1]]
        if not ways:
            return
        shared = _shared([lines for _, lines in ways])
        for number in range(shared):
            self._line(_routed([lines[number] for _, lines in ways]), label="", inner=False)
        groups: dict[object, list[_Way]] = {}
        for fate, lines in ways:
            rest = lines[shared:]
            own = tuple(line.key for line in rest[: _leading(rest)])
            groups.setdefault(own, []).append((fate, rest))
        tails: list[_Way] = []
        for group in groups.values():
            tails += self._branch(group, parted=parted)
        self.ways(tails, parted=True)

    def _branch(self, group: Sequence[_Way], *, parted: bool) -> list[_Way]:
        rest = group[0][1]
        if not rest:
            return []
        middle = _leading(rest)
        label = "" if parted else share([fate for fate, _ in group])
        if parted:
            self.lines.append(escape(f"{_MARGIN}{_toward([fate for fate, _ in group])}"))
            self._hook = ""
        elif rest[0].hook != self._hook:
            self._hook = rest[0].hook
            self.lines.append(f"{_MARGIN}{self._hook}")
        for number in range(middle):
            merged = _routed([way[number] for _, way in group])
            self._line(merged, label=label if number == 0 else "", inner=True)
        return [(fate, way[middle:]) for fate, way in group]

    def _line(self, line: _Line, *, label: str, inner: bool) -> None:
        label = label or (line.hook if line.hook != self._hook else "")
        self._hook = line.hook
        first = f"{_MARGIN}{label:<{_HOOK}}{'  ' * inner}"
        rest = " " * (len(_MARGIN) + _HOOK + 2 * inner)
        if line.rule is None:
            text = "; ".join(line.actions)
            self.lines += self.style.paragraph(text, first=escape(first), rest=f"{rest}  ")
        else:
            self.lines += rule_lines(
                line.rule, line.actions, self.style, first=escape(first), rest=f"{rest}  "
            )


def _shared(ways: Sequence[Sequence[_Line]]) -> int:
    """How many lines at the start all have in common."""
    count = 0
    while all(len(way) > count for way in ways) and len({way[count].key for way in ways}) == 1:
        count += 1
    return count


def _leading(lines: Sequence[_Line]) -> int:
    """How many lines at the start are of one hook's table."""
    count = 0
    while count < len(lines) and lines[count].stage == lines[0].stage:
        count += 1
    return count


def _routed(lines: Sequence[_Line]) -> _Line:
    """One line for several that differ in their device alone: `forward to cni0 or eth0`."""
    first = lines[0]
    actions = list(dict.fromkeys(action for line in lines for action in line.actions))
    if first.hook != "ROUTING" or len(actions) < 2:
        return first
    words, _, _ = actions[0].rpartition(" ")
    if not all(action.startswith(f"{words} ") for action in actions):
        return _Line(first.hook, None, (" or ".join(actions),))
    devices = [action.removeprefix(f"{words} ") for action in actions]
    return _Line(first.hook, None, (f"{words} {' or '.join(devices)}",))


def share(fates: Sequence[Fate]) -> str:
    """Of all packets, together."""
    known = [fate.probability for fate in fates if fate.probability is not None]
    return f"{sum(known):.1%}" if len(known) == len(fates) else "by state"


def _toward(fates: Sequence[Fate]) -> str:
    names = list(dict.fromkeys(str(fate.endpoint or fate.kind.value) for fate in fates))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"of those to {', '.join(names[:_SHOWN])}{more}:"


def _ends(fates: Sequence[Fate], style: Style) -> list[str]:
    """Every end with its share; what is the same of all sources is said once."""
    sources = [source_in_words(fate) for fate in fates]
    once = len(fates) > 1 and len(set(sources)) == 1 and bool(sources[0])
    lines = []
    for fate, source in zip(fates, sources, strict=True):
        text = f"=> {share([fate])}  {outcome(fate)}"
        own = "" if once or not source else f"; {source}"
        lines += style.paragraph(f"{text}{own}", first=_MARGIN, rest="     ")
    return [*lines, *(style.paragraph(f"of all: {sources[0]}", first="     ") if once else ())]


def outcome(fate: Fate) -> str:
    """Where one fate ends, in words."""
    if fate.kind is FateKind.ENDPOINT:
        return f"arrives at {fate.endpoint}"
    if fate.kind is FateKind.UNREAD:
        return "unread: " + ", ".join(sorted(map(str, fate.unread)))
    return f"{fate.kind.value}: {fate.because}" if fate.because else fate.kind.value
