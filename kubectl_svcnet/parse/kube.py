"""API objects (JSON as dicts) in, model out: Services, EndpointSlices, Nodes, ConfigMaps, Events.

Written against core/v1 and discovery.k8s.io/v1 (v1beta1 reads the same). A field of the wrong
type in a foreign object reads as absent; an object without a name raises ParseError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ..errors import ParseError
from ..model.address import IPAddress, Protocol, SocketAddress
from ..model.service import (
    ConfigMap,
    Endpoint,
    Event,
    Node,
    Service,
    ServiceName,
    ServicePort,
    Slice,
)
from .kube_fields import Json
from .kube_fields import addresses as _addresses
from .kube_fields import identity as _identity
from .kube_fields import labels as _labels
from .kube_fields import mapping as _map
from .kube_fields import mappings as _maps
from .kube_fields import networks as _networks
from .kube_fields import number as _number
from .kube_fields import protocol as _protocol
from .kube_fields import text as _text
from .kube_fields import texts as _strings
from .kube_fields import whole_mappings as _every

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z", re.ASCII)
_PROXY_NAME = "service.kubernetes.io/service-proxy-name"

#: Labels and annotations that mark a node without a kernel of its own to read.
_VIRTUAL = (
    ("type", "virtual-kubelet"),
    ("eks.amazonaws.com/compute-type", "fargate"),
    ("kubernetes.io/role", "agent-virtual"),
)


def parse_service(item: Json) -> Service:
    spec, status = _map(item, "spec"), _map(item, "status")
    kind = _text(spec, "type") or "ClusterIP"
    addresses = _strings(spec, "clusterIPs") or _strings(spec, "clusterIP")
    affinity = _map(_map(spec, "sessionAffinityConfig"), "clientIP").get("timeoutSeconds")
    sticky = spec.get("sessionAffinity") == "ClientIP"
    meta = _map(item, "metadata")
    notes = _labels(meta, "annotations")
    return Service(
        name=ServiceName(*_identity(item)),
        type=kind,
        ports=tuple(_service_port(port) for port in _maps(spec, "ports")),
        cluster_ips=_addresses(addresses) if kind != "ExternalName" else (),
        external_ips=_addresses(_strings(spec, "externalIPs")),
        load_balancer_ips=_addresses(_ingress(_map(status, "loadBalancer"))),
        source_ranges=_networks(_strings(spec, "loadBalancerSourceRanges")),
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        external_local=spec.get("externalTrafficPolicy") == "Local",
        affinity_seconds=_number(affinity, 10800) if sticky else None,
        selector=_labels(spec, "selector"),
        headless=spec.get("clusterIP") == "None",
        external_name=_text(spec, "externalName") if kind == "ExternalName" else "",
        other_proxy=_labels(meta, "labels").get(_PROXY_NAME, ""),
        health_check_node_port=_number(spec.get("healthCheckNodePort"), 0),
        publish_not_ready=spec.get("publishNotReadyAddresses") is True,
        resource_version=_text(meta, "resourceVersion"),
        aware_hints=notes.get("service.kubernetes.io/topology-aware-hints", ""),
        topology_mode=notes.get("service.kubernetes.io/topology-mode", ""),
    )


def parse_slices(items: Iterable[Json]) -> dict[ServiceName, tuple[Endpoint, ...]]:
    """EndpointSlices joined by the label that names their Service.

    As kube-proxy reads them (pkg/proxy/endpointslicecache.go): only the first address counts, a
    port without number is ignored. Of the same address twice an entry that is not terminating
    comes first, and what others say is kept. Raises ParseError for a slice that cannot be read
    whole: one endpoint less would be another expectation.
    """
    joined: dict[ServiceName, dict[tuple[SocketAddress, str, Protocol], list[Endpoint]]] = {}
    for item in items:
        namespace, _ = _identity(item)
        service = _labels(_map(item, "metadata"), "labels").get("kubernetes.io/service-name", "")
        if not service:
            continue
        known = joined.setdefault(ServiceName(namespace, service), {})
        for endpoint in _slice_endpoints(item):
            key = (endpoint.address, endpoint.port_name, endpoint.protocol)
            known.setdefault(key, []).append(endpoint)
    return {
        name: tuple(
            sorted(
                map(_merged, known.values()),
                key=lambda e: (e.port_name, e.address.address.version, e.address),
            )
        )
        for name, known in joined.items()
    }


def _merged(entries: list[Endpoint]) -> Endpoint:
    first, *others = sorted(entries, key=lambda e: e.terminating)
    twins = [e for e in dict.fromkeys(others) if replace(e, pod=first.pod) != first]
    return replace(first, twins=tuple(twins))


def _slice_endpoints(item: Json) -> Iterable[Endpoint]:
    entries = _every(item, "endpoints")
    if entries and _text(item, "addressType") not in ("IPv4", "IPv6", "FQDN"):
        raise ParseError("unknown addressType", text=str(item.get("addressType")))
    labels = _labels(_map(item, "metadata"), "labels")
    for entry in entries if _text(item, "addressType") != "FQDN" else ():
        addresses = _addresses(_strings(entry, "addresses")[:1])
        if not addresses and entry.get("addresses"):
            raise ParseError("no address", text=str(entry["addresses"]))
        if not addresses:
            continue
        conditions, hints = _map(entry, "conditions"), _map(entry, "hints")
        target = _map(entry, "targetRef")
        for port in _every(item, "ports"):
            number = port.get("port")
            if not number:
                continue
            if not isinstance(number, int):
                raise ParseError("no port", text=str(number))
            yield Endpoint(
                address=SocketAddress(addresses[0], number),
                port_name=_text(port, "name"),
                protocol=_protocol(port),
                node=_text(entry, "nodeName"),
                pod=_text(target, "name") if target.get("kind") == "Pod" else "",
                ready=conditions.get("ready") is not False,
                serving=conditions.get("serving") is not False,
                terminating=conditions.get("terminating") is True,
                zone_hints=frozenset(_text(h, "name") for h in _maps(hints, "forZones")),
                node_hints=frozenset(_text(h, "name") for h in _maps(hints, "forNodes")),
                headless="service.kubernetes.io/headless" in labels,
                other_proxy=_PROXY_NAME in labels,
            )


def parse_node(item: Json) -> Node:
    meta, spec, status = _map(item, "metadata"), _map(item, "spec"), _map(item, "status")
    info = _map(status, "nodeInfo")
    labels = _labels(meta, "labels")
    cidrs = _strings(spec, "podCIDRs") or _strings(spec, "podCIDR")
    ready = [c.get("status") for c in _maps(status, "conditions") if c.get("type") == "Ready"]
    return Node(
        name=_text(meta, "name"),
        addresses=_node_addresses(status, "InternalIP"),
        external_addresses=_node_addresses(status, "ExternalIP"),
        pod_cidrs=_networks(cidrs),
        labels=labels,
        annotations=_labels(meta, "annotations"),
        ready=ready != ["False"] and ready != ["Unknown"],
        os=_text(info, "operatingSystem") or labels.get("kubernetes.io/os", "linux"),
        kernel=_text(info, "kernelVersion"),
        kubelet=_text(info, "kubeletVersion"),
        virtual=any(labels.get(key) == value for key, value in _VIRTUAL),
        pod_capacity=_number(_map(status, "capacity").get("pods"), 0),
    )


def _node_addresses(status: Json, kind: str) -> tuple[IPAddress, ...]:
    return _addresses(
        _text(a, "address") for a in _maps(status, "addresses") if a.get("type") == kind
    )


def parse_event(item: Json) -> Event:
    """core/v1; what counted before 1.19 is `lastTimestamp`, since then maybe only `eventTime`."""
    about, series = _map(item, "involvedObject"), _map(item, "series")
    first = _text(item, "firstTimestamp") or _text(item, "eventTime")
    last = _text(series, "lastObservedTime") or _text(item, "lastTimestamp")
    return Event(
        kind=_text(about, "kind"),
        namespace=_text(about, "namespace"),
        name=_text(about, "name"),
        type=_text(item, "type"),
        reason=_text(item, "reason"),
        message=_text(item, "message"),
        node=_text(_map(item, "source"), "host"),
        first=first,
        last=last or first,
        count=max(_number(series.get("count"), 0), _number(item.get("count"), 1)),
        version=_number(_map(item, "metadata").get("resourceVersion"), 0),
    )


def parse_slice(item: Json) -> Slice:
    meta = _map(item, "metadata")
    namespace, name = _identity(item)
    changes = [(_text(f, "time"), _text(f, "manager")) for f in _maps(meta, "managedFields")]
    changed, by = max(changes, default=("", ""))
    trigger = _labels(meta, "annotations").get("endpoints.kubernetes.io/last-change-trigger-time")
    service = _labels(meta, "labels").get("kubernetes.io/service-name", "")
    return Slice(
        name=ServiceName(namespace, name),
        service=ServiceName(namespace, service) if service else None,
        endpoints=tuple(_slice_endpoints(item)),
        created=_text(meta, "creationTimestamp"),
        changed=changed or trigger or "",
        changed_by=by,
    )


def service_of(item: Json) -> ServiceName | None:
    """The Service that a Service or one of its slices is about."""
    namespace, name = _identity(item)
    if "addressType" in item:
        name = _labels(_map(item, "metadata"), "labels").get("kubernetes.io/service-name", "")
    return ServiceName(namespace, name) if name else None


def parse_changed(item: Json) -> float | None:
    """When the object was last changed, in seconds since the epoch: the newest of its creation,
    the writes that the API server noted, and (slices) the change of a pod that caused it."""
    meta = _map(item, "metadata")
    texts = [
        _text(meta, "creationTimestamp"),
        _labels(meta, "annotations").get("endpoints.kubernetes.io/last-change-trigger-time", ""),
        *(_text(entry, "time") for entry in _maps(meta, "managedFields")),
    ]
    return max((time for time in map(parse_time, texts) if time is not None), default=None)


def parse_time(text: str) -> float | None:
    """RFC 3339, as the API writes it; None for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(f"{found[1]}+00:00")
    except ValueError:
        return None
    return moment.timestamp() + float(found[2] or 0)


def parse_config_map(item: Json) -> ConfigMap:
    namespace, name = _identity(item)
    return ConfigMap(namespace=namespace, name=name, data=_labels(item, "data"))


def _service_port(item: Json) -> ServicePort:
    return ServicePort(
        name=_text(item, "name"),
        protocol=_protocol(item),
        port=_number(item.get("port"), 0),
        target_port=str(item.get("targetPort", "")),
        node_port=_number(item.get("nodePort"), 0),
    )


def _ingress(balancer: Json) -> list[str]:
    return [
        _text(entry, "ip")
        for entry in _maps(balancer, "ingress")
        if entry.get("ipMode", "VIP") != "Proxy"
    ]
