"""What each node's kube-proxy is configured with: the ConfigMap that its pod mounts, or its flags.

Found by the pod's own volume, never by a name, since one cluster may have several; with
`--config` the flags are ignored (cmd/kube-proxy/app/options.go). Each ConfigMap is read once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..dataplanes import owner_of
from ..dataplanes.kube_proxy import proxy_pod
from ..errors import ParseError
from ..model.capture import ApiRequest
from ..model.finding import Gap
from ..model.kube_proxy import image_version, minor_version, proxy_container
from ..model.proxystate import Conduct, Setting
from ..model.service import Node, Pod
from ..parse.cidr import parse_networks
from ..parse.flags import find_flag
from ..parse.kube import parse_changed, parse_config_map
from ..parse.kubeadm import (
    EXTERNAL_IPS,
    KubeProxyConfiguration,
    node_port_addresses,
    parse_kube_proxy_configuration,
)
from ..parse.rfc3339 import parse_time
from ..ranges import missed
from .collect import Collector

WHAT = "kube-proxy's configuration"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod's configuration lies: a ConfigMap and a key of it, or a file of its own."""

    namespace: str
    config_map: str
    file: str
    key: str = ""


def read_settings(
    collector: Collector, pods: Sequence[Pod]
) -> tuple[dict[str, Setting], tuple[Gap, ...]]:
    """By "namespace/pod"; what could not be read is missing, with a gap that does not block."""
    places = {str(pod): _place(pod) for pod in pods}
    maps = list(dict.fromkeys((p.namespace, p.config_map) for p in places.values() if p))
    requests = [
        ApiRequest(path=f"/api/v1/namespaces/{namespace}/configmaps/{name}", many=False)
        for namespace, name in maps
        if name
    ]
    captures = collector.map(collector.fetch_one, requests)
    objects: dict[str, Mapping[str, Any]] = {}
    gaps: list[Gap] = []
    for request, capture in zip(requests, captures, strict=True):
        if capture.failure is not None:
            gaps.append(missed(capture, WHAT))
        elif capture.objects:
            objects[request.path] = capture.objects[0]
    settings: dict[str, Setting] = {}
    for pod in pods:
        place = places[str(pod)]
        try:
            found = _by_flags(pod) if place is None else _by_file(place, objects)
        except ParseError as error:
            gaps.append(Gap(what=WHAT, node=pod.node, why=str(error)))
            continue
        if found is not None:
            settings[str(pod)] = found
        elif place is not None and not place.config_map:
            gaps.append(_out_of_reach(pod, place))
    return settings, tuple(dict.fromkeys(gaps))


def conducts(
    collector: Collector, nodes: Iterable[Node], agents: Iterable[Pod]
) -> tuple[dict[str, Conduct], tuple[Gap, ...]]:
    """How each node's kube-proxy goes about its work."""
    by_node: dict[str, tuple[Pod, ...]] = {}
    for agent in agents:
        by_node[agent.node] = (*by_node.get(agent.node, ()), agent)
    known = [(node, by_node.get(node.name, ())) for node in nodes]
    owned = [found for node, found in known if owner_of(node, found).reader is not None]
    pods = [pod for pod in map(proxy_pod, owned) if pod is not None]
    settings, gaps = read_settings(collector, pods)
    running = in_force(pods, settings)
    found = {
        pod.node: Conduct(minor=minor_version(image_version(pod)), setting=running.get(pod.node))
        for pod in pods
    }
    return found, gaps


def in_force(pods: Iterable[Pod], settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """By node. A configuration that was edited after kube-proxy's start is not what it runs with;
    without any argument it has one that cannot be seen."""
    found = {pod.node: _at_start(pod, settings.get(str(pod))) for pod in pods}
    return {node: setting for node, setting in found.items() if setting is not None}


def _at_start(pod: Pod, setting: Setting | None) -> Setting | None:
    container = proxy_container(pod)
    if container is None or setting is None or not container.command:
        return None
    started = parse_time(container.started)
    if setting.changed is None or started is None:
        return setting
    return None if setting.changed > started else setting


def _place(pod: Pod) -> Place | None:
    """None: it is configured by flags."""
    container = proxy_container(pod)
    file = find_flag(container.command, "config") if container else None
    if container is None or not file:
        return None
    name = file.rpartition("/")[2]
    config_map, key = pod.config_at(container, file) or ("", "")
    return Place(pod.namespace, config_map, name, key)


def _by_flags(pod: Pod) -> Setting:
    container = proxy_container(pod)
    words = container.command if container else ()
    ranges = find_flag(words, "cluster-cidr")
    served = find_flag(words, "nodeport-addresses")
    gates = find_flag(words, "feature-gates")
    mode = find_flag(words, "detect-local-mode") or ""
    interface = find_flag(words, _INTERFACE_FLAGS.get(mode, "pod-bridge-interface"))
    return Setting(
        mode=find_flag(words, "proxy-mode") or "",
        cluster_cidr=parse_networks(ranges) if ranges else (),
        detect_local=mode,
        interface=interface or "",
        masquerade_all=find_flag(words, "masquerade-all") in _YES,
        node_port_addresses=node_port_addresses((served or "").split(",")),
        no_external_ips=f"{EXTERNAL_IPS}=false" in (gates or "").split(","),
        source=f"flags of pod {pod}",
    )


#: As Go reads it (strconv.ParseBool), and the flag alone.
_YES = ("", "1", "t", "T", "true", "TRUE", "True")
_INTERFACE_FLAGS = {"InterfaceNamePrefix": "pod-interface-name-prefix"}


def _by_file(place: Place, objects: Mapping[str, Mapping[str, Any]]) -> Setting | None:
    item = objects.get(f"/api/v1/namespaces/{place.namespace}/configmaps/{place.config_map}")
    if item is None:
        return None
    data = parse_config_map(item).data
    texts = [data[place.key]] if place.key in data else data.values()
    found = _first(texts)
    if found is None:
        return None
    source = f"configmap {place.namespace}/{place.config_map}"
    return replace(setting_of(found, source), changed=parse_changed(item))


def _first(texts: Iterable[str]) -> KubeProxyConfiguration | None:
    """The first text that is such a configuration."""
    for text in texts:
        found = parse_kube_proxy_configuration(text) if "KubeProxyConfiguration" in text else None
        if found is not None:
            return found
    return None


def setting_of(found: KubeProxyConfiguration, source: str) -> Setting:
    return Setting(
        mode=found.mode,
        cluster_cidr=found.cluster_cidr.networks if found.cluster_cidr else (),
        detect_local=found.detect_local,
        node_port_addresses=found.node_port_addresses,
        interface=found.interface,
        masquerade_all=found.masquerade_all,
        no_external_ips=found.no_external_ips,
        source=source,
    )


def _out_of_reach(pod: Pod, place: Place) -> Gap:
    return Gap(
        what=WHAT,
        node=pod.node,
        why=f"its file {place.file} comes from no ConfigMap",
        next=f"kubectl -n {pod.namespace} get pod {pod.name} -o yaml",
    )
