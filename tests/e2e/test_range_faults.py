"""Ranges that change, run full, overlap and disagree: each is seeded, found, and undone.

What spoils a node is done to n5, which joins for it and leaves again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.test_check import MADE_TO_SHOW
from tests.e2e.test_check import found as found_by
from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import images, kube
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import SMALL

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
NAME = "svcnet-e2e"
META = {"name": NAME}


@pytest.fixture(autouse=True)
def undone(svcnet: Svcnet) -> Iterator[None]:
    yield
    assert svcnet("ranges").findings() == []


def items(answer: Answer, kind: str, node: str | None = None) -> dict[str, Object]:
    found = answer.document["items"]
    return {item["range"]: item for item in found if (item["kind"], item["node"]) == (kind, node)}


def only(answer: Answer, *codes: str) -> Object:
    """The first of the findings, which are these and no others."""
    assert [f["code"] for f in answer.findings()] == list(codes), answer.told()
    assert answer.code == int(any(f["level"] == "error" for f in answer.findings()))
    found: Object = answer.findings()[0]
    return found


@contextmanager
def there(*objects: Object) -> Iterator[None]:
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    kube.apply(manifest)
    try:
        yield
    finally:
        kube.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait", stdin=manifest)


def service_cidr(name: str, *networks: str) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": name},
        "spec": {"cidrs": networks},
    }


def service(**spec: object) -> Object:
    ports = [{"name": "http", "port": 80}]
    spec = {"ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": META, "spec": spec}


def pod(name: str, **spec: object) -> Object:
    container = {
        "name": "main",
        "image": images.LABSRV,
        "imagePullPolicy": "Never",
        "command": ["labsrv", "pause"],
    }
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


ADDED = "10.97.0.0/24"
#: Service ranges that lie in others; no pod and no node has an address there.
ASTRAY = {
    "10.244.200.0/24": "Pod range 10.244.0.0/16",
    "fd00:10:244:c8::/112": "Pod range fd00:10:244::/48",
    "172.18.0.128/28": "Node range 172.18.0.0/24",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """While all are there, while a Service has an address of the good one, and afterwards."""

    added: Answer
    used: Answer
    address: Answer
    removed: Answer


@pytest.fixture(scope="module")
def seen(svcnet: Svcnet) -> Seen:
    """At once, since the API server takes ten seconds to let one go."""
    four, six, nodes = ASTRAY
    made = (
        service_cidr(NAME, ADDED),
        service_cidr(f"{NAME}-pods", four, six),
        service_cidr(f"{NAME}-nodes", nodes),
    )
    with there(*made):
        added = svcnet("ranges")
        with there(service(clusterIP="10.97.0.77")):
            used = svcnet("ranges")
            address = svcnet("ranges", "--ip", "10.97.0.77")
    return Seen(added, used, address, svcnet("ranges"))


def test_a_service_range_added_and_removed(seen: Seen) -> None:
    added = items(seen.added, "Service")[ADDED]
    assert (added["used"], added["size"]) == (0, 254)
    assert [source["object"] for source in added["sources"]] == [f"servicecidr {NAME}"]
    assert not [f for f in seen.added.findings() if ADDED in f["message"]]
    assert items(seen.used, "Service")[ADDED]["used"] == 1
    [told] = seen.address.document["items"]
    assert (told["range"], told["state"]) == (ADDED, "allocated")
    assert NAME in told["owner"]
    assert ADDED not in items(seen.removed, "Service")


def test_services_among_pods_or_nodes(seen: Seen) -> None:
    only(seen.added, *["SVN104"] * len(ASTRAY))
    by_message = {f["message"]: f for f in seen.added.findings()}
    for network, other in ASTRAY.items():
        found = by_message[f"Service range {network} overlaps {other}"]
        assert any(f"servicecidr {NAME}-" in line and network in line for line in found["evidence"])
    assert seen.removed.code == 0


@pytest.mark.full
def test_a_full_service_range_beside_another(svcnet: Svcnet) -> None:
    """Nothing is stated, for the API server takes an address of the other one."""
    network = "10.97.1.0/29"
    made = [
        {**service(clusterIP=f"10.97.1.{number}"), "metadata": {"name": f"{NAME}-{number}"}}
        for number in range(1, 7)
    ]
    with there(service_cidr(NAME, network)):
        wait_until("it is ready", lambda: "True" in kube.answer(*READY), timeout=30)
        with there(*made, service()):
            answer = svcnet("ranges")
            address = kube.get("service", NAME)["spec"]["clusterIP"]
    assert (answer.code, answer.findings()) == (0, []), answer.told()
    full = items(answer, "Service")[network]
    assert full["used"] == full["size"] == 6
    assert not address.startswith("10.97.1.")


READY = ("get", "servicecidr", NAME, "-o", "jsonpath={.status.conditions[*].status}")


@pytest.mark.full
def test_a_service_outside_every_range(svcnet: Svcnet) -> None:
    """Its range was taken away by force: the API server keeps one that is in use."""
    of_web = service(
        clusterIP="10.97.0.77",
        selector={"app": "web"},
        ports=[{"name": "http", "port": 80, "targetPort": "http"}],
    )
    with there(service_cidr(NAME, ADDED)):
        wait_until("it is ready", lambda: "True" in kube.answer(*READY), timeout=30)
        with there(of_web):
            kube.kubectl("delete", "servicecidr", NAME, "--wait=false")
            free = ("--type=merge", "-p", '{"metadata": {"finalizers": null}}')
            kube.kubectl("patch", "servicecidr", NAME, *free)
            assert not kube.works("get", "servicecidr", NAME)
            answer = svcnet("check", *ONLY)
    assert beside_workloads(answer) == {("SVN103", f"default/{NAME}")}, answer.told()
    [found] = [one for one in answer.findings() if one["code"] == "SVN103"]
    assert f"Service default/{NAME}: 10.97.0.77" in found["evidence"]


def beside_workloads(answer: Answer) -> set[tuple[str, str]]:
    return found_by(answer, "error", "warning") - MADE_TO_SHOW


def test_a_load_balancer_address_among_pods(svcnet: Svcnet) -> None:
    with there(service(type="LoadBalancer", loadBalancerClass="svcnet.test/none")):
        status = {"status": {"loadBalancer": {"ingress": [{"ip": "10.244.200.9"}]}}}
        patch = ("--subresource=status", "--type=merge", "-p", json.dumps(status))
        kube.kubectl("patch", "service", NAME, *patch)
        found = only(svcnet("ranges"), "SVN104")
    assert "LoadBalancer range 10.244.200.9/32 overlaps Pod range" in found["message"]
    assert any(f"service default/{NAME}" in line for line in found["evidence"])


POOLS = "ipaddresspools.metallb.io"
POOL_DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": POOLS},
    "spec": {
        "group": "metallb.io",
        "scope": "Namespaced",
        "names": {"kind": "IPAddressPool", "plural": "ipaddresspools"},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


@contextmanager
def pool(*addresses: str) -> Iterator[None]:
    """The API serves a pool like MetalLB's; of MetalLB itself there is only a pod's label."""
    speaker = pod("metallb")
    speaker["metadata"]["labels"] = {"app": "metallb"}
    made = {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": META,
        "spec": {"addresses": addresses},
    }
    with there(POOL_DEFINITION, speaker):
        kube.kubectl("wait", "--for=condition=Established", f"crd/{POOLS}", "--timeout=60s")
        with there(made):
            yield


def test_a_pool_of_load_balancers_among_services(svcnet: Svcnet) -> None:
    with pool("10.96.200.0/24"):
        found = only(svcnet("ranges"), "SVN104")
    wanted = "LoadBalancer range 10.96.200.0/24 overlaps Service range 10.96.0.0/16"
    assert found["message"] == wanted
    assert any(NAME in line and "10.96.200.0/24" in line for line in found["evidence"])


@pytest.mark.full
def test_a_pool_nearly_full(svcnet: Svcnet) -> None:
    balanced = service(
        type="LoadBalancer",
        loadBalancerClass="svcnet.test/none",
        selector={"app": "db"},
        ports=[{"name": "mysql", "port": 3306, "targetPort": "mysql"}],
    )
    given = [{"ip": f"192.0.2.{number}"} for number in range(11, 20)]
    with pool("192.0.2.10-192.0.2.19"), there(balanced):
        patch = json.dumps({"status": {"loadBalancer": {"ingress": given}}})
        kube.kubectl("patch", "service", NAME, "--subresource=status", "--type=merge", "-p", patch)
        answer = svcnet("check", *ONLY)
    assert beside_workloads(answer) == {("SVN106", "")}, answer.told()
    [found] = [one for one in answer.findings() if one["code"] == "SVN106"]
    assert "9 of 10 addresses of the LoadBalancer range" in found["message"]


def test_networks_of_the_callers_own(svcnet: Svcnet) -> None:
    answer = svcnet("ranges", "--with", "10.244.0.0/20,172.18.0.0/30", "--with", "10.0.0.0/28")
    assert [f["code"] for f in answer.findings()] == ["SVN104", "SVN104"], answer.told()
    pods, nodes = sorted(f["message"] for f in answer.findings())
    assert "10.244.0.0/20" in pods
    assert "Pod range 10.244.0.0/16" in pods
    assert "172.18.0.0/30" in nodes
    assert "Node range 172.18.0.0/24" in nodes


@pytest.mark.parametrize(
    ("field", "wrong", "kind"),
    [("podSubnet", "10.200.0.0/16", "Pod"), ("serviceSubnet", "10.201.0.0/16", "Service")],
)
def test_kubeadm_says_otherwise(svcnet: Svcnet, field: str, wrong: str, kind: str) -> None:
    with kubeadm_says(field, wrong):
        found = only(svcnet("ranges"), "SVN101")
    assert found["message"].startswith(f"sources of the {kind} range disagree")
    assert f"{wrong} (kubeadm-config {field})" in found["message"]
    assert f"configmap kube-system/kubeadm-config: {field}: {wrong}" in found["evidence"]


@contextmanager
def kubeadm_says(field: str, value: str) -> Iterator[None]:
    where = ("-n", "kube-system", "configmap", "kubeadm-config")
    before = kube.get(*where)["data"]["ClusterConfiguration"]
    lines = [
        f"{line.partition(field)[0]}{field}: {value}" if f" {field}: " in line else line
        for line in before.splitlines()
    ]

    def write(text: str) -> None:
        patch = json.dumps({"data": {"ClusterConfiguration": text}})
        kube.kubectl("patch", *where, "--type=merge", "-p", patch)

    write("\n".join(lines))
    try:
        yield
    finally:
        write(before)


def test_a_node_whose_part_is_not_of_the_clusters_range(svcnet: Svcnet) -> None:
    astray = {"apiVersion": "v1", "kind": "Node", "metadata": META}
    with there({**astray, "spec": {"podCIDR": "10.250.1.0/24", "podCIDRs": ["10.250.1.0/24"]}}):
        answer = svcnet("ranges")
    found = only(answer, "SVN105", "SVN108")
    assert found["node"] == NAME
    assert "10.250.1.0/24" in found["message"]


@pytest.fixture(scope="module")
def small(lab: Lab) -> Iterator[str]:
    lab.add_small()
    yield SMALL.name
    lab.remove_small()


def addresses(names: Sequence[str]) -> dict[str, str]:
    """Of those that have one."""
    found = {
        pod["metadata"]["name"]: pod["status"].get("podIP") for pod in kube.get("pods")["items"]
    }
    return {name: found[name] for name in names if found.get(name)}


def refused(node: str) -> bool:
    """Whether host-local itself says that a pod there gets no address."""
    events = kube.get("events", "--field-selector", "reason=FailedCreatePodSandBox")["items"]
    return any("no IP addresses available" in event["message"] for event in events)


def test_pods_until_a_nodes_range_is_full(svcnet: Svcnet, small: str) -> None:
    """Six addresses: the bridge's and five pods'."""
    names = [f"{NAME}-{number}" for number in range(1, 7)]
    *first, fifth, sixth = (pod(name, nodeName=small) for name in names)
    with there(*first):
        wait_until("four pods run", lambda: len(addresses(names)) == 4, timeout=120)
        answer = svcnet("ranges")
        assert answer.findings() == [], answer.told()
        item = items(answer, "Pod", small)[SMALL.pod_range4]
        assert (item["used"], item["size"]) == (4, 6)
        with there(fifth):
            wait_until("five pods run", lambda: len(addresses(names)) == 5, timeout=120)
            found = only(svcnet("ranges"), "SVN107")
            with there(sixth):
                wait_until("a sixth gets no address", lambda: refused(small), timeout=120)
                assert only(svcnet("ranges"), "SVN107") == found
    assert found["node"] == small
    assert found["message"] == f"pods use 5 of 6 addresses of {SMALL.pod_range4}"
    assert found["next"].endswith(f"spec.nodeName={small}")


@contextmanager
def host_local_hands_out(lab: Lab, network: str) -> Iterator[None]:
    """On the small node, as if its configuration were wrong since it started."""
    file = SMALL.folder / "cni/10-lab.conflist"
    before = file.read_text()

    def write(text: str) -> None:
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(text)
        unfinished.rename(file)
        # With an address of another range the bridge would take no pod.
        lab.node_exec(SMALL.name, ["sh", "-c", "ip link delete cni0 2>/dev/null || true"])

    write(before.replace(SMALL.pod_range4, network))
    try:
        yield
    finally:
        write(before)


def test_a_pod_outside_every_range(svcnet: Svcnet, lab: Lab, small: str) -> None:
    with host_local_hands_out(lab, "10.250.0.0/24"), there(pod(NAME, nodeName=small)):
        wait_until("the pod has an address", lambda: NAME in addresses([NAME]), timeout=120)
        address = addresses([NAME])[NAME]
        found = only(svcnet("ranges"), "SVN102", "SVN501")
    assert address.startswith("10.250.0.")
    assert found["node"] == small
    assert found["message"].startswith(f"pod default/{NAME} has an address outside every")
    assert f"pod default/{NAME} on {small}: {address}" in found["evidence"]


def test_a_pod_in_another_nodes_part(svcnet: Svcnet, lab: Lab, small: str) -> None:
    """Nobody reads that node's configuration here; what it does shows."""
    with host_local_hands_out(lab, "10.244.6.0/24"), there(pod(NAME, nodeName=small)):
        wait_until("the pod has an address", lambda: NAME in addresses([NAME]), timeout=120)
        address = addresses([NAME])[NAME]
        found = only(svcnet("ranges"), "SVN110")
    assert address.startswith("10.244.6.")
    assert found["node"] == small
    line = f"pod default/{NAME} on {small}: {address}, not in {SMALL.pod_range4}"
    assert found["evidence"] == [line]
