"""An anonymised bundle says nothing of the old names, and answers as the plain one would."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_svcnet.cluster.anonymise import Anonymiser
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
    ReviewRequest,
)
from kubectl_svcnet.model.commands import Command

NODE = {
    "metadata": {
        "name": "acme-7",
        "labels": {
            "kubernetes.io/hostname": "acme-7",
            "kubernetes.io/os": "linux",
            "topology.kubernetes.io/zone": "acme-dc",
            "team": "acme-payments",
        },
    },
    "spec": {"podCIDR": "10.244.1.0/24", "providerID": "acme://7"},
    "status": {
        "addresses": [
            {"type": "InternalIP", "address": "172.18.0.7"},
            {"type": "Hostname", "address": "acme-7"},
            {"type": "InternalDNS", "address": "acme-7.acme.internal"},
        ],
        "nodeInfo": {"kubeProxyVersion": "", "machineID": "acme"},
        "conditions": [{"type": "Ready", "status": "True", "message": "acme is well"}],
    },
}
SERVICE = {
    "metadata": {"name": "acme-db", "namespace": "acme", "labels": {"app": "acme-db"}},
    "spec": {
        "clusterIP": "10.96.0.9",
        "ports": [{"name": "mysql", "port": 3306}],
        "selector": {"app.kubernetes.io/name": "acme-db"},
    },
    "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "hostname": "lb.acme"}]}},
}
SLICE = {
    "metadata": {
        "name": "acme-db-x2x4q",
        "namespace": "acme",
        "labels": {
            "kubernetes.io/service-name": "acme-db",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        "ownerReferences": [{"kind": "Service", "name": "acme-db"}],
    },
    "addressType": "IPv4",
    "ports": [{"name": "mysql", "port": 3306}],
    "endpoints": [
        {
            "addresses": ["10.244.1.2"],
            "nodeName": "acme-7",
            "zone": "acme-dc",
            "hints": {"forZones": [{"name": "acme-dc"}]},
            "targetRef": {"kind": "Pod", "namespace": "acme", "name": "acme-db-0"},
        }
    ],
}
POD = {
    "metadata": {
        "name": "acme-db-0",
        "namespace": "acme",
        "labels": {"app.kubernetes.io/name": "acme-db"},
        "annotations": {"x": "acme"},
    },
    "spec": {
        "nodeName": "acme-7",
        "containers": [{"name": "acme", "image": "acme/db", "ports": [{"containerPort": 3306}]}],
        "initContainers": [{"name": "acme", "restartPolicy": "Always", "image": "acme/mesh"}],
        "volumes": [{"name": "acme"}],
    },
    "status": {"phase": "Running", "podIP": "10.244.1.2", "message": "acme"},
}
PROXY = {
    "metadata": {
        "name": "kube-proxy-x",
        "namespace": "kube-system",
        "labels": {"k8s-app": "kube-proxy"},
    },
    "spec": {"nodeName": "acme-7", "hostNetwork": True, "containers": [{"name": "kube-proxy"}]},
}

SERVICES, NODES = ApiRequest(path="/api/v1/services"), ApiRequest(path="/api/v1/nodes")
PODS = ApiRequest(path="/api/v1/pods", query=(("fieldSelector", "spec.nodeName=acme-7"),))
SLICES = ApiRequest(
    path="/apis/discovery.k8s.io/v1/namespaces/acme/endpointslices",
    query=(("labelSelector", "kubernetes.io/service-name=acme-db"),),
)
ONE = ApiRequest(path="/api/v1/namespaces/acme/services/acme-db", many=False)
DUMP = Command("iptables-nft-save", ("nat",))
EXEC = ExecRequest(
    node="acme-7",
    namespace="kube-system",
    pod="kube-proxy-x",
    container="kube-proxy",
    commands=(DUMP,),
)
LOG = LogRequest(namespace="kube-system", pod="kube-proxy-x", container="kube-proxy", node="acme-7")
EVENTS = ApiRequest(
    path="/api/v1/namespaces/acme/events",
    query=(("fieldSelector", "involvedObject.name=acme-db"),),
)
EVENT = {
    "metadata": {"name": "acme-db-0.18a", "namespace": "acme"},
    "involvedObject": {"kind": "Pod", "namespace": "acme", "name": "acme-db-0"},
    "type": "Warning",
    "reason": "Unhealthy",
    "message": "acme said no",
    "source": {"component": "kubelet", "host": "acme-7"},
    "lastTimestamp": "2026-11-24T23:35:00Z",
}
OTHER = {
    "metadata": {"name": "acme-db.18b", "namespace": "acme"},
    "involvedObject": {"kind": "Deployment", "namespace": "acme", "name": "acme-db"},
}
REFUSED = Failure(reason=Reason.FORBIDDEN, message='pods "acme-db-0" on acme-7 of acme/acme-db')
CAPTURES = (
    Capture(request=NODES, objects=(NODE,)),
    Capture(request=SERVICES, objects=(SERVICE,)),
    Capture(request=SLICES, objects=(SLICE,)),
    Capture(request=PODS, objects=(POD, PROXY)),
    Capture(request=ONE, objects=(SERVICE,)),
    Capture(
        request=EXEC,
        command=DUMP,
        data=b'-A KUBE-SERVICES -m comment --comment "acme/acme-db:mysql cluster IP" \xff\n',
        exit_code=0,
    ),
    Capture(request=LOG, data=b'I1 acme-7 service="acme/acme-db"\n', failure=REFUSED),
    Capture(request=LOG, data=b'{"msg":"x","service":{"name":"acme-db","namespace":"acme"}}\n'),
    Capture(request=EVENTS, objects=(EVENT, OTHER)),
    Capture(request=ReviewRequest(verb="get", resource="pods", namespace="acme")),
)


def changed() -> tuple[Capture, ...]:
    anonymiser = Anonymiser()
    return tuple(anonymiser.change(capture) for capture in CAPTURES)


def test_no_old_name_is_left() -> None:
    assert "acme" not in repr(changed())


def test_what_passes_is_untouched() -> None:
    before = repr(CAPTURES)
    changed()
    assert repr(CAPTURES) == before


def test_addresses_and_relations_stay() -> None:
    captures = changed()
    (node,), (service,), (slice_,) = (c.objects for c in captures[:3])
    pod, proxy = captures[3].objects
    assert node["spec"] == {"podCIDR": "10.244.1.0/24"}
    assert node["status"]["addresses"][0]["address"] == "172.18.0.7"
    assert node["metadata"]["labels"]["kubernetes.io/os"] == "linux"
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    assert service["spec"]["clusterIP"] == "10.96.0.9"
    assert service["status"]["loadBalancer"]["ingress"] == [{"ip": "203.0.113.1"}]
    assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == name
    endpoint = slice_["endpoints"][0]
    assert endpoint["nodeName"] == node["metadata"]["name"] == pod["spec"]["nodeName"]
    assert endpoint["zone"] == endpoint["hints"]["forZones"][0]["name"]
    assert endpoint["zone"] == node["metadata"]["labels"]["topology.kubernetes.io/zone"]
    assert endpoint["targetRef"]["name"] == pod["metadata"]["name"]
    assert endpoint["targetRef"]["namespace"] == namespace == pod["metadata"]["namespace"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert pod["status"]["podIP"] == "10.244.1.2"
    assert pod["spec"]["initContainers"] == [{"name": "c", "restartPolicy": "Always"}]
    assert proxy["metadata"]["name"] == "kube-proxy-x"
    assert proxy["metadata"]["labels"] == {"k8s-app": "kube-proxy"}
    assert f"{namespace}/{name}:mysql cluster IP".encode() in captures[5].data
    assert captures[5].data.endswith(b"\xff\n")


def test_it_can_be_replayed() -> None:
    source = ReplaySource.of(changed())
    (node,) = source.fetch(NODES)[0].objects
    where = node["metadata"]["name"]
    (service,) = source.fetch(SERVICES)[0].objects
    meta = service["metadata"]
    one = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}"
    assert source.fetch(ApiRequest(path=one, many=False))[0].objects == (service,)
    pods = ApiRequest(path="/api/v1/pods", query=(("fieldSelector", f"spec.nodeName={where}"),))
    assert len(source.fetch(pods)[0].objects) == 2
    slices = ApiRequest(
        path=f"/apis/discovery.k8s.io/v1/namespaces/{meta['namespace']}/endpointslices",
        query=(("labelSelector", f"kubernetes.io/service-name={meta['name']}"),),
    )
    assert len(source.fetch(slices)[0].objects) == 1
    request = ExecRequest(
        node=where,
        namespace="kube-system",
        pod="kube-proxy-x",
        container="kube-proxy",
        commands=(DUMP,),
    )
    assert source.fetch(request)[0].ok
    json.dumps([capture.objects for capture in changed()])


GROUP = "/apis/example.org/v1"


@pytest.mark.parametrize(
    ("resource", "item", "kept"),
    [
        (
            "ippools",
            {"spec": {"cidr": "10.0.0.0/16", "nodeSelector": "team == 'secret'"}},
            {"metadata": {"name": "value-1", "labels": {}}, "spec": {"cidr": "10.0.0.0/16"}},
        ),
        (
            "blockaffinities",
            {"spec": {"cidr": "10.0.0.0/26", "node": "secret-node"}},
            {
                "metadata": {"name": "value-1", "labels": {}},
                "spec": {"cidr": "10.0.0.0/26", "node": "node-1"},
            },
        ),
        (
            "ciliumnodes",
            {"spec": {"ipam": {"podCIDRs": ["10.0.0.0/24"], "pool": {"10.0.0.1": "secret"}}}},
            {
                "metadata": {"name": "node-1", "labels": {}},
                "spec": {"ipam": {"podCIDRs": ["10.0.0.0/24"]}},
            },
        ),
        (
            "hostsubnets",
            {"host": "secret-node", "subnet": "10.0.0.0/23"},
            {
                "metadata": {"name": "node-1", "labels": {}},
                "host": "node-1",
                "subnet": "10.0.0.0/23",
            },
        ),
        (
            "subnets",
            {"spec": {"cidrBlock": "10.0.0.0/16", "namespaces": ["secret"], "vpc": "secret"}},
            {"metadata": {"name": "value-1", "labels": {}}, "spec": {"cidrBlock": "10.0.0.0/16"}},
        ),
        (
            "ipaddresspools",
            {"spec": {"addresses": ["10.9.0.1-10.9.0.9"], "serviceAllocation": {"x": "secret"}}},
            {
                "metadata": {"name": "value-1", "labels": {}},
                "spec": {"addresses": ["10.9.0.1-10.9.0.9"]},
            },
        ),
    ],
)
def test_of_a_cnis_object_only_the_range_stays(
    resource: str, item: dict[str, Any], kept: dict[str, Any]
) -> None:
    anonymiser = Anonymiser()
    node = {"metadata": {"name": "secret-node"}}
    anonymiser.change(Capture(request=ApiRequest(path="/api/v1/nodes"), objects=(node,)))
    named = {"metadata": {"name": "secret-node", "labels": {"team": "secret"}}, **item}
    capture = Capture(request=ApiRequest(path=f"{GROUP}/{resource}"), objects=(named,))
    (found,) = anonymiser.change(capture).objects
    assert found == kept


def test_whom_an_address_is_given_to() -> None:
    parent = {"group": "", "resource": "services", "namespace": "acme", "name": "acme-gone"}
    item = {"metadata": {"name": "10.96.0.12"}, "spec": {"parentRef": parent}}
    path = "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.12"
    capture = Capture(request=ApiRequest(path=path, many=False), objects=(item,))
    found = Anonymiser().change(capture)
    assert "acme" not in json.dumps(found.objects)
    assert found.request == capture.request
    assert found.objects[0]["metadata"]["name"] == "10.96.0.12"
    assert found.objects[0]["spec"]["parentRef"]["resource"] == "services"
