"""`trace` as a person reads it: per frontend the nodes that agree in one row, outliers alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...model.counted import counted
from ...model.fate import Fate, FateKind
from ...model.report import FrontendTrace, NodeTrace, ServiceTrace, TraceReport, Verdict, Walk
from ...model.service import FrontendKind
from ..columns import columns
from ..escape import escape
from ..nodes import fold, general, names
from ..style import Style
from .statements import statements, text_of
from .steps import by_hand
from .walk import explained

HEAD = ("NODES", "PROXY", "VERDICT", "ENDPOINTS", "DIFFERENCE")

#: Verdicts for which one rule is to blame.
_BLAMED = (Verdict.BLOCKED, Verdict.POLICY, Verdict.DIVERTED)

#: Every gap begins with it; in a narrow column there would be nothing else.
_EXEC = re.compile(r"^exec in [^ :]+( [^ :]+)?: ")

_PAINT = {Verdict.OK: "ok", Verdict.POLICY: "info", Verdict.UNREAD: "warning"}


def render(report: TraceReport, style: Style) -> str:
    blocks = [_service(service, style) for service in report.services]
    lines = [line for block in blocks for line in (*block, "")][:-1]
    lines += statements(report.findings, report.gaps, style)
    if report.steps:
        lines += ["", *by_hand(report.steps, style)]
    return text_of(lines)


def _service(trace: ServiceTrace, style: Style) -> list[str]:
    service = trace.service
    if trace.sentence:
        return style.paragraph(trace.sentence)
    pods = {(e.address.address, e.pod): e.ready for e in trace.endpoints}
    ready = sum(pods.values())
    selector = ",".join(f"{k}={v}" for k, v in service.selector.items()) or "<none>"
    where = ",".join(str(a) for a in service.cluster_ips)
    head = (
        str(service.name),
        f"{service.type} {where}",
        selector,
        "endpoints not read"
        if trace.blind
        else f"{ready} of {counted(len(pods), 'endpoint')} ready",
    )
    lines = [style.cut("   ".join(map(escape, head)), style.width)]
    for frontends in _alike(trace.frontends):
        lines += [*map(_frontend, frontends), "", *_nodes(frontends[0], style), ""]
        if style.explain:
            for frontend in frontends:
                lines += [*explained(frontend, style), ""]
    return lines[:-1]


def _frontend(trace: FrontendTrace) -> str:
    frontend = trace.frontend
    kind = "" if frontend.kind is FrontendKind.CLUSTER_IP else f"  {frontend.kind.value}"
    return escape(f"{frontend.port_name or '-'}  {frontend}{kind}")


def _alike(traces: Sequence[FrontendTrace]) -> list[list[FrontendTrace]]:
    """Frontends whose tables would be the same stand over one table."""
    grouped: dict[object, list[FrontendTrace]] = {}
    for trace in traces:
        key = (
            trace.endpoints,
            tuple((n.node, _row(n, trace)) for n in trace.nodes),
        )
        grouped.setdefault(key, []).append(trace)
    return list(grouped.values())


def _nodes(trace: FrontendTrace, style: Style) -> list[str]:
    if not trace.nodes:
        return ["no node was read"]
    if style.wide:
        return _matrix(trace, style)
    rows = fold((node.node, _row(node, trace)) for node in trace.nodes)
    full = [(names(nodes), *row) for nodes, row in rows]
    used = [max(len(row[i]) for row in [HEAD, *full]) for i in range(4)]
    room = max(style.width - sum(used) - 4 * 3, 10)
    cells = [(*row[:4], style.cut(_fitting(row[4], room), room)) for row in full]
    lines = columns([HEAD, *cells])
    painted = [_painted(line, row[2], style) for line, row in zip(lines[1:], cells, strict=True)]
    return ([lines[0]] if style.headers else []) + painted


def _fitting(text: str, room: int) -> str:
    """Without the pods' names where they would push an address out of the line."""
    return text if len(text) <= room else re.sub(r"(?<=\d) \((?!not settled)[^()]*\)", "", text)


def _painted(line: str, verdict: str, style: Style) -> str:
    level = _PAINT.get(Verdict(verdict), "error")
    before, word, after = line.partition(f"   {verdict} ")
    return f"{before}   {style.paint(verdict, level)} {after}" if word else line


