"""A kube-proxy that is there and does not run: SVN301 and SVN317.

`proxy` and `check` state it of each such node. `trace` states it once for all its Services, and
only where the node differs: rules that are right need nobody awake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...model.finding import Finding, Level
from ...model.proxystate import Down
from ...model.report import FAULTS, ServiceTrace
from ..codes import finding
from .findings import HALTED, NodeFacts

#: What a container waits for that is about to start.
_STARTING = ("ContainerCreating", "PodInitializing", "phase Pending")


def unfollowed_of(
    services: Iterable[ServiceTrace], facts: Mapping[str, NodeFacts]
) -> tuple[Finding, ...]:
    """Nodes that differ, settled, and whose kube-proxy does not run."""
    differ: dict[str, dict[str, None]] = {}
    for service in services:
        for frontend in service.frontends:
            for trace in frontend.nodes:
                if trace.settled and FAULTS.intersection(trace.problems):
                    differ.setdefault(trace.node, {})[str(service.service.name)] = None
    found: list[Finding] = []
    for node in sorted(differ.keys() & facts.keys()):
        of_node, names = facts[node], tuple(differ[node])
        if of_node.halted:
            found.append(halted(node, of_node.proxy, of_node.state, names))
        elif of_node.down:
            found.append(not_running(node, of_node.proxy, of_node.down, names))
    return tuple(found)


def halted(node: str, proxy: str, state: str, services: Sequence[str] = ()) -> Finding:
    """SVN301, of the letter of its process. `services` differ on the node, as far as is known."""
    return finding(
        "SVN301",
        f"kube-proxy is {HALTED[state]} and follows nothing{_differ(services)}",
        node=node,
        evidence=(f"/proc/1/status of {proxy} says State: {state}",),
        next=_typed("delete pod", proxy),
    )


def not_running(node: str, proxy: str, down: Down, services: Sequence[str] = ()) -> Finding:
    """SVN317. One that is about to start is no error, in its first minute no more than a note."""
    level = None
    if down.why in _STARTING:
        level = Level.INFO if down.starting else Level.WARNING
    return finding(
        "SVN317",
        f"kube-proxy does not run on this node ({down}){_differ(services)}",
        node=node,
        next=_typed("logs", proxy) + (" --previous" if down.restarts else ""),
        level=level,
    )


def _differ(services: Sequence[str]) -> str:
    if len(services) > 1:
        return f"; {len(services)} Services differ (first: {services[0]})"
    return f"; {services[0]} differs" if services else ""


def _typed(verb: str, proxy: str) -> str:
    namespace, _, pod = proxy.partition("/")
    return f"kubectl -n {namespace} {verb} {pod}" if pod else ""
