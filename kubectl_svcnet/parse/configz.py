"""kube-proxy's GET /configz: the configuration that it runs with, defaults filled in.

One JSON object under "kubeproxy.config.k8s.io". Up to 1.35 it holds the internal type, whose
fields have Go's names (`Mode`, `DetectLocalMode`; the ranges are `ClusterCIDR` until 1.31 and
`DetectLocal.ClusterCIDRs` after), since 1.36 the public one (`mode`, `clusterCIDR`):
pkg/proxy/apis/config/types.go. Where nothing is registered the answer is {}.
"""

from __future__ import annotations

from collections.abc import Mapping

from ._documents import json_object
from .cidr import parse_networks
from .kube_fields import Json, mapping
from .kube_fields import text as text_of
from .kubeadm import (
    EXTERNAL_IPS,
    INTERFACES,
    KubeProxyConfiguration,
    StatedRange,
    node_port_addresses,
)

_GROUP = "kubeproxy.config.k8s.io"


def parse_configz(text: str) -> KubeProxyConfiguration | None:
    """None where kube-proxy registered no configuration. Raises ParseError for what is no
    such answer."""
    whole = json_object(text, "/configz")
    if not isinstance(whole.get(_GROUP), Mapping):
        return None
    fields = _section(whole, _GROUP)
    mode, detect_local = text_of(fields, "mode"), text_of(fields, "detectlocalmode")
    section = _section(fields, "nftables" if mode == "nftables" else "iptables")
    everything = (section, _section(fields, "linux"), fields)
    interface = INTERFACES.get(detect_local, "").lower()
    return KubeProxyConfiguration(
        cluster_cidr=_cluster_cidr(fields),
        mode=mode,
        detect_local=detect_local,
        interface=text_of(_section(fields, "detectlocal"), interface),
        masquerade_all=any(place.get("masqueradeall") is True for place in everything),
        node_port_addresses=node_port_addresses(fields.get("nodeportaddresses")),
        no_external_ips=mapping(fields, "featuregates").get(EXTERNAL_IPS) is False,
    )


def _section(fields: Json, key: str) -> Json:
    return {str(name).lower(): value for name, value in mapping(fields, key).items()}


def _cluster_cidr(fields: Json) -> StatedRange | None:
    value = fields.get("clustercidr")
    if not isinstance(value, str):
        listed = _section(fields, "detectlocal").get("clustercidrs")
        words = listed if isinstance(listed, list) else []
        value = ",".join(word for word in words if isinstance(word, str))
    if not value:
        return None
    return StatedRange(parse_networks(value), f"clusterCIDR: {value}")
