"""The one JSON document that every command answers with (product.md, "JSON"; docs/schema.json).

YAML is the same document. Foreign text stays exact here: JSON escapes by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ..model.fate import Fate
from ..model.finding import Finding, Gap
from ..model.logline import LogLine
from ..model.report import (
    AddressesReport,
    ByHand,
    CheckReport,
    Collected,
    DiffReport,
    FrontendTrace,
    LogsReport,
    NodeTrace,
    PacketFates,
    PacketsReport,
    Permission,
    PermissionsReport,
    PlanReport,
    ProxyReport,
    RangesReport,
    ServiceTrace,
    SnapshotReport,
    TraceReport,
    Verdict,
    Walk,
)
from ..model.service import Endpoint
from ..model.state import Change
from . import proxy_json, ranges_json
from .times import time_text

API_VERSION = "svcnet/v1alpha1"

Report: TypeAlias = (
    TraceReport
    | CheckReport
    | DiffReport
    | RangesReport
    | AddressesReport
    | ProxyReport
    | LogsReport
    | PacketsReport
    | PermissionsReport
    | PlanReport
    | SnapshotReport
)


def document(report: Report) -> dict[str, Any]:
    kind, items = _items(report)
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "collected": _collected(report.collected),
        "items": items,
        "findings": [_finding(finding) for finding in report.findings],
        "gaps": [_gap(gap) for gap in report.gaps],
        **_gone(report),
    }


def _gone(report: Report) -> dict[str, Any]:
    """With -w: the findings of the document before that are no longer there."""
    if not isinstance(report, CheckReport) or not report.continued:
        return {}
    return {"gone": [_finding(finding) for finding in report.gone]}


def failed(kind: str, sentence: str, next: str | None) -> dict[str, Any]:
    """The document of a command that could read nothing: the reason is its one gap."""
    gap = Gap(what=kind.lower(), why=sentence, next=next or "", blocking=True)
    return {**unread(kind, []), "gaps": [_gap(gap)]}


def unread(kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of a command that reads nothing."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "collected": _collected(Collected()),
        "items": items,
        "findings": [],
        "gaps": [],
    }


def _items(report: Report) -> tuple[str, list[dict[str, Any]]]:
    match report:
        case TraceReport():
            return "Trace", [_service(service, report.steps) for service in report.services]
        case CheckReport():
            return "Check", [_checked(service) for service in report.services]
        case RangesReport():
            return "Ranges", ranges_json.items(report.ranges)
        case AddressesReport():
            return "Addresses", ranges_json.address_items(report.addresses)
        case LogsReport():
            return "Logs", [_line(line) for line in report.lines]
        case ProxyReport():
            return "Proxy", proxy_json.items(report.proxies)
        case PacketsReport():
            return "Packets", [_packet(packet) for packet in report.packets]
        case DiffReport():
            return "Diff", [_change(change) for change in report.changes]
        case PermissionsReport():
            return "Permissions", [_permission(one) for one in report.permissions]
        case PlanReport():
            return "Plan", [
                {"node": c.node, "pod": c.pod, "command": c.argv, "shows": c.shows}
                for c in report.commands
            ] + [
                {"node": None, "pod": None, "command": None, "shows": text}
                for text in report.may_follow
            ]
        case SnapshotReport():
            item = {"file": report.file, "bytes": report.size, "captures": report.captures}
            return "Snapshot", [item]


def _collected(collected: Collected) -> dict[str, Any]:
    return {
        "context": collected.context or None,
        "startedAt": time_text(collected.started_at),
        "seconds": round(collected.seconds, 3),
        "nodes": collected.nodes,
        "nodesRead": collected.nodes_read,
        "execs": collected.execs,
        "bytes": collected.bytes,
    }


def _service(trace: ServiceTrace, steps: Iterable[ByHand]) -> dict[str, Any]:
    """`steps` only where they were asked for; those of the cluster stand in every item."""
    own = [_step(step) for step in steps if step.service in ("", str(trace.service.name))]
    return {
        "service": str(trace.service.name),
        "type": trace.service.type,
        "frontends": [_frontend(frontend) for frontend in trace.frontends],
        **({"sentence": trace.sentence} if trace.sentence else {}),
        **({"steps": own} if own else {}),
    }


def _checked(trace: ServiceTrace) -> dict[str, Any]:
    """As of a trace, of nodes only those that are not ok; `ok` counts the rest."""
    item = _service(trace, ())
    item["frontends"] = []
    for frontend in trace.frontends:
        bad = tuple(node for node in frontend.nodes if node.verdict is not Verdict.OK)
        found = _frontend(replace(frontend, nodes=bad))
        item["frontends"].append({**found, "ok": len(frontend.nodes) - len(bad)})
    return item


def _step(step: ByHand) -> dict[str, Any]:
    return {
        "title": step.title,
        "command": step.command,
        "lines": list(step.lines),
        "note": step.note or None,
    }


def _frontend(trace: FrontendTrace) -> dict[str, Any]:
    frontend = trace.frontend
    return {
        "kind": frontend.kind.value,
        "address": str(frontend.address) if frontend.address is not None else None,
        "port": frontend.port,
        "protocol": frontend.protocol.value,
        "portName": frontend.port_name,
        "family": frontend.family.value,
        "endpoints": [_endpoint(endpoint) for endpoint in trace.endpoints],
        "nodes": [_node(node) for node in trace.nodes],
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "address": str(endpoint.address.address),
        "port": endpoint.address.port,
        "node": endpoint.node or None,
        "pod": endpoint.pod or None,
        "ready": endpoint.ready,
        "serving": endpoint.serving,
        "terminating": endpoint.terminating,
    }


def _node(node: NodeTrace) -> dict[str, Any]:
    return {
        "node": node.node,
        "address": node.address,
        "dataplane": node.dataplane,
        "verdict": node.verdict.value,
        "problems": [problem.value for problem in node.problems],
        "settled": node.settled,
        "reason": node.reason or None,
        "expected": _texts(node.expected),
        "missing": _texts(node.missing),
        "stale": _texts(node.stale),
        "fates": [_fate(walk, fate) for walk in node.walks for fate in walk.fates],
    }


def _texts(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values]


def _fate(walk: Walk, fate: Fate) -> dict[str, Any]:
    asked = walk.asked
    return {
        "client": asked.client.value,
        "source": str(asked.packet.source) if asked.packet.source is not None else None,
        **_end(fate),
        **({"assumed": asked.note} if "assumed" in asked.note else {}),
    }


def _end(fate: Fate) -> dict[str, Any]:
    return {
        "fate": fate.kind.value,
        "endpoint": str(fate.endpoint) if fate.endpoint is not None else None,
        "probability": None if fate.probability is None else round(fate.probability, 6),
        "masquerade": fate.masquerade,
        "rules": _texts(fate.rules),
        **({"because": fate.because} if fate.because else {}),
        **({"unread": sorted(map(str, fate.unread))} if fate.unread else {}),
    }


def _line(line: LogLine) -> dict[str, Any]:
    return {
        "time": None if line.time is None else time_text(line.time),
        "node": line.node or None,
        "source": line.source,
        "level": line.level.value if line.level else None,
        "message": line.message,
        "about": str(line.about),
        **({"assumed": line.assumed} if line.assumed else {}),
    }


def _packet(packet: PacketFates) -> dict[str, Any]:
    return {"id": packet.id, "fates": [_end(fate) for fate in packet.fates]}


def _change(change: Change) -> dict[str, Any]:
    return {
        "change": change.kind.value,
        "path": change.path,
        "before": None if change.before is None else list(change.before),
        "after": None if change.after is None else list(change.after),
    }


def _permission(permission: Permission) -> dict[str, Any]:
    right = permission.right
    return {
        "verb": right.verb,
        "resource": right.named,
        "namespace": right.namespace or None,
        "neededFor": list(permission.needed_for),
        "allowed": permission.allowed,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "title": finding.title,
        "message": finding.message,
        "service": finding.service or None,
        "node": finding.node or None,
        "evidence": list(finding.evidence),
        "next": finding.next or None,
        "docs": finding.docs or None,
        **({"objects": [_object(one) for one in finding.objects]} if finding.objects else {}),
    }


def _object(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "service": finding.service or None,
        "node": finding.node or None,
        "message": finding.message,
    }


def _gap(gap: Gap) -> Mapping[str, Any]:
    return {
        "node": gap.node or None,
        "what": gap.what,
        "why": gap.why,
        "next": gap.next or None,
        "blocking": gap.blocking,
        **({"accepted": True} if gap.accepted else {}),
    }
