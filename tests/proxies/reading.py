"""What the tool says of a node of this test's own."""

from __future__ import annotations

from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, TraceReport
from kubectl_svcnet.pipeline.trace import trace

from .node import ProxyNode
from .topology import HERE


def look(node: ProxyNode, *services: str) -> TraceReport:
    options = Options(services=services, all_namespaces=not services, nodes=(HERE,), settle=0.1)
    return trace(node.source(), options)


def places(report: TraceReport) -> list[tuple[FrontendTrace, NodeTrace]]:
    found = [
        (frontend, node)
        for service in report.services
        for frontend in service.frontends
        for node in frontend.nodes
    ]
    assert {node.node for _, node in found} == {HERE}
    return found


def told(report: TraceReport) -> str:
    lines = [f"{f.code} {f.service} {f.message} {f.evidence}" for f in report.findings]
    return "\n".join([*lines, *(f"gap {g.what}: {g.why}" for g in report.gaps)])
