"""`proxy` as a table: configured, running and programmed side by side, equal nodes in one row.

What is not known is `?`, what is left to kube-proxy `default`. The note names a finding
about the node, all of which stand below; `-o wide` adds the rest of what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.finding import Finding
from ...model.proxystate import ProxyState
from ...model.report import ProxyReport
from ..columns import columns
from ..nodes import fold, names
from ..style import Style
from ..times import time_text
from .statements import page

_HEAD = ("NODES", "CONFIGURED", "RUNNING", "PROGRAMMED", "VERSION", "SYNC", "NOTE")
_WIDE = (
    "BACKEND",
    "KERNEL",
    "CLUSTER CIDR",
    "DETECT LOCAL",
    "PROCESS",
    "RESTARTS",
    "STARTED",
    "HEALTHZ",
    "FAILURES",
    "LEFTOVERS",
)
_GUTTER = 2
_HEALTH = {True: "healthy", False: "not healthy", None: "?"}


def render(report: ProxyReport, style: Style) -> str:
    rows = fold((state.node, _row(state, report.findings, style)) for state in report.proxies)
    cells = [(names(nodes), *row) for nodes, row in rows]
    head = (*_HEAD, *_WIDE) if style.wide else _HEAD
    fitted = _fitted([head, *cells], style)
    lines = columns(fitted if style.headers else fitted[1:], _GUTTER)
    return page(lines, report, style)


def _fitted(rows: Sequence[Sequence[str]], style: Style) -> list[tuple[str, ...]]:
    """What is programmed gets the room that the other columns leave."""
    used = [max(len(row[i]) for row in rows) for i in (0, 1, 2, 4, 5, 6)]
    room = max(style.width - sum(used) - 6 * _GUTTER, len(_HEAD[3]))
    return [(*row[:3], style.cut(row[3], room), *row[4:]) for row in rows]


def _note(state: ProxyState, findings: Iterable[Finding]) -> str:
    """The first finding's code, and how many more there are; they stand below."""
    found = list(dict.fromkeys(one.code for one in findings if one.node == state.node))
    return " +".join([found[0], str(len(found) - 1)][: min(len(found), 2)]) if found else "-"


def _row(state: ProxyState, findings: Iterable[Finding], style: Style) -> tuple[str, ...]:
    configured = state.configured
    row = (
        (configured.mode or "default") if configured else "-" if not state.pod else "?",
        state.running or ("unknown" if state.pod else state.owner),
        "?" if state.programmed is None else ", ".join(state.programmed) or "nothing",
        state.version or "?",
        state.sync.state.value,
        _note(state, findings),
    )
    return (*row, *_rest(state)) if style.wide else row


def _rest(state: ProxyState) -> tuple[str, ...]:
    setting, metrics = state.setting, state.sync.metrics
    return (
        state.backend or "-",
        state.kernel or "?",
        ",".join(map(str, setting.cluster_cidr)) or "-",
        setting.detect_local or "-",
        state.process or "?",
        str(state.restarts),
        time_text(state.started or 0.0) or "?",
        _HEALTH[state.sync.healthy],
        "?" if metrics is None else str(metrics.failures),
        "; ".join(f"{left.what}: {left.harm.value}" for left in state.leftovers) or "-",
    )
