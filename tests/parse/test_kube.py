"""API objects as JSON has them; facts of kube-proxy's own reading, one row each."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.service import Node, Service, ServiceName
from kubectl_svcnet.parse.kube import (
    parse_changed,
    parse_config_map,
    parse_event,
    parse_node,
    parse_service,
    parse_slice,
    parse_slices,
    service_of,
)
from tests.samples import at


def service(status: dict[str, Any] | None = None, **spec: Any) -> Service:
    meta = {"namespace": "default", "name": "db"}
    return parse_service({"metadata": meta, "spec": spec, "status": status or {}})


@pytest.mark.parametrize(
    ("annotation", "field"),
    [("topology-aware-hints", "aware_hints"), ("topology-mode", "topology_mode")],
)
def test_annotations_about_hints(annotation: str, field: str) -> None:
    meta = {"name": "db", "annotations": {f"service.kubernetes.io/{annotation}": "Auto"}}
    assert getattr(parse_service({"metadata": meta}), field) == "Auto"


def balancer(*ingress: dict[str, str]) -> dict[str, Any]:
    return {"loadBalancer": {"ingress": list(ingress)}}


@pytest.mark.parametrize(
    ("made", "field", "value"),
    [
        (service(), "type", "ClusterIP"),
        (service(clusterIP="10.96.0.9"), "cluster_ips", (ip_address("10.96.0.9"),)),
        (
            service(clusterIP="10.96.0.9", clusterIPs=["10.96.0.9", "fd00::9"]),
            "cluster_ips",
            (ip_address("10.96.0.9"), ip_address("fd00::9")),
        ),
        (service(clusterIP="None", clusterIPs=["None"]), "headless", True),
        (service(clusterIP="None", clusterIPs=["None"]), "cluster_ips", ()),
        (service(type="ExternalName", externalName="x.test"), "external_name", "x.test"),
        (service(externalName="x.test"), "external_name", ""),
        (service(type="ExternalName", clusterIP="10.96.0.9"), "cluster_ips", ()),
        (service(internalTrafficPolicy="Local"), "internal_local", True),
        (service(externalTrafficPolicy="Local"), "external_local", True),
        (service(externalTrafficPolicy="Cluster"), "external_local", False),
        (service(sessionAffinity="ClientIP"), "affinity_seconds", 10800),
        (service(sessionAffinity="None"), "affinity_seconds", None),
        (
            service(
                sessionAffinity="ClientIP",
                sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}},
            ),
            "affinity_seconds",
            60,
        ),
        (service(publishNotReadyAddresses=True), "publish_not_ready", True),
        (
            service(loadBalancerSourceRanges=[" 10.0.0.0/8 ", "10.1.2.3/16", "x"]),
            "source_ranges",
            (ip_network("10.0.0.0/8"), ip_network("10.1.0.0/16")),
        ),
        (
            service(
                balancer(
                    {"ip": "192.0.2.1"},
                    {"ip": "192.0.2.2", "ipMode": "Proxy"},
                    {"ip": "192.0.2.3", "ipMode": "VIP"},
                    {"hostname": "x.test"},
                )
            ),
            "load_balancer_ips",
            (ip_address("192.0.2.1"), ip_address("192.0.2.3")),
        ),
        (
            service(balancer({"ip": "192.0.2.1"}, {"ip": "192.0.2.2", "ipMode": "Proxy"})),
            "proxied_ips",
            (ip_address("192.0.2.2"),),
        ),
        (service(balancer({"hostname": "x.test"}), clusterIP="None"), "whole", True),
        (service(ports=[{"port": 80}, {"port": "x"}]), "whole", False),
        (service(balancer({"ip": "x", "ipMode": "Proxy"})), "whole", False),
        (service(externalIPs=["192.0.2.1", "192.0.2"]), "whole", False),
        (service(selector={"app": "db", "n": 1}), "selector", {"app": "db"}),
        (service(ports="none"), "ports", ()),  # of the wrong type: absent
    ],
)
def test_services(made: Service, field: str, value: object) -> None:
    assert getattr(made, field) == value


def test_ports() -> None:
    made = service(
        ports=[
            {"port": 80},
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns", "nodePort": 30053},
        ]
    )
    first, second = made.ports
    assert (first.name, first.protocol, first.port, first.node_port) == ("", Protocol.TCP, 80, 0)
    assert (second.target_port, second.node_port) == ("dns", 30053)
    assert second.protocol is Protocol.UDP


def test_a_protocol_that_does_not_exist() -> None:
    with pytest.raises(ParseError, match="unknown protocol 'QUIC'"):
        service(ports=[{"port": 80, "protocol": "QUIC"}])


@pytest.mark.parametrize(
    ("labels", "proxy"),
    [
        ({"service.kubernetes.io/service-proxy-name": "x"}, "x"),
        ({"service.kubernetes.io/service-proxy-name": ""}, '""'),  # kube-proxy asks for the key
        ({"service.kubernetes.io/service-name": "x"}, ""),
    ],
)
def test_another_proxy(labels: dict[str, str], proxy: str) -> None:
    made = parse_service({"metadata": {"namespace": "a", "name": "b", "labels": labels}})
    assert made.other_proxy == proxy


@pytest.mark.parametrize("item", [{}, {"metadata": None}, {"metadata": {"name": ""}}])
def test_an_object_without_a_name(item: dict[str, Any]) -> None:
    with pytest.raises(ParseError, match="without a name"):
        parse_service(item)


def sliced(*endpoints: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "default",
            "name": "db-x",
            "labels": {"kubernetes.io/service-name": "db"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "mysql", "port": 3306, "protocol": "TCP"}],
        "endpoints": list(endpoints),
        **values,
    }


def ep(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions, "nodeName": "n1"}


DB = ServiceName("default", "db")


@pytest.mark.parametrize(
    ("conditions", "ready", "serving", "terminating"),
    [
        ({}, True, True, False),
        ({"ready": True}, True, True, False),
        ({"ready": False}, False, True, False),
        ({"ready": False, "serving": True, "terminating": True}, False, True, True),
        ({"ready": True, "serving": False}, True, False, False),
    ],
)
def test_conditions(
    conditions: dict[str, bool], ready: bool, serving: bool, terminating: bool
) -> None:
    (found,) = parse_slices([sliced(ep("10.244.1.2", **conditions))])[DB]
    assert (found.ready, found.serving, found.terminating) == (ready, serving, terminating)


@pytest.mark.parametrize(
    ("items", "addresses"),
    [
        ([sliced(ep("10.244.1.2"))], ["10.244.1.2:3306"]),
        ([sliced(ep("10.244.1.2")), sliced(ep("10.244.1.2"))], ["10.244.1.2:3306"]),
        (
            [sliced({"addresses": ["10.244.1.2", "10.244.1.3"]})],  # the first one counts
            ["10.244.1.2:3306"],
        ),
        ([sliced(ep("10.244.1.2"), ports=[{"name": "mysql"}])], []),
        ([sliced(ep("10.244.1.2"), ports=[{"name": "mysql", "port": 0}])], []),
        ([sliced(ep("x.test"), addressType="FQDN")], []),
        ([sliced({"addresses": []})], []),
        (
            [
                sliced(ep("10.244.1.2")),
                sliced(ep("10.244.1.3"), ports=[{"name": "mysql", "port": 1}]),
            ],
            ["10.244.1.2:3306", "10.244.1.3:1"],  # a named targetPort may differ
        ),
        ([sliced(ep("fd00::2"), addressType="IPv6")], ["[fd00::2]:3306"]),
    ],
)
def test_slices(items: list[dict[str, Any]], addresses: list[str]) -> None:
    found = parse_slices(items).get(DB, ())
    assert [endpoint.address for endpoint in found] == [at(text) for text in addresses]


@pytest.mark.parametrize(
    "item",
    [
        sliced(ep("10.244.1.300")),
        sliced({"addresses": [10]}),
        sliced({"addresses": "x"}),
        sliced(ep("10.244.1.2"), ports=[{"port": "http"}]),
        sliced(ep("10.244.1.2"), ports={"port": 80}),
        sliced(ep("10.244.1.2"), ports=[80]),
        sliced(ep("10.244.1.2"), addressType="IPX"),
        sliced(endpoints="x"),
        sliced(endpoints=["10.244.1.2"]),
    ],
)
def test_slices_that_cannot_be_read(item: dict[str, Any]) -> None:
    """Less of it would be another expectation."""
    with pytest.raises(ParseError):
        parse_slices([sliced(ep("10.244.1.2")), item])


@pytest.mark.parametrize("leaving_first", [True, False])
def test_of_two_the_one_that_stays(leaving_first: bool) -> None:
    both = [ep("10.244.1.2", ready=False, serving=True, terminating=True), ep("10.244.1.2")]
    (found,) = parse_slices([sliced(*(both if leaving_first else both[::-1]))])[DB]
    assert not found.terminating


def test_what_slices_say_otherwise_is_kept() -> None:
    same = ep("10.244.1.2") | {"targetRef": {"kind": "Pod", "name": "db-1"}}
    other, leaving = ep("10.244.1.2", ready=False), ep("10.244.1.2", terminating=True)
    (found,) = parse_slices([sliced(leaving), sliced(ep("10.244.1.2"), same), sliced(other)])[DB]
    assert (found.ready, found.terminating) == (True, False)
    assert [(twin.ready, twin.terminating) for twin in found.twins] == [
        (False, False),
        (True, True),
    ]


@pytest.mark.parametrize(
    ("label", "headless", "other_proxy"),
    [("service-proxy-name", False, True), ("headless", True, False)],
)
def test_labels_of_slices(label: str, headless: bool, other_proxy: bool) -> None:
    item = sliced(ep("10.244.1.2"))
    item["metadata"]["labels"] |= {f"service.kubernetes.io/{label}": ""}
    (found,) = parse_slices([item])[DB]
    assert (found.headless, found.other_proxy) == (headless, other_proxy)


def test_a_slice_of_no_service() -> None:
    assert parse_slices([{"metadata": {"namespace": "a", "name": "b"}}]) == {}


def test_hints_and_pods() -> None:
    entry = ep("10.244.1.2") | {
        "hints": {"forZones": [{"name": "a"}, {"name": "b"}], "forNodes": [{"name": "n1"}]},
        "targetRef": {"kind": "Pod", "name": "db-1"},
    }
    (found,) = parse_slices([sliced(entry)])[DB]
    assert (found.zone_hints, found.node_hints) == (frozenset("ab"), frozenset({"n1"}))
    assert (found.pod, found.node) == ("db-1", "n1")


def node(labels: dict[str, str] | None = None, spec: Any = None, **status: Any) -> Node:
    return parse_node(
        {"metadata": {"name": "n1", "labels": labels or {}}, "spec": spec or {}, "status": status}
    )


@pytest.mark.parametrize(
    ("made", "field", "value"),
    [
        (
            node(
                addresses=[
                    {"type": "Hostname", "address": "n1"},
                    {"type": "InternalIP", "address": "172.18.0.2"},
                    {"type": "ExternalIP", "address": "192.0.2.1"},
                ]
            ),
            "addresses",
            (ip_address("172.18.0.2"),),
        ),
        (node(spec={"podCIDR": "10.244.1.0/24"}), "pod_cidrs", (ip_network("10.244.1.0/24"),)),
        (
            node(spec={"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", "fd00::/64"]}),
            "pod_cidrs",
            (ip_network("10.244.1.0/24"), ip_network("fd00::/64")),
        ),
        (node(conditions=[{"type": "Ready", "status": "True"}]), "ready", True),
        (node(conditions=[{"type": "Ready", "status": "Unknown"}]), "ready", False),
        (node(conditions=[{"type": "Ready", "status": "False"}]), "ready", False),
        (node(), "os", "linux"),
        (node(nodeInfo={"operatingSystem": "windows"}), "os", "windows"),
        (node({"kubernetes.io/os": "windows"}), "os", "windows"),
        (node({"type": "virtual-kubelet"}), "virtual", True),
        (node({"eks.amazonaws.com/compute-type": "fargate"}), "virtual", True),
        (node(), "virtual", False),
        (node({"topology.kubernetes.io/zone": "a"}), "zone", "a"),
    ],
)
def test_nodes(made: Node, field: str, value: object) -> None:
    assert getattr(made, field) == value


def test_config_maps() -> None:
    item = {"metadata": {"namespace": "a", "name": "b"}, "data": {"x": "1", "y": 2}}
    assert parse_config_map(item).data == {"x": "1"}


def test_an_event() -> None:
    made = parse_event(
        {
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web-0"},
            "type": "Warning",
            "reason": "Unhealthy",
            "message": "no",
            "source": {"host": "n1"},
            "firstTimestamp": "2026-11-24T23:30:00Z",
            "lastTimestamp": "2026-11-24T23:36:00Z",
            "count": 3,
        }
    )
    assert (made.kind, made.namespace, made.name) == ("Pod", "shop", "web-0")
    assert (made.type, made.reason, made.message) == ("Warning", "Unhealthy", "no")
    assert (made.node, made.count) == ("n1", 3)
    assert (made.first, made.last) == ("2026-11-24T23:30:00Z", "2026-11-24T23:36:00Z")
    newer = parse_event({"eventTime": "2026-11-24T23:36:00.1Z", "series": {"count": 2}})
    assert (newer.first, newer.last, newer.count) == (newer.last, "2026-11-24T23:36:00.1Z", 2)
    assert parse_event({}).count == 1


def test_a_slice() -> None:
    made = parse_slice(
        {
            "metadata": {
                "namespace": "shop",
                "name": "web-a",
                "labels": {"kubernetes.io/service-name": "web"},
                "creationTimestamp": "2026-11-24T23:30:00Z",
                "managedFields": [{"time": "2026-11-24T23:31:00Z", "manager": "m"}, {}, 3],
            },
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 80}],
            "endpoints": [{"addresses": ["10.0.0.1"]}],
        }
    )
    assert (str(made.name), str(made.service)) == ("shop/web-a", "shop/web")
    assert (made.changed, made.changed_by) == ("2026-11-24T23:31:00Z", "m")
    assert [str(e.address) for e in made.endpoints] == ["10.0.0.1:80"]
    alone = parse_slice({"metadata": {"name": "x"}})
    assert (alone.service, alone.endpoints, alone.changed) == (None, (), "")


TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


@pytest.mark.parametrize(
    ("metadata", "changed"),
    [
        ({}, None),
        ({"creationTimestamp": "1970-01-01T00:00:10Z"}, 10.0),
        (
            {
                "creationTimestamp": "1970-01-01T00:00:10Z",
                "managedFields": [
                    {"time": "1970-01-01T00:01:40Z", "manager": "kubectl"},
                    {"time": "1970-01-01T00:00:20Z"},
                    {},
                    3,
                ],
            },
            100.0,
        ),
        ({"annotations": {TRIGGER: "1970-01-01T00:01:00.5Z"}}, 60.5),
        ({"creationTimestamp": 3, "managedFields": "x", "annotations": []}, None),
    ],
)
def test_when_an_object_changed(metadata: dict[str, Any], changed: float | None) -> None:
    assert parse_changed({"metadata": metadata}) == changed


def test_the_service_of_an_object() -> None:
    name = {"namespace": "a", "name": "db-x7k2p", "labels": {"kubernetes.io/service-name": "db"}}
    assert service_of({"metadata": name, "addressType": "IPv4"}) == ServiceName("a", "db")
    assert service_of({"metadata": name}) == ServiceName("a", "db-x7k2p")
    assert service_of({"metadata": {"name": "x"}, "addressType": "IPv4"}) is None


@pytest.mark.parametrize("labels", [{}, {"service.kubernetes.io/headless": ""}])
def test_the_label_of_headless_services(labels: dict[str, str]) -> None:
    made = parse_service({"metadata": {"namespace": "a", "name": "b", "labels": labels}})
    assert (made.marked_headless, made.headless) == (bool(labels), False)
