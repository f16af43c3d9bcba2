"""Node ports that a kube-proxy serves nowhere on its node: nodePortAddresses without any of the
node's addresses.

In the kernel that looks as if rules had gone, so its configuration decides, which is read only of
nodes where a node port is absent. Configuration that is newer than the process decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..model.address import Family, family_of
from ..model.finding import Gap
from ..model.kube_proxy import proxy_container
from ..model.proxystate import Setting
from ..model.report import Verdict
from ..model.service import FrontendKind
from ..parse.kube import parse_time
from .collect import Collector
from .configured import read_settings
from .judging import Judged
from .nodes import NodeReading


def unserved(judged: Judged) -> frozenset[str]:
    """The nodes on which a node port is absent."""
    return frozenset(
        name
        for (frontend, name), trace in judged.items()
        if frontend.kind is FrontendKind.NODE_PORT and Verdict.ABSENT in trace.problems
    )


def look_up(
    collector: Collector, readings: Mapping[str, NodeReading], names: Collection[str]
) -> tuple[dict[str, NodeReading], tuple[Gap, ...]]:
    """These nodes' readings with what their kube-proxy is set to."""
    pods = [pod for name in names if (pod := readings[name].proxy) is not None]
    settings, gaps = read_settings(collector, pods)
    return with_settings(readings, settings), gaps


def with_settings(
    readings: Mapping[str, NodeReading], settings: Mapping[str, Setting]
) -> dict[str, NodeReading]:
    """`settings` by "namespace/pod"."""
    return {
        name: replace(reading, nowhere=_nowhere(reading, settings))
        for name, reading in readings.items()
    }


def _nowhere(reading: NodeReading, settings: Mapping[str, Setting]) -> Mapping[Family, str]:
    """Ranges of the other family do not count, and no range of a family is all of its addresses
    (kubernetes pkg/proxy/util/nodeport_addresses.go)."""
    pod, view = reading.proxy, reading.view
    setting = settings.get(f"{pod.namespace}/{pod.name}") if pod else None
    container = proxy_container(pod) if pod else None
    started = parse_time(container.started) if container else None
    if setting is None or view is None or view.addresses is None or started is None:
        return {}
    if setting.changed is not None and setting.changed > started:
        return {}
    here = [entry.address for entry in view.addresses if not entry.address.is_loopback]
    found = {}
    for family in Family:
        ranges = [r for r in setting.node_port_addresses if family_of(r.network_address) is family]
        if ranges and not any(address in each for each in ranges for address in here):
            named = ", ".join(map(str, ranges))
            found[family] = (
                f"kube-proxy serves node ports at {named} only (nodePortAddresses), and the node "
                "has no such address"
            )
    return found
