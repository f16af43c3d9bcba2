from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import AddressesReport
from kubectl_svcnet.pipeline.addresses import addresses
from tests.saved import Saved


def asked(saved: Saved, *texts: str) -> AddressesReport:
    return addresses(saved.source(), Options(), tuple(map(ip_address, texts)))


def test_the_lab() -> None:
    report = asked(Saved(), "10.96.0.1", "172.18.0.2", "10.244.1.200", "198.51.100.1")
    assert [(u.kind, u.state.value, u.range, u.owner) for u in report.addresses] == [
        ("ClusterIP", "allocated", "10.96.0.0/16", "service default/kubernetes (https 443/TCP)"),
        ("Node", "allocated", "172.18.0.0/24", "node n1"),
        (
            "Endpoint",
            "allocated",
            "172.18.0.0/24",
            "service default/kubernetes (https 6443/TCP)",
        ),
        ("Pod", "free", "10.244.1.0/24", "node n1"),
        ("", "outside", "", ""),
    ]
    assert not any(gap.blocking for gap in report.gaps)
    assert report.collected.nodes_read == 3


def test_endpoints_that_may_not_be_read_are_a_gap() -> None:
    saved = Saved().refuse(
        lambda c: "endpointslices" in getattr(c.request, "path", ""), Reason.FORBIDDEN, "forbidden"
    )
    report = asked(saved, "198.51.100.1")
    assert [gap.what for gap in report.gaps if gap.blocking] == ["endpointslices"]
    assert report.addresses[0].state.value == "unknown"


PORTS = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"port": 9153}]
API: dict[str, list[Any]] = {
    "/api/v1/services": [
        {
            "metadata": {"namespace": "kube-system", "name": "kube-dns"},
            "spec": {
                "type": "LoadBalancer",
                "clusterIP": "10.96.0.10",
                "clusterIPs": ["10.96.0.10", "fd00:96::a"],
                "externalIPs": ["203.0.113.9"],
                "ports": PORTS,
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.200"}, {"hostname": "a"}]}},
        },
        {
            "metadata": {"namespace": "a", "name": "old"},
            "spec": {"clusterIP": "10.96.0.11", "ports": [{"port": 80}]},
        },
    ],
    "/api/v1/nodes": [
        {
            "metadata": {"name": "n1"},
            "spec": {"podCIDRs": ["10.244.1.0/24", "fd00:244:1::/64"]},
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": "192.0.2.1"},
                    {"type": "ExternalIP", "address": "198.51.100.7"},
                ]
            },
        }
    ],
    "/api/v1/pods": [
        {
            "metadata": {"namespace": "a", "name": "web"},
            "spec": {"nodeName": "n1"},
            "status": {
                "phase": "Running",
                "podIPs": [{"ip": "10.244.1.9"}, {"ip": "fd00:244:1::9"}],
            },
        },
        {
            "metadata": {"namespace": "a", "name": "agent"},
            "spec": {"nodeName": "n1", "hostNetwork": True},
            "status": {"phase": "Running", "podIP": "192.0.2.1"},
        },
        {
            "metadata": {"namespace": "a", "name": "done"},
            "spec": {"nodeName": "n1"},
            "status": {"phase": "Succeeded", "podIP": "10.244.1.8"},
        },
        {
            "metadata": {
                "namespace": "kube-system",
                "name": "node-local-dns-n1",
                "labels": {"k8s-app": "node-local-dns"},
            },
            "spec": {
                "nodeName": "n1",
                "hostNetwork": True,
                "containers": [
                    {"name": "node-cache", "args": ["-localip", "169.254.20.10,10.96.0.10"]}
                ],
            },
            "status": {"phase": "Running", "podIP": "192.0.2.1"},
        },
    ],
    "/apis/networking.k8s.io/v1/servicecidrs": [
        {
            "metadata": {"name": "kubernetes"},
            "spec": {"cidrs": ["10.96.0.0/16", "fd00:96::/112"]},
        }
    ],
    "/apis/networking.k8s.io/v1/ipaddresses": [],
    "/apis/networking.k8s.io/v1beta1/ipaddresses": [],
    "/apis/discovery.k8s.io/v1/endpointslices": [],
}


