"""A walk, rule by rule: hook, rule, what it did; each further fate from where it parts."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.fate import Fate, FateKind, Step
from ...model.report import FrontendTrace, Walk
from ..escape import escape
from ..style import Style


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
    lines = [
        escape(
            f"{where}: {asked.client.value} {source}{note} -> {packet.destination}:"
            f"{packet.destination_port}/{packet.protocol.value}"
        )
    ]
    before: Sequence[Step] = ()
    for fate in walk.fates:
        lines += _fate(fate, before)
        before = fate.steps
    return lines


def _fate(fate: Fate, before: Sequence[Step]) -> list[str]:
    shared = 0
    while shared < min(len(before), len(fate.steps)) and before[shared] == fate.steps[shared]:
        shared += 1
    indent = "  " if shared == 0 else "    "
    lines = []
    hook = before[shared - 1].hook if shared else ""
    for step in fate.steps[shared:]:
        name = step.hook if step.hook != hook else ""
        hook = step.hook
        text = f"{step.rule}  {step.rule.raw}" if step.rule else ""
        lines.append(escape(f"{indent}{name:<12}{text or step.action}").rstrip())
        if text and step.action:
            lines.append(escape(f"{indent}{'':<12}  {step.action}"))
    return [*lines, escape(f"{indent}=> {outcome(fate)}")]


def outcome(fate: Fate) -> str:
    """One fate in words."""
    share = (
        "if the client is known there" if fate.probability is None else f"{fate.probability:.1%}"
    )
    what = fate.kind.value
    if fate.kind is FateKind.ENDPOINT:
        what = f"arrives at {fate.endpoint}, {source_in_words(fate)}"
    elif fate.kind in (FateKind.UNKNOWN, FateKind.REJECT, FateKind.DROP) and fate.because:
        what = f"{fate.kind.value}: {fate.because}"
    elif fate.kind is FateKind.UNREAD:
        what = "unread: " + ", ".join(sorted(map(str, fate.unread)))
    return f"{share}  {what}"


def source_in_words(fate: Fate) -> str:
    if fate.masquerade is None:
        return "its source may be translated"
    if not fate.masquerade:
        return "its source kept"
    return f"its source translated to {fate.source}" if fate.source else "its source translated"
