"""`snapshot --anonymise`: the same cluster under other names.

Addresses stay: they are what is looked at. Of objects outside the cluster's own namespaces only
listed fields stay, so that what nobody thought of is left out, not passed on. Port names and
whatever ordinary words a log says stay as well.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    ProbeRequest,
    Request,
    ReviewRequest,
)
from .contains import collection_of
from .pseudonyms import Pseudonyms
from .redact import resource_of

Json = Mapping[str, Any]

_PLAIN_VALUES = frozenset({"", "true", "false", "linux", "windows", "amd64", "arm64"})
_PLAIN_KEYS = ("kubernetes.io/os", "kubernetes.io/arch", "type", "kubernetes.io/role")
_PLAIN_LABELS = (
    "endpointslice.kubernetes.io/",
    "endpointslicemirroring.kubernetes.io/",
    "service.kubernetes.io/",
)
_PARENT = ("resource", "namespace", "name")
_SPECIAL = ("fargate", "virtual-kubelet")

#: Objects of CNIs and load balancers: what of them says a range or whose it is. All else may be
#: anybody's text.
_RANGES: Mapping[str, tuple[str, ...]] = {
    "bgpconfigurations": (
        "serviceClusterIPs",
        "serviceExternalIPs",
        "serviceLoadBalancerIPs",
        "cidr",
    ),
    "blockaffinities": ("cidr", "node", "state", "deleted", "type"),
    "ciliumloadbalancerippools": ("blocks", "cidrs", "cidr", "start", "stop", "disabled"),
    "ciliumnodes": ("ipam", "podCIDRs", "pools", "allocated", "cidrs"),
    "ciliumpodippools": ("ipv4", "ipv6", "cidrs"),
    "clusternetworks": ("clusterNetworks", "CIDR"),
    "eips": ("address", "disable"),
    "externalippools": ("ipRanges", "cidr", "start", "end"),
    "hostsubnets": ("host", "subnet"),
    "ipaddresspools": ("addresses", "autoAssign"),
    "ippools": ("cidr", "allowedUses", "disabled", "ipRanges", "start", "end"),
    "nodenetworkconfigs": (
        "networkContainers",
        "primaryIP",
        "subnetAddressSpace",
        "subnetAddressSpaceV6",
    ),
    "subnets": ("cidrBlock",),
}


class Anonymiser:
    """`change` may be called from many threads; one Anonymiser for one bundle."""

    def __init__(self) -> None:
        self.names = Pseudonyms()
        self._lock = threading.Lock()
        self._own = False  # whether the object being changed is one of the cluster's own

    def change(self, capture: Capture) -> Capture:
        with self._lock:
            return self._change(capture)

    def _change(self, capture: Capture) -> Capture:
        objects = self._objects(capture)
        failure = capture.failure
        if failure is not None:
            failure = replace(failure, message=self.names.prose(failure.message))
        rewrite = self.names.listing if capture.command else self.names.prose
        return replace(
            capture,
            request=self._request(capture.request),
            command=self._command(capture),
            data=_text(rewrite, capture.data),
            stderr=_text(rewrite, capture.stderr),
            objects=objects,
            failure=failure,
        )

    def _command(self, capture: Capture) -> Any:
        command = capture.command
        if command is None:
            return None
        return replace(command, arguments=tuple(map(self.names.listing, command.arguments)))

    def _request(self, request: Request) -> Request:
        names = self.names
        match request:
            case ApiRequest():
                return replace(
                    request,
                    path=self._path(request.path),
                    query=tuple((key, self._selector(value)) for key, value in request.query),
                )
            case LogRequest() | ExecRequest() | ForwardRequest():
                return replace(
                    request,
                    node=names.node(request.node),
                    namespace=names.namespace(request.namespace),
                    pod=names.pod(request.namespace, request.pod),
                )
            case ReviewRequest():
                return replace(request, namespace=names.namespace(request.namespace))
            case ProbeRequest():
                return request

    def _path(self, path: str) -> str:
        where = collection_of(path)
        if where is None or not (where.namespace or where.name):
            return path
        parts = [where.prefix]
        if where.namespace:
            parts += ["namespaces", self.names.namespace(where.namespace)]
        parts.append(where.resource)
        if where.name:
            parts.append(self._name(where.resource, where.namespace, where.name))
        return "/".join(parts)

    def _selector(self, text: str) -> str:
        terms = []
        for term in text.split(","):
            key, mark, value = term.partition("=")
            terms.append(f"{key}{mark}{self._term(key.rstrip('!='), value)}" if mark else term)
        return ",".join(terms)

    def _term(self, key: str, value: str) -> str:
        if key == "spec.nodeName":
            return self.names.node(value)
        if key in ("kubernetes.io/service-name", "involvedObject.name"):
            known = self.names.service_named(value)
            return known if known else value
        return value

    def _name(self, resource: str, namespace: str, name: str) -> str:
        match resource:
            case "nodes" | "ciliumnodes" | "hostsubnets" | "nodenetworkconfigs":
                return self.names.node(name)
            case "namespaces":
                return self.names.namespace(name)
            case "services" | "endpoints":
                return self.names.service(namespace, name)
            case "pods":
                return self.names.pod(namespace, name)
            case "endpointslices" | "events" | "networkpolicies":
                return self.names.object(namespace, name)
        return self.names.value(name) if resource in _RANGES else name

    # Objects

    def _objects(self, capture: Capture) -> tuple[Json, ...]:
        if not isinstance(capture.request, ApiRequest):
            return capture.objects
        resource = resource_of(capture.request.path)
        for item in capture.objects:
            self._learn(resource, item)
        return tuple(self._object(resource, item) for item in capture.objects)

    def _learn(self, resource: str, item: Json) -> None:
        """Names that others mention, before the first of them is changed."""
        meta, spec = _map(item, "metadata"), _map(item, "spec")
        namespace, name = str(meta.get("namespace") or ""), str(meta.get("name") or "")
        self.names.namespace(namespace)
        self.names.node(str(spec.get("nodeName") or ""))
        self._name(resource, namespace, name)
        if resource == "services":
            for port in spec.get("ports") or ():
                suffix = f":{port['name']}" if port.get("name") else ""
                self.names.learn_port(namespace, name, suffix)

    def _object(self, resource: str, item: Json) -> Json:
        meta = _map(item, "metadata")
        namespace = str(meta.get("namespace") or "")
        change = {
            "nodes": self._node,
            "services": self._service,
            "endpointslices": self._slice,
            "pods": self._pod,
            "events": self._event,
            "ipaddresses": self._allocation,
        }.get(resource)
        self._own = self.names.is_own(namespace)
        own = self._own and resource in ("pods", "services")
        body = dict(item) if change is None or own else dict(change(item))
        if resource in _RANGES:
            body = _kept(body, ("spec", "status", *_RANGES[resource]))
        labels = (
            {} if resource in _RANGES else self._labels(resource, namespace, _map(meta, "labels"))
        )
        kept = ("uid", "creationTimestamp", "deletionTimestamp", "annotations", "generation")
        result: dict[str, Any] = self._walk({k: v for k, v in body.items() if k != "metadata"})
        result["metadata"] = {
            **{key: self._walk(meta[key]) for key in kept if key in meta},
            "name": self._name(resource, namespace, str(meta.get("name") or "")),
            "labels": labels,
        }
        if namespace:
            result["metadata"]["namespace"] = self.names.namespace(namespace)
        if not self.names.is_own(namespace) and resource != "nodes":
            result["metadata"].pop("annotations", None)
        return result

    def _labels(self, resource: str, namespace: str, labels: Json) -> dict[str, Any]:
        if self.names.is_own(namespace) and resource != "nodes":
            return {key: self.names.prose(str(value)) for key, value in labels.items()}
        if resource == "nodes":
            return {k: v for k, v in map(self._node_label, labels.items()) if v is not None}
        return {key: self._label(namespace, key, str(value)) for key, value in labels.items()}

    def _label(self, namespace: str, key: str, value: str) -> str:
        if key == "kubernetes.io/service-name":
            return self.names.service(namespace, value)
        if key.startswith(_PLAIN_LABELS) or (namespace, key) == ("default", "provider"):
            return value
        return self.names.value(value)

    def _node_label(self, pair: tuple[str, Any]) -> tuple[str, str | None]:
        key, value = pair[0], str(pair[1])
        if key == "kubernetes.io/hostname":
            return key, self.names.node(value)
        if key in _PLAIN_KEYS or value in _PLAIN_VALUES or value in _SPECIAL:
            return key, value
        return key, self.names.value(value) if "kubernetes.io/" in key else None

    def _node(self, item: Json) -> Json:
        spec, status = _map(item, "spec"), _map(item, "status")
        info = _map(status, "nodeInfo")
        hidden = ("machineID", "systemUUID", "bootID")
        addresses = [
            {**a, "address": self.names.node(str(a.get("address")))}
            if a.get("type") == "Hostname"
            else a
            for a in status.get("addresses") or ()
            if a.get("type") in ("InternalIP", "ExternalIP", "Hostname")
        ]
        return {
            "spec": _only(spec, "podCIDR", "podCIDRs", "taints", "unschedulable"),
            "status": {
                "addresses": addresses,
                "conditions": _conditions(status),
                "nodeInfo": {key: value for key, value in info.items() if key not in hidden},
            },
        }

    def _allocation(self, item: Json) -> Json:
        parent = _map(_map(item, "spec"), "parentRef")
        resource, namespace, name = (str(parent.get(key) or "") for key in _PARENT)
        named = {
            "namespace": self.names.namespace(namespace),
            "name": self._name(resource, namespace, name),
        }
        return {"spec": {"parentRef": {**parent, **named}}}

    def _service(self, item: Json) -> Json:
        spec = {**_map(item, "spec")}
        if spec.get("externalName"):
            spec["externalName"] = f"{self.names.value(str(spec['externalName']))}.example"
        ingress = _map(_map(item, "status"), "loadBalancer").get("ingress") or ()
        kept = [_only(entry, "ip", "ipMode", "ports") for entry in ingress]
        status = {"loadBalancer": {"ingress": kept} if kept else {}}
        return {"spec": spec, "status": status}

    def _slice(self, item: Json) -> Json:
        endpoints = [
            _only(e, "addresses", "conditions", "nodeName", "targetRef", "zone", "hints")
            for e in item.get("endpoints") or ()
        ]
        return {**_only(item, "addressType", "ports"), "endpoints": endpoints}

    def _event(self, item: Json) -> Json:
        """Without its message, which is anybody's text."""
        times = ("firstTimestamp", "lastTimestamp", "eventTime", "count", "series")
        kept = _only(item, "type", "reason", *times)
        about = _only(_map(item, "involvedObject"), "kind", "namespace", "name")
        if about.get("kind") in ("Pod", "Service", "Endpoints"):  # of its own namespace, unsaid
            about.setdefault("namespace", _map(item, "metadata").get("namespace"))
        elif about.get("kind") != "Node":
            about = _only(about, "kind")
        host = _only(_map(item, "source"), "host")
        return {**kept, "involvedObject": about, "source": host}

    def _pod(self, item: Json) -> Json:
        spec, status = _map(item, "spec"), _map(item, "status")
        containers = {
            kind: [_only(c, "ports", "restartPolicy") | {"name": "c"} for c in spec.get(kind) or ()]
            for kind in ("containers", "initContainers")
        }
        phases = ("phase", "podIP", "podIPs", "hostIP", "hostIPs", "startTime")
        return {
            "spec": {**_only(spec, "nodeName", "hostNetwork"), **containers},
            "status": {**_only(status, *phases), "conditions": _conditions(status)},
        }

    def _walk(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            if isinstance(value.get("name"), str) and isinstance(value.get("namespace"), str):
                value = self._reference(value)
            return {key: self._field(key, part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._walk(part) for part in value]
        return self.names.prose(value) if isinstance(value, str) else value

    def _field(self, key: str, value: Any) -> Any:
        if key in ("nodeName", "host") and isinstance(value, str):
            return self.names.node(value)
        if key == "zone" and isinstance(value, str):
            return self.names.value(value)
        if key == "forZones" and isinstance(value, list):
            return [{"name": self.names.value(str(zone.get("name")))} for zone in value]
        if key in ("selector", "matchLabels") and _is_words(value) and not self._own:
            return {k: self._label("", k, str(part)) for k, part in value.items()}
        return self._walk(value)

    def _reference(self, value: Json) -> dict[str, Any]:
        """Another object's name: targetRef, parentRef."""
        kind = str(value.get("kind") or value.get("resource") or "").lower()
        resource = {"pod": "pods", "service": "services", "node": "nodes"}.get(kind, kind)
        namespace, name = value["namespace"], value["name"]
        changed = {
            "name": self._name(resource, namespace, name),
            "namespace": self.names.namespace(namespace),
        }
        return {**_only(value, "kind", "resource", "group", "uid"), **changed}


def _text(rewrite: Any, data: bytes) -> bytes:
    """Bytes that are no UTF-8 come through as they are."""
    if not data:
        return b""
    changed: str = rewrite(data.decode("utf-8", "surrogateescape"))
    return changed.encode("utf-8", "surrogateescape")


def _map(value: Json, key: str) -> Json:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _is_words(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values())


def _only(value: Json, *keys: str) -> dict[str, Any]:
    return {key: value[key] for key in keys if key in value}


def _kept(value: Any, keys: tuple[str, ...]) -> Any:
    """The fields of these names at every depth, and nothing else."""
    if isinstance(value, Mapping):
        return {key: _kept(value[key], keys) for key in keys if key in value}
    return [_kept(part, keys) for part in value] if isinstance(value, list) else value


def _conditions(status: Json) -> list[Json]:
    found = status.get("conditions")
    return [_only(c, "type", "status") for c in found] if isinstance(found, list) else []
