from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.ranges.openshift import SOURCE

NETWORK = "/apis/config.openshift.io/v1/networks/cluster"
SDN = "/apis/network.openshift.io/v1"


@pytest.fixture
def ovn(agent: Any) -> Census:
    labels = {"app": "ovnkube-node"}
    return Census(pods=(agent("ovnkube-controller", "openshift-ovn-kubernetes", labels=labels),))


@pytest.fixture
def sdn(agent: Any) -> Census:
    return Census(pods=(agent("sdn", "openshift-sdn", labels={"app": "sdn"}),))


def network(kind: str = "OVNKubernetes", cidr: str = "10.128.0.0/14") -> dict[str, Any]:
    status = {"clusterNetwork": [{"cidr": cidr}], "serviceNetwork": ["172.30.0.0/16"]}
    meta = {"metadata": {"name": "cluster"}, "spec": {"clusterNetwork": [{"cidr": "10.0.0.0/8"}]}}
    return {NETWORK: {**meta, "status": {**status, "networkType": kind}}}


def test_what_is_in_force_and_not_what_is_wished(
    ask: Any, ovn: Census, serving: Any, texts: Any
) -> None:
    reading = ask(SOURCE, ovn, serving(network()))
    assert texts(reading) == [("Service", "", "172.30.0.0/16"), ("Pod", "", "10.128.0.0/14")]
    assert [claim.allocator for claim in reading.claims] == ["", "ovn-kubernetes"]
    assert reading.claims[1].evidence == "status.clusterNetwork.cidr: 10.128.0.0/14"


def test_node_ports_stand_in_the_spec_alone(ask: Any, ovn: Census, serving: Any) -> None:
    objects = network()
    for item in objects.values():
        item["spec"] = {**item.get("spec", {}), "serviceNodePortRange": "30000-34767"}
    claim = ask(SOURCE, ovn, serving(objects)).claims[-1]
    assert (claim.kind.value, claim.text) == ("NodePort", "30000-34767")
    assert claim.evidence == "spec.serviceNodePortRange: 30000-34767"


def test_sdn(ask: Any, sdn: Census, serving: Any, texts: Any) -> None:
    objects = {
        f"{SDN}/clusternetworks": [
            {"metadata": {"name": "default"}, "clusterNetworks": [{"CIDR": "10.128.0.0/14"}]}
        ],
        f"{SDN}/hostsubnets": [
            {"metadata": {"name": "n1"}, "host": "n1", "subnet": "10.129.0.0/23"}
        ],
    }
    assert texts(ask(SOURCE, sdn, serving(objects))) == [
        ("Pod", "", "10.128.0.0/14"),
        ("Pod", "n1", "10.129.0.0/23"),
    ]


def test_a_bad_range_is_a_gap(ask: Any, ovn: Census, serving: Any) -> None:
    (gap,) = ask(SOURCE, ovn, serving(network(cidr="ten"))).gaps
    assert gap.next == "kubectl get network.config.openshift.io cluster -o yaml"


def test_no_rights(ask: Any, sdn: Census, refused: Any) -> None:
    gaps = ask(SOURCE, sdn, refused(Reason.FORBIDDEN)).gaps
    assert [gap.what for gap in gaps] == ["OpenShift network", "ClusterNetwork", "HostSubnet"]
    assert gaps[0].next == "kubectl auth can-i get networks.config.openshift.io/cluster"


def test_other_clusters_are_not_asked(agent: Any) -> None:
    assert SOURCE.recognise(Census(pods=(agent("sdn", labels={"app": "sdn"}),))) == ()
