"""What of all findings passes on to a report: chosen, skipped, known before, of another level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...model.finding import Finding, Level
from ...model.gate import Gate, key_of
from ..codes import CODES

_LEVELS = (Level.INFO, Level.WARNING, Level.ERROR)


def passed(findings: Iterable[Finding], gate: Gate) -> Iterator[Finding]:
    """Before anything is grouped, so that each object is asked about by itself."""
    for one in findings:
        if gate.only and one.code not in gate.only:
            continue
        if gate.skip.intersection((one.code, where) for where in ("", one.service, one.node)):
            continue
        one = _levelled(one, gate)
        known = gate.known.get(key_of(one))
        if known is None or _LEVELS.index(one.level) > _LEVELS.index(known):
            yield one


def _levelled(one: Finding, gate: Gate) -> Finding:
    """An unsettled difference, say, is less than the catalogue has it: never raised."""
    level = gate.levels.get(one.code)
    if level is None or level is one.level:
        return one
    usual = CODES[one.code].level
    lower = _LEVELS.index(one.level) < _LEVELS.index(usual)
    return replace(one, level=min(level, one.level, key=_LEVELS.index) if lower else level)
