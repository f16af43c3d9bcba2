"""Objects of the API that are wrong by themselves: all are made at once, and `check` names each of
them by its code and nothing else. kube-proxy does for each what the API asks, so no node is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.test_check import MADE_TO_SHOW, found
from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import images, kube
from tests.lab.shell import wait_until
from tests.lab.topology import NODES

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
WEB, EDGE, DB = {"app": "web"}, {"app": "edge"}, {"app": "db"}
HTTP = {"name": "http", "port": 80, "targetPort": "http"}
BALANCED = {"type": "LoadBalancer", "loadBalancerClass": "svcnet.test/none"}
NOBODYS = "192.0.2.201"

#: By Service: what is wrong with it, its specification, the code and the level.
FAULTS: dict[str, tuple[Object, str, str]] = {
    # A letter changed places.
    "misspelt": ({"selector": {"app": "wbe"}, "ports": [HTTP]}, "SVN401", "warning"),
    "never-ready": ({"selector": {"app": "never-ready"}, "ports": [HTTP]}, "SVN402", "warning"),
    "no-such-name": (
        {"selector": WEB, "ports": [{**HTTP, "targetPort": "htpt"}]},
        "SVN403",
        "warning",
    ),
    "other-number": (
        {"selector": WEB, "ports": [{**HTTP, "targetPort": 9999}]},
        "SVN404",
        "info",
    ),
    "other-protocol": (
        {"selector": DB, "ports": [{"port": 3306, "protocol": "UDP", "targetPort": 3306}]},
        "SVN404",
        "info",
    ),
    "nobody-writes": ({"ports": [HTTP]}, "SVN406", "warning"),
    "dialled-anywhere": (
        {"type": "NodePort", "externalTrafficPolicy": "Local", "selector": EDGE, "ports": [HTTP]},
        "SVN411",
        "warning",
    ),
    "only-at-home": (
        {"internalTrafficPolicy": "Local", "selector": EDGE, "ports": [HTTP]},
        "SVN412",
        "warning",
    ),
    "claims": ({"externalIPs": [NOBODYS], "selector": WEB, "ports": [HTTP]}, "SVN413", "warning"),
    "nobody-admitted": (
        {**BALANCED, "loadBalancerSourceRanges": ["127.0.0.0/8"], "selector": WEB, "ports": [HTTP]},
        "SVN414",
        "warning",
    ),
    "other-family": (
        {
            **BALANCED,
            "loadBalancerSourceRanges": ["2001:db8::/32"],
            "selector": WEB,
            "ports": [HTTP],
        },
        "SVN415",
        "info",
    ),
    "crowded": ({"selector": WEB, "ports": [HTTP]}, "SVN416", "info"),
    "no-use-of-hints": ({"ports": [HTTP]}, "SVN417", "info"),
    "isolated": ({"selector": {"app": "isolated"}, "ports": [HTTP]}, "SVN418", "info"),
}
#: Claims the address of `claims`, whose finding names both.
RIVAL = {"externalIPs": [NOBODYS], "selector": DB, "ports": [{**HTTP, "targetPort": 3306}]}
ORPHAN = ("SVN405", "default/nobody-there", "info")
#: Of the workloads: its load balancer asks the health check node port.
LEFT_OUT = ("SVN411", "default/edge-lb", "info")
BALANCER = {"other-family": "203.0.113.40"}


def service(name: str, spec: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def endpoint_slice(of: str, *endpoints: Object) -> Object:
    labels = {"kubernetes.io/service-name": of}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{of}-1", "labels": labels},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }


def pod(name: str, **more: object) -> Object:
    container = {
        "name": "main",
        "image": images.LABSRV,
        "imagePullPolicy": "Never",
        "command": ["labsrv", "pause"],
        "ports": [{"name": "http", "containerPort": 8080}],
        **more,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
    }


def policy(app: str) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"only-{app}"},
        "spec": {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"]},
    }


#: With the Service's own more than the Endpoints object names. A slice has no more than these.
CROWD = [{"addresses": [f"10.244.{100 + n // 250}.{1 + n % 250}"]} for n in range(1000)]


def objects() -> str:
    address = kube.get("pods", "-l", "app=web")["items"][0]["status"]["podIP"]
    hinted = {"addresses": [address], "hints": {"forZones": [{"name": "elsewhere"}]}}
    made = [
        *(service(name, spec) for name, (spec, _, _) in FAULTS.items()),
        service("claims-too", RIVAL),
        endpoint_slice("no-use-of-hints", hinted),
        endpoint_slice("nobody-there", {"addresses": [address]}),
        endpoint_slice("crowded", *CROWD),
        pod("never-ready", readinessProbe={"exec": {"command": ["false"]}}),
        pod("isolated"),
        policy("isolated"),
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": made})


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Iterator[Answer]:
    manifest = objects()
    kube.apply(manifest)
    try:
        for name, address in BALANCER.items():
            status = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
            patch = ("--subresource=status", "--type=merge", "-p", json.dumps(status))
            kube.kubectl("patch", "service", name, *patch)
        wait_until("the pods run", lambda: set(map(_phase, PODS)) == {"Running"}, timeout=60)
        yield svcnet("check", *ONLY)
    finally:
        kube.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait", stdin=manifest)
    after = svcnet("check", *ONLY)
    assert found(after, "error", "warning") == MADE_TO_SHOW, after.told()


PODS = ("never-ready", "isolated")


def _phase(pod: str) -> str:
    return str(kube.get("pod", pod)["status"]["phase"])


def stated(answer: Answer) -> set[tuple[str, str, str]]:
    return {(f["code"], f["service"] or "", f["level"]) for f in answer.findings()}


def test_each_is_found_and_nothing_else(answer: Answer) -> None:
    wanted = {(code, f"default/{name}", level) for name, (_, code, level) in FAULTS.items()}
    made = {(code, service, "warning") for code, service in MADE_TO_SHOW}
    assert stated(answer) == wanted | made | {ORPHAN, LEFT_OUT}, answer.told()
    assert (answer.code, answer.gaps()) == (0, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("misspelt", "app=web"),
        ("never-ready", "never-ready"),
        ("no-such-name", "htpt"),
        ("other-number", "9999"),
        ("other-protocol", "3306/UDP"),
        ("only-at-home", "n1, n3"),
        ("claims", f"{NOBODYS}:80"),
        ("crowded", "1002 endpoints"),
        ("no-use-of-hints", "zone"),
        ("isolated", "client-n1 (n1) is not let in"),
    ],
)
def test_what_it_says(answer: Answer, name: str, words: str) -> None:
    [finding] = [one for one in answer.findings() if one["service"] == f"default/{name}"]
    assert words in finding["message"] + " ".join(finding["evidence"]), finding


def test_what_a_node_lacks_for_the_rival(answer: Answer) -> None:
    """Each node serves one of the two; that it leads elsewhere than the other asks is no fault of
    kube-proxy's."""
    [finding] = [f for f in answer.findings() if f["code"] == "SVN413"]
    lacking = {(one["node"], one["code"]) for one in finding["objects"]}
    assert lacking == {(node.name, code) for node in NODES for code in ("SVN202", "SVN203")}
