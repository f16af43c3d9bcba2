"""A report in, a string out. Every output format is named once here; none decides anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..model.finding import Finding, Level
from ..model.report import (
    AddressesReport,
    CheckReport,
    DiffReport,
    LogsReport,
    PacketsReport,
    PermissionsReport,
    PlanReport,
    ProxyReport,
    RangesReport,
    SnapshotReport,
    TraceReport,
)
from . import junit, sarif
from .document import Report, document
from .escape import escape
from .roles import manifests
from .style import Style
from .table import (
    addresses,
    check,
    diff,
    logs,
    packet,
    permissions,
    plan,
    proxy,
    ranges,
    snapshot,
    trace,
)

Renderer = Callable[[Report, Style], str]


def _table(report: Report, style: Style) -> str:
    match report:
        case TraceReport():
            return trace.render(report, style)
        case CheckReport():
            return check.render(report, style)
        case RangesReport():
            return ranges.render(report, style)
        case AddressesReport():
            return addresses.render(report, style)
        case ProxyReport():
            return proxy.render(report, style)
        case PacketsReport():
            return packet.render(report, style)
        case LogsReport():
            return logs.render(report, style)
        case DiffReport():
            return diff.render(report, style)
        case PermissionsReport():
            return permissions.render(report, style)
        case PlanReport():
            return plan.render(report, style)
        case SnapshotReport():
            return snapshot.render(report, style)


def written(made: Mapping[str, Any], output: str) -> str:
    """A document as `output`, json or yaml."""
    if output == "json":
        return json.dumps(made, indent=2, ensure_ascii=True) + "\n"
    import yaml  # comes with kubernetes; only this format needs it

    return str(yaml.safe_dump(made, sort_keys=False, allow_unicode=False))


def _json(report: Report, style: Style) -> str:
    return written(document(report), "json")


def _json_line(report: Report, style: Style) -> str:
    return json.dumps(document(report), ensure_ascii=True) + "\n"


def _yaml(report: Report, style: Style) -> str:
    text = written(document(report), "yaml")
    return f"---\n{text}" if getattr(report, "continued", False) else text


def _name(report: Report, style: Style) -> str:
    """The nodes at fault, as kubectl names them (of `check` and `proxy` those with more than an
    info, and Services that are wrong by themselves); of ranges, the ranges themselves, of
    addresses those that hold them; of packets, where they arrive; of logs, the nodes that say
    something; of permissions, those that are missing; of a difference, its paths."""
    match report:
        case TraceReport():
            bad = {
                node.node
                for service in report.services
                for frontend in service.frontends
                for node in frontend.nodes
                if node.amiss and node.settled
            }
            names = [f"node/{name}" for name in sorted(bad)]
        case RangesReport():
            names = list(dict.fromkeys(found.text for found in report.ranges))
        case AddressesReport():
            names = list(dict.fromkeys(use.range for use in report.addresses if use.range))
        case CheckReport() | ProxyReport():
            found = (each for one in report.findings for each in (one.objects or (one,)))
            names = sorted({_at_fault(one) for one in found if one.level is not Level.INFO} - {""})
        case PacketsReport():
            ends = (fate.endpoint for one in report.packets for fate in one.fates)
            names = list(dict.fromkeys(str(endpoint) for endpoint in ends if endpoint))
        case LogsReport():
            names = list(dict.fromkeys(f"node/{line.node}" for line in report.lines if line.node))
        case DiffReport():
            names = [change.path for change in report.changes]
        case PermissionsReport():
            lacking = (one.right for one in report.permissions if one.allowed is False)
            names = [f"{right.verb} {right.object}" for right in lacking]
        case PlanReport():
            names = [command.argv for command in report.commands]
        case SnapshotReport():
            names = [report.file]
    return "".join(f"{escape(name)}\n" for name in names)


def _at_fault(one: Finding) -> str:
    if one.node:
        return f"node/{one.node}"
    return f"service/{one.service.rpartition('/')[2]}" if one.service else ""


def _role(report: Report, style: Style) -> str:
    return manifests(report.permissions) if isinstance(report, PermissionsReport) else ""


RENDERERS: Mapping[str, Renderer] = {
    "json": _json,
    "jsonl": _json_line,  # of what is followed
    "name": _name,
    "role": _role,  # of `permissions --role`
    "table": _table,
    "wide": _table,
    "yaml": _yaml,
}


#: Formats that `check` alone has.
OF_CHECK: Mapping[str, Callable[[CheckReport], str]] = {
    "junit": junit.render,
    "sarif": sarif.render,
}


def render(report: Report, output: str, style: Style) -> str:
    if output in OF_CHECK:
        assert isinstance(report, CheckReport)  # flags offer it to no other command
        return OF_CHECK[output](report)
    return RENDERERS[output](report, style)
