"""A list of pods that may be long, of which most are there to be counted.

A pod that has neither the host's network nor a path of it programs no node and shows none of its
files: of it is kept who it is, its labels, and its addresses (core/v1). Others are read whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..model.address import IPAddress
from ..model.service import Pod
from .kube_fields import address
from .kube_pod import parse_pod

_NOTHING: Mapping[str, str] = MappingProxyType({})


class PodReader:
    """Of one list. What many pods have alike is kept once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._labels: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def read(self, item: Mapping[str, Any]) -> Pod:
        """Raises ParseError for a pod without a name."""
        meta, spec, status = item.get("metadata"), item.get("spec"), item.get("status")
        if not (isinstance(meta, dict) and isinstance(spec, dict) and isinstance(status, dict)):
            return parse_pod(item)
        name = meta.get("name")
        if _of_the_host(spec) or not isinstance(name, str) or not name:
            return parse_pod(item)
        labels = meta.get("labels")
        return Pod(
            namespace=self._once(meta.get("namespace")),
            name=name,
            node=self._once(spec.get("nodeName")),
            addresses=_addresses(status),
            labels=self._shared(labels) if isinstance(labels, dict) else _NOTHING,
            phase=self._once(status.get("phase")),
            config_maps=_NOTHING,
            host_paths=_NOTHING,
        )

    def _once(self, text: object) -> str:
        return self._texts.setdefault(text, text) if isinstance(text, str) else ""

    def _shared(self, labels: dict[str, Any]) -> dict[str, str]:
        own = {key: value for key, value in labels.items() if isinstance(value, str)}
        return self._labels.setdefault(tuple(own.items()), own)


def _of_the_host(spec: dict[str, Any]) -> bool:
    volumes = spec.get("volumes")
    return spec.get("hostNetwork") is True or (
        isinstance(volumes, list)
        and any(isinstance(volume, dict) and "hostPath" in volume for volume in volumes)
    )


def _addresses(status: dict[str, Any]) -> tuple[IPAddress, ...]:
    listed = status.get("podIPs")
    many = listed if isinstance(listed, list) else []
    texts = [one.get("ip") for one in many if isinstance(one, dict)]
    found = []
    for text in texts or [status.get("podIP")]:
        if isinstance(text, str):
            try:
                found.append(address(text))
            except ValueError:
                continue  # none yet
    return tuple(found)