def _row(node: NodeTrace, trace: FrontendTrace) -> tuple[str, str, str, str]:
    right = len(set(node.reached) & set(node.expected))
    if node.verdict in (Verdict.UNREAD,):
        count = "-"
    elif not node.expected:
        count = "0/0"
    else:
        count = f"{right}/{len(node.expected)}"
    return node.dataplane, node.verdict.value, count, difference(node, trace)


def difference(node: NodeTrace, trace: FrontendTrace) -> str:
    """What is not as it should be, in one line: -missing, +stale, or the rule to blame."""
    pods = {e.address: e.pod for e in trace.endpoints}
    signed = [("-", a) for a in node.missing] + [("+", a) for a in node.stale]
    parts = [f"{sign}{a}" + (f" ({pods[a]})" if pods.get(a) else "") for sign, a in signed]
    if node.verdict in (Verdict.UNREAD, Verdict.UNKNOWN):
        parts = [_EXEC.sub("", general(node.reason, node.node))]
    elif node.verdict in _BLAMED or (not parts and node.verdict is not Verdict.OK):
        parts = [_blame(node)]
    if not parts:
        return _refusal(node) or "-"
    return " ".join(parts) + ("" if node.settled else " (not settled)")


def _refusal(node: NodeTrace) -> str:
    """An asked-for refusal is said, so that 0/0 does not look like a fault."""
    whys = {w.asked.expectation.why for w in node.walks} - {""}
    if node.expected or not whys:
        return ""
    return "refused: " + ", ".join(sorted(whys))


def _blame(node: NodeTrace) -> str:
    diverted = node.verdict is Verdict.DIVERTED
    asked = [w for w in node.walks if diverted or w.asked.expectation.endpoints]
    fates = [fate for walk in asked for fate in walk.fates if fate.rules or fate.because]
    for fate in fates if node.verdict in _BLAMED else ():
        refused = fate.kind in (FateKind.DROP, FateKind.REJECT)
        if not diverted and refused:
            return f"by {fate.because or fate.rules[-1]}"
        rule = next((r for r in fate.rules if " -j DNAT" in r.raw or " -j REDIRECT" in r.raw), None)
        if diverted and rule and not rule.chain.chain.startswith("KUBE-"):
            return f"by {rule}"
    if node.verdict is Verdict.UNBALANCED:
        return " ".join(sorted({_share(fate) for w in node.walks[:1] for fate in w.fates}))
    return "not dispatched" if node.verdict is Verdict.ABSENT else ""


def _share(fate: Fate) -> str:
    share = "?" if fate.probability is None else f"{fate.probability:.0%}"
    return f"{share} {fate.endpoint or fate.kind.value}"


def _matrix(trace: FrontendTrace, style: Style) -> list[str]:
    """Endpoint by node, with the shares that a pod of the node has; (m) is masqueraded."""
    addresses = sorted(
        {e.address for e in trace.endpoints} | {a for n in trace.nodes for a in n.reached},
        key=lambda a: (a.address.version, a),
    )
    known = {e.address: e for e in trace.endpoints}
    head = ["ENDPOINT", "POD", "NODE", "READY", *(n.node for n in trace.nodes)]
    rows = []
    for address in addresses:
        endpoint = known.get(address)
        about = ["<none>", "<none>", "<none>"]
        if endpoint is not None:
            ready = "yes" if endpoint.ready else "terminating" if endpoint.terminating else "no"
            about = [endpoint.pod or "<none>", endpoint.node or "<none>", ready]
        shares = [_shares(node.walks[:1], address) for node in trace.nodes]
        rows.append([str(address), *about, *shares])
    rows.append(["VERDICT", "", "", "", *(n.verdict.value for n in trace.nodes)])
    lines = columns([head, *rows])
    refusals = fold((node.node, _refusal(node)) for node in trace.nodes)
    said = [escape(f"{names(nodes)}: {why}") for nodes, why in refusals if why]
    return [*(lines if style.headers else lines[1:]), *said]


def _shares(walks: Sequence[Walk], address: object) -> str:
    fates = [f for walk in walks for f in walk.fates if f.endpoint == address]
    if not fates:
        return "-"
    if any(f.probability is None for f in fates) and not any(f.probability for f in fates):
        return "by state"
    share = sum(f.probability or 0.0 for f in fates)
    return f"{share:.1%}" + (" (m)" if any(f.masquerade for f in fates) else "")
