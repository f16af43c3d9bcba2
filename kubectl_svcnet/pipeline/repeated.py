"""`check --wait` and `check -w`: the same question again, until all is well or somebody has seen
enough. Each time the whole of it is read anew; nothing is kept but what was told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import SvcnetError
from ..model.capture import Source, Streaming
from ..model.finding import Finding, Gap, Level
from ..model.gate import Gate, Key, key_of
from ..model.options import Options
from ..model.report import CheckReport, Collected, Coverage
from .check import check

#: Seconds between two checks; what differs has been waited for already (--settle).
PAUSE = 2.0
EVERY = 10.0

#: As in --fail-on: what makes a finding fail, from the first to the one that is named.
_LEVELS = ("never", Level.ERROR.value, Level.WARNING.value, Level.INFO.value)

Tell = Callable[[CheckReport], None]


def wait(source: Source, options: Options, gate: Gate) -> CheckReport:
    """The first report in which every node is programmed, or the last before time is up."""
    started = source.now()
    while True:
        began = source.now()
        report = check(source, options, gate)
        now = source.now()
        left = options.timeout - (now - started) if options.timeout else PAUSE + 1 + now - began
        if programmed(report, options) or left < PAUSE + (now - began):
            return report
        source.wait(PAUSE)


def programmed(report: CheckReport, options: Options) -> bool:
    """Nothing differs, not even for a moment, and everything needed was seen."""
    seen = report.coverage
    accepted = frozenset(options.accept_gaps)
    blind = any(gap.blocking and not {gap.node, gap.what} & accepted for gap in report.gaps)
    failing = _LEVELS[: _LEVELS.index(options.fail_on) + 1]
    wrong = any(one.level.value in failing for one in report.findings)
    return not (seen.differ or seen.unsettled or seen.unknown or blind or wrong)


def watch(source: Streaming, options: Options, tell: Tell, gate: Gate) -> None:
    """All at first; then, each time that something changes, what is new and what is gone."""
    before: CheckReport | None = None
    while not source.ended:
        report = _checked(source, options, gate)
        if before is not None and _is_over(source):
            return  # it was cut short
        news = report if before is None else _news(before, report)
        if news is not None:
            tell(news)
        before = report
        source.wait(EVERY)


def _is_over(source: Streaming) -> bool:
    return source.ended


def _checked(source: Streaming, options: Options, gate: Gate) -> CheckReport:
    try:
        return check(source, options, gate)
    except SvcnetError as error:
        gap = Gap(what="check", why=str(error), next=error.next or "", blocking=True)
        return CheckReport(collected=Collected(), gaps=(gap,))


def _news(before: CheckReport, now: CheckReport) -> CheckReport | None:
    """None where nothing is."""
    old, new = _by_key(before), _by_key(now)
    appeared = tuple(one for key, one in new.items() if not _is_like(one, old.get(key)))
    gone = tuple(one for key, one in old.items() if key not in new)
    gaps = tuple(gap for gap in now.gaps if gap not in before.gaps)
    if not (appeared or gone or gaps or _shape(before.coverage) != _shape(now.coverage)):
        return None
    return replace(now, findings=appeared, gone=gone, gaps=gaps, continued=True)


def _by_key(report: CheckReport) -> dict[Key, Finding]:
    return {key_of(one): one for one in report.findings}


def _is_like(one: Finding, other: Finding | None) -> bool:
    """Objects come and go under a cause; their evidence is read anew each time."""
    return other is not None and (one.level, len(one.objects)) == (other.level, len(other.objects))


def _shape(seen: Coverage) -> object:
    return seen.differ, seen.where, seen.unknown, seen.nodes, seen.nodes_read
