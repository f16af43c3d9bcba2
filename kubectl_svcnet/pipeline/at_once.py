"""Other programs that handle Services on a node beside its kube-proxy, or a second one of it.

Only those that are at work: kube-router by its flag, Calico by its environment, Cilium by
`kube-proxy-replacement` in its ConfigMap, since its agent beside a kube-proxy is an ordinary
cluster. Antrea, OVN-Kubernetes and Kube-OVN share the work with a kube-proxy by design.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..dataplanes import FOREIGN
from ..dataplanes.kube_proxy import proxy_pod, rivals
from ..model.capture import ApiRequest, Reason
from ..model.finding import Gap
from ..model.service import Node, Pod, pods_on
from ..parse.kube import parse_config_map
from ..ranges import missed
from .collect import Collector

_INSTEAD = ("calico-ebpf", "kube-router")
_CILIUM = "cilium"
_REPLACES = ("true", "strict")


def read_others(
    collector: Collector, nodes: Sequence[Node], agents: Iterable[Pod]
) -> tuple[dict[str, tuple[str, ...]], tuple[Gap, ...]]:
    """By node: names of the programs that do kube-proxy's work beside it."""
    agents = tuple(agents)
    found: dict[str, tuple[str, ...]] = {}
    gaps: list[Gap] = []
    replaced: bool | None = None
    for node in nodes:
        here = pods_on(node, agents)
        if proxy_pod(here) is None:
            continue
        twins = [f"kube-proxy (pod {pod})" for pod in rivals(here)]
        names = {one.name for one in FOREIGN if one.recognise(node, here) is not None}
        working = [*twins, *names.intersection(_INSTEAD)]
        if _CILIUM in names:
            if replaced is None:
                replaced, more = _cilium_replaces(collector, here)
                gaps += more
            if replaced:
                working.append(_CILIUM)
        if working:
            found[node.name] = tuple(sorted(working))
    return found, tuple(gaps)


def _cilium_replaces(collector: Collector, agents: Iterable[Pod]) -> tuple[bool, list[Gap]]:
    namespace = next(p.namespace for p in agents if p.labels.get("k8s-app") == _CILIUM)
    path = f"/api/v1/namespaces/{namespace}/configmaps/cilium-config"
    capture = collector.fetch_one(ApiRequest(path=path, many=False))
    if capture.failure is not None:
        absent = capture.failed(Reason.NOT_FOUND)
        return False, [] if absent else [missed(capture, "Cilium's configuration")]
    data = parse_config_map(capture.objects[0]).data if capture.objects else {}
    return data.get("kube-proxy-replacement", "") in _REPLACES, []
