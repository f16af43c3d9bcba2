"""What a bundle leaves out, so that it can be shown to others. Pure.

Kept are names, labels, specs and addresses: the questions of product.md need them. Left out are
Secrets, every annotation and environment variable not listed here, command lines of ordinary
pods, ConfigMaps nobody asked for by name, the ids of machines, and whatever looks like a credential
in text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..model.capture import ApiRequest, Capture

#: Annotations that say a range, a dataplane's state or a routing hint.
ANNOTATIONS = re.compile(
    r"(flannel\.alpha\.coreos\.com|projectcalico\.org|kube-router\.io|k8s\.ovn\.org"
    r"|(k3s|rke2)\.io(?=/(node-args|internal-ip|external-ip)\Z))/.*"
    r"|kubernetes\.io/config\.(mirror|source)"
    r"|service\.kubernetes\.io/topology-(mode|aware-hints)"
    r"|endpoints\.kubernetes\.io/(last-change-trigger-time|over-capacity)"
    r"|(cni|network)\.cilium\.io/.*|metallb\.(io|universe\.tf)/.*"
)

#: Environment variables in which network plugins are told their ranges.
ENVIRONMENT = frozenset(
    {
        "CALICO_IPV4POOL_CIDR",
        "CALICO_IPV6POOL_CIDR",
        "CALICO_NETWORKING_BACKEND",
        "CLUSTER_CIDR",
        "CLUSTER_POOL_IPV4_CIDR",
        "FELIX_BPFENABLED",
        "IPALLOC_RANGE",
        "POD_CIDR",
        "POD_SUBNET",
        "SERVICE_CIDR",
        "AWS_VPC_K8S_CNI_EXTERNALSNAT",
        "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG",
    }
)

LEFT_OUT = "<left out>"

#: The last three, of `status.nodeInfo`, say which machine it was and nothing of how it works.
_DROPPED = frozenset({"httpHeaders", "envFrom", "images", "machineID", "systemUUID", "bootID"})
_TIME = re.compile(r"\d{4}-[\d:.TZ+-]{1,40}")
_SECRET_FLAG = re.compile(r"(--?[\w-]*(?:token|password|passwd|secret)[\w-]*)=.*", re.I | re.S)
_SECRET_LINE = re.compile(
    r"^(\s*[\"']?[\w.-]*(?:token|password|passwd|secret|client-key-data)[\"']?\s*[:=]\s*)\S.*$",
    re.I | re.M,
)
_TOKEN = re.compile(rb"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|(?<=Bearer )[\w.~+/-]{8,}=*")


def redact(capture: Capture) -> Capture | None:
    """The capture as a bundle may hold it; None where nothing of it may be kept."""
    request = capture.request
    if isinstance(request, ApiRequest):
        kind = resource_of(request.path)
        if kind == "secrets":
            return None
        if kind == "configmaps" and request.many:
            return None
        objects = tuple(redact_object(item) for item in capture.objects)
        return replace(capture, objects=objects)
    return replace(capture, data=redact_text(capture.data), stderr=redact_text(capture.stderr))


def resource_of(path: str) -> str:
    """`services` of an API path, whatever stands before and behind it."""
    words = path.strip("/").split("/")
    words = words[2:] if words[:1] == ["api"] else words[3:]
    if words[:1] == ["namespaces"] and len(words) > 2:
        words = words[2:]
    return words[0] if words else ""


def redact_text(data: bytes) -> bytes:
    return _TOKEN.sub(LEFT_OUT.encode(), data)


def redact_object(item: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = _walk(item)
    if item.get("kind") == "Secret" or "stringData" in item:
        result.pop("data", None)
        result.pop("stringData", None)
    elif isinstance(item.get("data"), Mapping):  # a ConfigMap
        result["data"] = {
            key: _SECRET_LINE.sub(rf"\g<1>{LEFT_OUT}", value) if isinstance(value, str) else value
            for key, value in item["data"].items()
        }
        result.pop("binaryData", None)
    spec = result.get("spec")
    if isinstance(spec, dict):
        _command_lines(spec)
    return result


def _walk(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _field(key, part) for key, part in value.items() if key not in _DROPPED}
    if isinstance(value, list):
        return [_walk(part) for part in value]
    return value


def _field(key: str, value: Any) -> Any:
    if key == "annotations" and isinstance(value, Mapping):
        return {name: text for name, text in value.items() if ANNOTATIONS.fullmatch(str(name))}
    if key == "env" and isinstance(value, list):
        named = [part for part in value if isinstance(part, Mapping)]
        return [_walk(part) for part in named if part.get("name") in ENVIRONMENT]
    if key == "managedFields" and isinstance(value, list):  # who changed what: only when
        times = [part.get("time") for part in value if isinstance(part, Mapping)]
        return [{"time": time} for time in times if isinstance(time, str) and _TIME.fullmatch(time)]
    if key in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
        return {}  # commands and headers of probes may hold credentials
    return _walk(value)


def _command_lines(spec: dict[str, Any]) -> None:
    """Of pods on the host's network (control plane, proxies) flags stay, without their secrets."""
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        _command_lines(template["spec"])
    host = spec.get("hostNetwork") is True
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        listed = spec.get(kind)
        for container in listed if isinstance(listed, list) else ():
            for key in ("command", "args"):
                if isinstance(container, dict) and isinstance(container.get(key), list):
                    container[key] = _flags(container[key]) if host else []


def _flags(words: list[Any]) -> list[Any]:
    kept, hide = [], False
    for word in words:
        text = str(word)
        kept.append(LEFT_OUT if hide else _SECRET_FLAG.sub(rf"\1={LEFT_OUT}", text))
        hide = "=" not in text and bool(_SECRET_FLAG.fullmatch(text + "=x"))
    return kept