def api_server(extra: dict[str, list[Any]]) -> ReplaySource:
    return ReplaySource.of(
        [
            Capture(request=ApiRequest(path=path), objects=(*items, *extra.get(path, ())))
            for path, items in API.items()
        ]
    )


def test_an_address_of_a_service_that_is_gone() -> None:
    parent = {"group": "", "resource": "services", "namespace": "a", "name": "gone"}
    held = {"metadata": {"name": "10.96.0.12"}, "spec": {"parentRef": parent}}
    source = api_server({"/apis/networking.k8s.io/v1/ipaddresses": [held]})
    asked = tuple(map(ip_address, ("10.96.0.12", "10.96.0.13", "10.96.0.11")))
    report = addresses(source, Options(), asked)
    assert [(u.kind, u.state.value, u.range, u.owner) for u in report.addresses] == [
        ("IPAddress", "allocated", "10.96.0.0/16", "service a/gone, which does not exist"),
        ("Service", "free", "10.96.0.0/16", ""),
        ("ClusterIP", "allocated", "10.96.0.0/16", "service a/old (80/TCP)"),
    ]


def test_an_address_of_which_the_allocator_was_not_asked() -> None:
    report = asked(Saved(), "10.96.77.7")  # in the bundle nobody asked for it
    assert [(u.kind, u.state.value) for u in report.addresses] == [("Service", "free")]
    (gap,) = [gap for gap in report.gaps if gap.what == "ipaddresses"]
    assert not gap.blocking


def states(*texts: str, **extra: list[Any]) -> list[tuple[str, str, str]]:
    lists = {f"/api/v1/{name}": items for name, items in extra.items()}
    report = addresses(api_server(lists), Options(), tuple(map(ip_address, texts)))
    return [(u.kind, u.state.value, u.owner) for u in report.addresses]


DNS = "service kube-system/kube-dns (dns 53/UDP, 9153/TCP)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.10", ("ClusterIP", "allocated", DNS)),
        ("fd00:96::a", ("ClusterIP", "allocated", DNS)),
        ("10.96.0.11", ("ClusterIP", "allocated", "service a/old (80/TCP)")),
        ("203.0.113.9", ("ExternalIP", "allocated", DNS)),
        ("192.0.2.200", ("LoadBalancerIP", "allocated", DNS)),
        ("192.0.2.1", ("Node", "allocated", "node n1")),  # also of pods of the host's network
        ("198.51.100.7", ("Node", "allocated", "node n1")),
        ("10.244.1.9", ("Pod", "allocated", "pod a/web on n1")),
        ("fd00:244:1::9", ("Pod", "allocated", "pod a/web on n1")),
        ("10.244.1.8", ("Pod", "free", "node n1")),  # its pod has ended
        (
            "169.254.20.10",
            ("Node", "allocated", "node-local-dns -localip of pod kube-system/node-local-dns-n1"),
        ),
        ("169.254.1.1", ("LinkLocal", "reserved", "")),
        ("10.96.0.12", ("Service", "free", "")),
        ("100.64.0.1", ("", "outside", "")),
    ],
)
def test_each_kind_of_address(text: str, expected: tuple[str, str, str]) -> None:
    assert states(text) == [expected]


@pytest.mark.parametrize("text", ["10.96.0.12", "100.64.0.1", "10.244.1.8"])
@pytest.mark.parametrize("what", ["services", "pods"])
def test_what_an_object_holds_that_cannot_be_read_is_not_free(what: str, text: str) -> None:
    broken = {"metadata": {}, "spec": {"clusterIP": "10.96.0.12"}}
    ((_, state, _),) = states(text, **{what: [broken]})
    assert state == "unknown"
