from __future__ import annotations

from ipaddress import ip_network

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.kubeadm import (
    ClusterConfiguration,
    KubeProxyConfiguration,
    StatedRange,
    parse_cluster_configuration,
    parse_kube_proxy_configuration,
)

CLUSTER = """\
apiServer: {}
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  dnsDomain: cluster.local
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/12
"""
PROXY = """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
clusterCIDR: "10.244.0.0/16"
detectLocalMode: NodeCIDR
kind: KubeProxyConfiguration
mode: nftables
"""


def test_cluster_configuration() -> None:
    assert parse_cluster_configuration(CLUSTER) == ClusterConfiguration(
        service_subnet=StatedRange((ip_network("10.96.0.0/12"),), "  serviceSubnet: 10.96.0.0/12"),
        pod_subnet=StatedRange(
            (ip_network("10.244.0.0/16"), ip_network("fd00:10:244::/56")),
            "  podSubnet: 10.244.0.0/16,fd00:10:244::/56",
        ),
    )


def test_kube_proxy_configuration() -> None:
    assert parse_kube_proxy_configuration(PROXY) == KubeProxyConfiguration(
        cluster_cidr=StatedRange((ip_network("10.244.0.0/16"),), 'clusterCIDR: "10.244.0.0/16"'),
        mode="nftables",
        detect_local="NodeCIDR",
    )


@pytest.mark.parametrize(
    ("listed", "ranges"),
    [
        ("[192.0.2.0/24, '2001:db8::/32']", ("192.0.2.0/24", "2001:db8::/32")),
        ("[primary]", ()),
        ("[]", ()),
        ("null", ()),
    ],
)
def test_node_port_addresses(listed: str, ranges: tuple[str, ...]) -> None:
    found = parse_kube_proxy_configuration(f"{PROXY}nodePortAddresses: {listed}\n")
    assert found is not None
    assert found.node_port_addresses == tuple(map(ip_network, ranges))


def test_one_of_several_documents() -> None:
    assert parse_cluster_configuration(f"{PROXY}---\n{CLUSTER}") is not None


def test_a_value_that_yaml_hides_is_shown_as_key_and_value() -> None:
    text = "kind: ClusterConfiguration\nnetworking: {serviceSubnet: 10.96.0.0/12}\n"
    found = parse_cluster_configuration(text)
    assert found is not None
    assert found.service_subnet is not None
    assert found.service_subnet.line == "serviceSubnet: 10.96.0.0/12"


@pytest.mark.parametrize("text", ["", "kind: Other\n", "[]", "kind: ClusterStatus\n---\n3\n"])
def test_another_kind_is_none(text: str) -> None:
    assert parse_cluster_configuration(text) is None
    assert parse_kube_proxy_configuration(text) is None


@pytest.mark.parametrize(
    ("lines", "interface", "masquerade_all"),
    [
        ("detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0}", "cni0", False),
        (
            "detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}",
            "veth",
            False,
        ),
        ("detectLocal: {bridgeInterface: cni0}", "", False),  # of another mode
        ("iptables: {masqueradeAll: true}", "", True),
        ("mode: ipvs\niptables: {masqueradeAll: true}", "", True),
        ("mode: nftables\niptables: {masqueradeAll: true}", "", False),
        ("mode: nftables\nnftables: {masqueradeAll: true}", "", True),
        ("iptables: 5\ndetectLocal: []", "", False),
    ],
)
def test_what_decides_about_masquerade(lines: str, interface: str, masquerade_all: bool) -> None:
    found = parse_kube_proxy_configuration(f"kind: KubeProxyConfiguration\n{lines}\n")
    assert found is not None
    assert (found.interface, found.masquerade_all) == (interface, masquerade_all)


@pytest.mark.parametrize("value", ["{}", '""', "[10.0.0.0/8]", "null", "5"])
def test_nothing_stated(value: str) -> None:
    text = f"kind: KubeProxyConfiguration\nclusterCIDR: {value}\n"
    assert parse_kube_proxy_configuration(text) == KubeProxyConfiguration()


@pytest.mark.parametrize(
    "text",
    [
        "kind: KubeProxyConfiguration\nclusterCIDR: ten\n",
        "kind: [",
        "kind: !!python/object:os.system x\n",
        "\x01\x1b[2J",
        "[" * 5000,
    ],
)
def test_broken_documents(text: str) -> None:
    with pytest.raises(ParseError):
        parse_kube_proxy_configuration(text)


@pytest.mark.parametrize(
    ("line", "closed"),
    [
        ("featureGates: {AllowServiceExternalIPs: false}", True),
        ("featureGates: {AllowServiceExternalIPs: true}", False),
        ("featureGates: {NFTablesProxyMode: false}", False),
        ("featureGates: null", False),
    ],
)
def test_a_gate_closes_external_ips(line: str, closed: bool) -> None:
    found = parse_kube_proxy_configuration(f"kind: KubeProxyConfiguration\n{line}\n")
    assert found is not None
    assert found.no_external_ips is closed
