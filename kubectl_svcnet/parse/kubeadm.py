"""The two YAML documents that kubeadm writes into ConfigMaps, as far as they state IP ranges.

`ClusterConfiguration` (kubeadm-config, key ClusterConfiguration; v1beta1 to v1beta4) and
`KubeProxyConfiguration` (config.conf of the kube-proxy ConfigMap, v1alpha1; other installers write
it under other keys). Finding the words and typing them are two functions. A document of another
kind reads as None; text that is no YAML, or a range that is none, raises ParseError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model.address import IPNetwork
from ._documents import yaml_documents
from .cidr import parse_networks
from .kube_fields import mapping
from .kube_fields import text as text_of


@dataclass(frozen=True, slots=True)
class StatedRange:
    """The networks of one key, and the line that states them."""

    networks: tuple[IPNetwork, ...]
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfiguration:
    service_subnet: StatedRange | None = None
    pod_subnet: StatedRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeProxyConfiguration:
    """`mode` and `detect_local` are "" where the file leaves them to kube-proxy."""

    cluster_cidr: StatedRange | None = None
    mode: str = ""
    detect_local: str = ""
    node_port_addresses: tuple[IPNetwork, ...] = ()
    interface: str = ""  # of detectLocal: the bridge, or the names' beginning
    masquerade_all: bool = False
    no_external_ips: bool = False  # AllowServiceExternalIPs, since 1.36


def parse_cluster_configuration(text: str) -> ClusterConfiguration | None:
    found = _document(text, "ClusterConfiguration")
    if found is None:
        return None
    keys = mapping(found, "networking")
    return ClusterConfiguration(
        service_subnet=_stated(text, keys, "serviceSubnet"),
        pod_subnet=_stated(text, keys, "podSubnet"),
    )


def parse_kube_proxy_configuration(text: str) -> KubeProxyConfiguration | None:
    found = _document(text, "KubeProxyConfiguration")
    if found is None:
        return None
    detect_local = text_of(found, "detectLocalMode")
    mode = text_of(found, "mode")
    return KubeProxyConfiguration(
        cluster_cidr=_stated(text, found, "clusterCIDR"),
        mode=mode,
        detect_local=detect_local,
        interface=text_of(mapping(found, "detectLocal"), INTERFACES.get(detect_local, "")),
        masquerade_all=mapping(found, _SECTIONS.get(mode, "iptables")).get("masqueradeAll") is True,
        node_port_addresses=node_port_addresses(found.get("nodePortAddresses")),
        no_external_ips=mapping(found, "featureGates").get(EXTERNAL_IPS) is False,
    )


def node_port_addresses(listed: object) -> tuple[IPNetwork, ...]:
    """() for all addresses, and for `primary`, which is those of the Node object."""
    words = [word for word in listed if isinstance(word, str)] if isinstance(listed, list) else []
    return parse_networks(",".join(words)) if "primary" not in words else ()


#: The feature gate of external IPs.
EXTERNAL_IPS = "AllowServiceExternalIPs"
#: Where the interface of a detectLocalMode stands, and the section of a mode that says
#: masqueradeAll; ipvs mode reads it in that of iptables.
INTERFACES = {"BridgeInterface": "bridgeInterface", "InterfaceNamePrefix": "interfaceNamePrefix"}
_SECTIONS = {"nftables": "nftables"}


def _document(text: str, kind: str) -> Mapping[str, Any] | None:
    """The document of this kind; old kubeadm wrote several into one key."""
    documents = (d for d in yaml_documents(text) if isinstance(d, Mapping))
    return next((d for d in documents if d.get("kind") == kind), None)


def _stated(text: str, keys: Mapping[str, Any], key: str) -> StatedRange | None:
    value = keys.get(key)
    if not isinstance(value, str) or not value.strip():
        return None
    return StatedRange(parse_networks(value), _line(text, key, value))


def _line(text: str, key: str, value: str) -> str:
    """The line that states it, as it is written; where YAML hides it, key and value."""
    for line in text.splitlines():
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*:", line) and value.strip() in line:
            return line
    return f"{key}: {value}"
