from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.configz import parse_configz

HTTP = Path(__file__).parents[1] / "fixtures/kube-proxy-http"


@pytest.mark.parametrize("version", ["v1.36.3", "v1.33.13", "v1.24.17"])
def test_real_answers(version: str) -> None:
    """The public type, and the internal one of before 1.36 in two shapes."""
    found = parse_configz((HTTP / f"{version}-configz.json").read_text())
    assert found is not None
    assert (found.mode, found.detect_local) == ("iptables", "ClusterCIDR")
    assert found.cluster_cidr is not None
    assert ip_network("10.244.0.0/16") in found.cluster_cidr.networks


def test_nothing_registered() -> None:
    assert parse_configz("{}") is None


@pytest.mark.parametrize("key", ["ClusterCIDR", "clusterCIDR"])
def test_ranges_of_1_30(key: str) -> None:
    found = parse_configz(json.dumps({"kubeproxy.config.k8s.io": {key: "10.0.0.0/8"}}))
    assert found is not None
    assert found.cluster_cidr is not None
    assert found.cluster_cidr.networks == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize("key", ["NodePortAddresses", "nodePortAddresses"])
def test_node_port_addresses(key: str) -> None:
    found = parse_configz(json.dumps({"kubeproxy.config.k8s.io": {key: ["192.0.2.0/24"]}}))
    assert found is not None
    assert found.node_port_addresses == (ip_network("192.0.2.0/24"),)


@pytest.mark.parametrize(
    "fields",
    [
        {
            "mode": "nftables",
            "detectLocalMode": "BridgeInterface",
            "detectLocal": {"bridgeInterface": "cni0"},
            "nftables": {"masqueradeAll": True},
        },
        {
            "DetectLocalMode": "BridgeInterface",
            "DetectLocal": {"BridgeInterface": "cni0"},
            "Linux": {"MasqueradeAll": True},
        },
        {
            "DetectLocalMode": "BridgeInterface",
            "DetectLocal": {"BridgeInterface": "cni0"},
            "IPTables": {"MasqueradeAll": True},
        },
    ],
)
def test_what_decides_about_masquerade(fields: object) -> None:
    """The public type, the internal one, and that of before 1.28 or so."""
    found = parse_configz(json.dumps({"kubeproxy.config.k8s.io": fields}))
    assert found is not None
    assert (found.interface, found.masquerade_all) == ("cni0", True)


@pytest.mark.parametrize("value", [{}, {"Mode": 3, "DetectLocal": []}, {"clusterCIDR": ""}])
def test_nothing_stated(value: object) -> None:
    found = parse_configz(json.dumps({"kubeproxy.config.k8s.io": value}))
    assert found is not None
    assert (found.mode, found.detect_local, found.cluster_cidr) == ("", "", None)


@pytest.mark.parametrize("text", ["", "404 page not found", "[]", "{", "[" * 100_000])
def test_what_it_is_not(text: str) -> None:
    with pytest.raises(ParseError):
        parse_configz(text)


def test_a_range_that_is_none() -> None:
    with pytest.raises(ParseError):
        parse_configz('{"kubeproxy.config.k8s.io":{"clusterCIDR":"x"}}')


@pytest.mark.parametrize("key", ["featureGates", "FeatureGates"])
@pytest.mark.parametrize("allowed", [True, False])
def test_a_gate_closes_external_ips(key: str, allowed: bool) -> None:
    fields = {key: {"AllowServiceExternalIPs": allowed}}
    found = parse_configz(json.dumps({"kubeproxy.config.k8s.io": fields}))
    assert found is not None
    assert found.no_external_ips is not allowed
