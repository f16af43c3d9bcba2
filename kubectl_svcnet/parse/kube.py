"""API objects (JSON as dicts) in, model out: Services, EndpointSlices, Nodes, ConfigMaps, Events.

Written against core/v1 and discovery.k8s.io/v1 (v1beta1 reads the same). A field of the wrong
type in a foreign object reads as absent; an object without a name raises ParseError.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
from .kube_fields import (
    Json,
    addresses,
    identity,
    labels,
    mapping,
    mappings,
    networks,
    number,
    protocol,
    text,
    texts,
    whole_mappings,
)
from .rfc3339 import parse_time

_PROXY_NAME = "service.kubernetes.io/service-proxy-name"
_HEADLESS = "service.kubernetes.io/headless"

#: Labels and annotations that mark a node without a kernel of its own to read.
_VIRTUAL = (
    ("type", "virtual-kubelet"),
    ("eks.amazonaws.com/compute-type", "fargate"),
    ("kubernetes.io/role", "agent-virtual"),
)


def parse_service(item: Json) -> Service:
    spec, status = mapping(item, "spec"), mapping(item, "status")
    kind = text(spec, "type") or "ClusterIP"
    own = texts(spec, "clusterIPs") or texts(spec, "clusterIP")
    affinity = mapping(mapping(spec, "sessionAffinityConfig"), "clientIP").get("timeoutSeconds")
    sticky = spec.get("sessionAffinity") == "ClientIP"
    meta = mapping(item, "metadata")
    marks, notes = labels(meta, "labels"), labels(meta, "annotations")
    balancer = mapping(status, "loadBalancer")
    ports = tuple(_service_port(port) for port in mappings(spec, "ports"))
    places = (*own, *texts(spec, "externalIPs"), *_ingress(balancer), *_ingress(balancer, "Proxy"))
    return Service(
        name=ServiceName(*identity(item)),
        type=kind,
        ports=ports,
        cluster_ips=addresses(own) if kind != "ExternalName" else (),
        external_ips=addresses(texts(spec, "externalIPs")),
        load_balancer_ips=addresses(_ingress(balancer)),
        proxied_ips=addresses(_ingress(balancer, "Proxy")),
        source_ranges=networks(texts(spec, "loadBalancerSourceRanges")),
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        external_local=spec.get("externalTrafficPolicy") == "Local",
        affinity_seconds=number(affinity, 10800) if sticky else None,
        selector=labels(spec, "selector"),
        headless=spec.get("clusterIP") == "None",
        external_name=text(spec, "externalName") if kind == "ExternalName" else "",
        other_proxy=marks[_PROXY_NAME] or '""' if _PROXY_NAME in marks else "",
        marked_headless=_HEADLESS in marks,
        health_check_node_port=number(spec.get("healthCheckNodePort"), 0),
        publish_not_ready=spec.get("publishNotReadyAddresses") is True,
        resource_version=text(meta, "resourceVersion"),
        aware_hints=notes.get("service.kubernetes.io/topology-aware-hints", ""),
        topology_mode=notes.get("service.kubernetes.io/topology-mode", ""),
        whole=all(port.port for port in ports)
        and len(addresses(places)) == len([one for one in places if one not in ("", "None")]),
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
        namespace, _ = identity(item)
        service = labels(mapping(item, "metadata"), "labels").get("kubernetes.io/service-name", "")
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
    entries = whole_mappings(item, "endpoints")
    if entries and text(item, "addressType") not in ("IPv4", "IPv6", "FQDN"):
        raise ParseError("unknown addressType", text=str(item.get("addressType")))
    marks = labels(mapping(item, "metadata"), "labels")
    for entry in entries if text(item, "addressType") != "FQDN" else ():
        found = addresses(texts(entry, "addresses")[:1])
        if not found and entry.get("addresses"):
            raise ParseError("no address", text=str(entry["addresses"]))
        if not found:
            continue
        conditions, hints = mapping(entry, "conditions"), mapping(entry, "hints")
        target = mapping(entry, "targetRef")
        for port in whole_mappings(item, "ports"):
            number = port.get("port")
            if not number:
                continue
            if not isinstance(number, int):
                raise ParseError("no port", text=str(number))
            yield Endpoint(
                address=SocketAddress(found[0], number),
                port_name=text(port, "name"),
                protocol=protocol(port),
                node=text(entry, "nodeName"),
                pod=text(target, "name") if target.get("kind") == "Pod" else "",
                ready=conditions.get("ready") is not False,
                serving=conditions.get("serving") is not False,
                terminating=conditions.get("terminating") is True,
                zone_hints=frozenset(text(h, "name") for h in mappings(hints, "forZones")),
                node_hints=frozenset(text(h, "name") for h in mappings(hints, "forNodes")),
                headless=_HEADLESS in marks,
                other_proxy=_PROXY_NAME in marks,
            )


def parse_node(item: Json) -> Node:
    meta, spec, status = mapping(item, "metadata"), mapping(item, "spec"), mapping(item, "status")
    info = mapping(status, "nodeInfo")
    marks = labels(meta, "labels")
    cidrs = texts(spec, "podCIDRs") or texts(spec, "podCIDR")
    ready = [c.get("status") for c in mappings(status, "conditions") if c.get("type") == "Ready"]
    return Node(
        name=text(meta, "name"),
        addresses=_node_addresses(status, "InternalIP"),
        external_addresses=_node_addresses(status, "ExternalIP"),
        pod_cidrs=networks(cidrs),
        labels=marks,
        annotations=labels(meta, "annotations"),
        ready=ready != ["False"] and ready != ["Unknown"],
        os=text(info, "operatingSystem") or marks.get("kubernetes.io/os", "linux"),
        kernel=text(info, "kernelVersion"),
        kubelet=text(info, "kubeletVersion"),
        virtual=any(marks.get(key) == value for key, value in _VIRTUAL),
    )


def _node_addresses(status: Json, kind: str) -> tuple[IPAddress, ...]:
    return addresses(
        text(a, "address") for a in mappings(status, "addresses") if a.get("type") == kind
    )


def parse_event(item: Json) -> Event:
    """core/v1; what counted before 1.19 is `lastTimestamp`, since then maybe only `eventTime`."""
    about, series = mapping(item, "involvedObject"), mapping(item, "series")
    first = text(item, "firstTimestamp") or text(item, "eventTime")
    last = text(series, "lastObservedTime") or text(item, "lastTimestamp")
    return Event(
        kind=text(about, "kind"),
        namespace=text(about, "namespace"),
        name=text(about, "name"),
        type=text(item, "type"),
        reason=text(item, "reason"),
        message=text(item, "message"),
        node=text(mapping(item, "source"), "host"),
        first=first,
        last=last or first,
        count=max(number(series.get("count"), 0), number(item.get("count"), 1)),
        version=number(mapping(item, "metadata").get("resourceVersion"), 0),
    )


def parse_slice(item: Json) -> Slice:
    meta = mapping(item, "metadata")
    namespace, name = identity(item)
    changes = [(text(f, "time"), text(f, "manager")) for f in mappings(meta, "managedFields")]
    changed, by = max(changes, default=("", ""))
    trigger = labels(meta, "annotations").get("endpoints.kubernetes.io/last-change-trigger-time")
    service = labels(meta, "labels").get("kubernetes.io/service-name", "")
    return Slice(
        name=ServiceName(namespace, name),
        service=ServiceName(namespace, service) if service else None,
        endpoints=tuple(_slice_endpoints(item)),
        created=text(meta, "creationTimestamp"),
        changed=changed or trigger or "",
        changed_by=by,
    )


def service_of(item: Json) -> ServiceName | None:
    """The Service that a Service or one of its slices is about."""
    namespace, name = identity(item)
    if "addressType" in item:
        name = labels(mapping(item, "metadata"), "labels").get("kubernetes.io/service-name", "")
    return ServiceName(namespace, name) if name else None


def parse_changed(item: Json) -> float | None:
    """When the object was last changed, in seconds since the epoch: the newest of its creation,
    the writes that the API server noted, and (slices) the change of a pod that caused it."""
    meta = mapping(item, "metadata")
    texts = [
        text(meta, "creationTimestamp"),
        labels(meta, "annotations").get("endpoints.kubernetes.io/last-change-trigger-time", ""),
        *(text(entry, "time") for entry in mappings(meta, "managedFields")),
    ]
    return max((time for time in map(parse_time, texts) if time is not None), default=None)


def parse_config_map(item: Json) -> ConfigMap:
    namespace, name = identity(item)
    return ConfigMap(namespace=namespace, name=name, data=labels(item, "data"))


def _service_port(item: Json) -> ServicePort:
    return ServicePort(
        name=text(item, "name"),
        protocol=protocol(item),
        port=number(item.get("port"), 0),
        target_port=str(item.get("targetPort", "")),
        node_port=number(item.get("nodePort"), 0),
    )


def _ingress(balancer: Json, mode: str = "VIP") -> list[str]:
    return [
        text(entry, "ip")
        for entry in mappings(balancer, "ingress")
        if (entry.get("ipMode") == "Proxy") is (mode == "Proxy")
    ]
