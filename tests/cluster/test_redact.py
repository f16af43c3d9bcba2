"""What must not be in a bundle, and what must."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_svcnet.cluster.redact import LEFT_OUT, redact, redact_object, redact_text, resource_of
from kubectl_svcnet.model.capture import ApiRequest, Capture, LogRequest

SECRET = "hunter2"


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": spec}


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", **fields}]}


SECRETIVE: dict[str, dict[str, Any]] = {
    "managed fields": {"metadata": {"managedFields": [{"x": SECRET}]}},
    "annotations": {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied": SECRET}}},
    "a template's annotations": {
        "spec": {"template": {"metadata": {"annotations": {"vault/token": SECRET}}}}
    },
    "environment": pod(**container(env=[{"name": "DB_PASSWORD", "value": SECRET}])),
    "environment of others": pod(**container(envFrom=[{"secretRef": {"name": SECRET}}])),
    "an init container": pod(
        initContainers=[{"env": [{"name": "X", "value": SECRET}], "args": [SECRET]}]
    ),
    "arguments of an ordinary pod": pod(**container(args=["--dsn", SECRET], command=[SECRET])),
    "a secret flag": pod(hostNetwork=True, **container(args=[f"--bootstrap-token={SECRET}"])),
    "a secret flag in two words": pod(
        hostNetwork=True, **container(args=["--token", SECRET, "--v=2"])
    ),
    "a probe's headers": pod(
        **container(
            livenessProbe={"httpGet": {"httpHeaders": [{"name": "A", "value": SECRET}]}},
            readinessProbe={"exec": {"command": [SECRET]}},
            lifecycle={"preStop": {"exec": {"command": [SECRET]}}},
        )
    ),
    "a Secret": {"kind": "Secret", "data": {"x": SECRET}, "stringData": {"y": SECRET}},
    "a ConfigMap's password": {"data": {"config": f"a: 1\n  password: {SECRET}\nb: 2"}},
    "a ConfigMap's token": {"data": {"config": f'"apiToken": "{SECRET}"'}},
    "a ConfigMap's bytes": {"data": {}, "binaryData": {"x": SECRET}},
    "a machine's ids": {
        "status": {"nodeInfo": {"machineID": SECRET, "systemUUID": SECRET, "bootID": SECRET}}
    },
    "a daemon set's template": {"spec": {"template": {"spec": container(args=[SECRET])}}},
}


def test_of_managed_fields_only_the_times_stay() -> None:
    fields = [
        {"manager": SECRET, "time": "2026-11-24T23:35:51Z", "fieldsV1": {"f:data": {SECRET: {}}}},
        {"time": SECRET},
    ]
    kept = redact_object({"metadata": {"name": "x", "managedFields": fields}})
    assert kept["metadata"]["managedFields"] == [{"time": "2026-11-24T23:35:51Z"}]


@pytest.mark.parametrize("name", SECRETIVE)
def test_left_out(name: str) -> None:
    before = json.dumps(SECRETIVE[name])
    assert SECRET not in json.dumps(redact_object(SECRETIVE[name]))
    assert json.dumps(SECRETIVE[name]) == before  # what passes is untouched


KEPT: dict[str, dict[str, Any]] = {
    "flannel's annotations": {
        "metadata": {"annotations": {"flannel.alpha.coreos.com/backend-type": "vxlan"}}
    },
    "calico's": {"metadata": {"annotations": {"projectcalico.org/IPv4Address": "10.0.0.7/24"}}},
    "k3s's arguments": {"metadata": {"annotations": {"k3s.io/node-args": '["server"]'}}},
    "a static pod's": {"metadata": {"annotations": {"kubernetes.io/config.mirror": "x"}}},
    "routing hints": {"metadata": {"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}},
    "weave's range": pod(**container(env=[{"name": "IPALLOC_RANGE", "value": "10.32.0.0/12"}])),
    "the API server's flags": pod(
        hostNetwork=True,
        **container(command=["kube-apiserver", "--service-cluster-ip-range=10.96.0.0/16"]),
    ),
    "what a node runs": {
        "status": {"nodeInfo": {"kernelVersion": "6.1.0", "operatingSystem": "linux"}}
    },
    "a Service": {
        "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "db"}},
        "spec": {"clusterIP": "10.96.0.9", "ports": [{"port": 80}], "selector": {"app": "db"}},
    },
    "kube-proxy's settings": {
        "data": {"config.conf": "mode: nftables\nclusterCIDR: 10.244.0.0/16"}
    },
    "an endpoint": {"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}]},
}


@pytest.mark.parametrize("name", KEPT)
def test_kept(name: str) -> None:
    assert redact_object(KEPT[name]) == KEPT[name]


def test_images_are_left_out() -> None:
    node = {"status": {"images": [{"names": ["x"]}], "addresses": []}}
    assert redact_object(node) == {"status": {"addresses": []}}


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/api/v1/secrets", "secrets"),
        ("/api/v1/namespaces/x/secrets/y", "secrets"),
        ("/api/v1/namespaces", "namespaces"),
        ("/api/v1/namespaces/x", "namespaces"),
        ("/apis/apps/v1/namespaces/x/daemonsets", "daemonsets"),
        ("/version", ""),
    ],
)
def test_resources(path: str, resource: str) -> None:
    assert resource_of(path) == resource


def test_whole_answers_that_are_left_out() -> None:
    for path, many in (
        ("/api/v1/secrets", True),
        ("/api/v1/namespaces/x/secrets/y", False),
        ("/api/v1/configmaps", True),
    ):
        assert redact(Capture(request=ApiRequest(path=path, many=many))) is None
    named = ApiRequest(path="/api/v1/namespaces/kube-system/configmaps/kube-proxy", many=False)
    assert redact(Capture(request=named, objects=({"data": {}},))) is not None


def test_tokens_in_text() -> None:
    token = b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0xxxx.c2lnbmF0dXJl"
    text = b"I1 Authorization: Bearer abcdefghijkl\nI2 " + token + b"\nI3 10.96.0.1 eyJ\n"
    kept = redact_text(text).decode()
    assert kept == f"I1 Authorization: Bearer {LEFT_OUT}\nI2 {LEFT_OUT}\nI3 10.96.0.1 eyJ\n"
    request = LogRequest(namespace="n", pod="p", container="c")
    capture = redact(Capture(request=request, data=token, stderr=token))
    assert capture is not None
    assert token not in capture.data + capture.stderr
