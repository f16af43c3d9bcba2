"""`ranges` of a large cluster, from recorded lists: no lab, no nodes.

`python -m benchmarks.ranges` writes bundles of 10,000 Services, 5,000 nodes and 150,000 pods, runs
`kubectl svcnet ranges` on them in a process of its own, and prints the processor time and the most
memory that it took: of a bundle as a run records it that does not count so many pods, and of one
that holds them all, also asking what one address is.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import Any

from kubectl_svcnet.cluster.bundle import BundleWriter
from kubectl_svcnet.model.capture import ApiRequest, Capture
from kubectl_svcnet.pipeline.census import AGENTS

from .figures import table

SERVICES, NODES, PODS_PER_NODE = 10_000, 5_000, 30
#: Seconds and MiB of one run: where pods are not counted, and with all of them.
GOALS = {False: (2.0, 200.0), True: (12.0, 200.0)}
_PAGE = 500
_FIRST_SERVICE, _FIRST_NODE = ip_address("10.128.0.1"), ip_address("172.16.1.1")
_TIMES = 3
_RUN = "from kubectl_svcnet.cli.main import main; main()"

Item = dict[str, Any]


#: What a list of the API carries beside what is asked: most of its bytes.
_METADATA = {
    "uid": "0a0b0c0d-0a0b-0c0d-0e0f-0a0b0c0d0e0f",
    "resourceVersion": "123456",
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "annotations": {"example.com/description": "d" * 200},
    "managedFields": [
        {
            "manager": "kubectl",
            "operation": "Apply",
            "time": "2026-01-01T00:00:00Z",
            "fieldsV1": {"f:spec": {f"f:field{number}": {} for number in range(12)}},
        }
    ],
}
_IMAGES = [
    {"names": [f"example.com/image{number}@sha256:{'0' * 64}"], "sizeBytes": 100_000_000}
    for number in range(20)
]
_CONTAINER = {
    "name": "c",
    "image": f"example.com/image@sha256:{'0' * 64}",
    "env": [{"name": f"VARIABLE_{number}", "value": "v" * 20} for number in range(10)],
    "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets/kubernetes.io"}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    seconds: float
    memory: float
    wall: float


def services() -> Iterator[Item]:
    for number in range(SERVICES):
        yield {
            "metadata": {"namespace": "bench", "name": f"s{number}", **_METADATA},
            "spec": {
                "type": "ClusterIP",
                "clusterIPs": [str(_FIRST_SERVICE + number)],
                "ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}],
                "selector": {"app": f"s{number}"},
            },
        }


def nodes() -> Iterator[Item]:
    for number in range(NODES):
        yield {
            "metadata": {
                "name": f"n{number}",
                "labels": {"kubernetes.io/os": "linux"},
                **_METADATA,
            },
            "spec": {"podCIDRs": [f"10.{number >> 8}.{number & 255}.0/24"]},
            "status": {
                "addresses": [{"type": "InternalIP", "address": str(_FIRST_NODE + number)}],
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"operatingSystem": "linux"},
                "images": _IMAGES,
            },
        }


def control_plane() -> Iterator[Item]:
    for name, flags in (
        ("kube-apiserver", ["--service-cluster-ip-range=10.128.0.0/16"]),
        ("kube-controller-manager", ["--allocate-node-cidrs=true", "--cluster-cidr=10.0.0.0/9"]),
    ):
        yield {
            "metadata": {
                "namespace": "kube-system",
                "name": f"{name}-n0",
                "labels": {"component": name},
            },
            "spec": {
                "nodeName": "n0",
                "hostNetwork": True,
                "containers": [{"name": name, "command": [name, *flags]}],
            },
            "status": {"phase": "Running", "podIPs": [{"ip": str(_FIRST_NODE)}]},
        }


def pods() -> Iterator[Item]:
    for node in range(NODES):
        for number in range(PODS_PER_NODE):
            ip = f"10.{node >> 8}.{node & 255}.{number + 2}"
            yield {
                "metadata": {
                    "namespace": "bench",
                    "name": f"p{node}-{number}",
                    "labels": {"app": f"s{node * PODS_PER_NODE // 15}"},
                    **_METADATA,
                },
                "spec": {"nodeName": f"n{node}", "containers": [_CONTAINER]},
                "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]},
            }


def agents() -> Iterator[Item]:
    """On each node a pod of the host's network."""
    for node in range(NODES):
        yield {
            "metadata": {
                "namespace": "kube-system",
                "name": f"agent-{node}",
                "labels": {"k8s-app": "agent"},
                **_METADATA,
            },
            "spec": {"nodeName": f"n{node}", "hostNetwork": True, "containers": [_CONTAINER]},
            "status": {"phase": "Running", "podIPs": [{"ip": str(_FIRST_NODE + node)}]},
        }


def write(file: Path, *, with_pods: bool) -> None:
    host = (*control_plane(), *agents())
    lists: dict[ApiRequest, tuple[Item, ...]] = {
        ApiRequest(path="/api/v1/services"): tuple(services()),
        ApiRequest(path="/api/v1/nodes"): tuple(nodes()),
        ApiRequest(path="/apis/discovery.k8s.io/v1/endpointslices"): (),
    }
    every = islice(pods(), None if with_pods else _PAGE)
    listed = Capture(
        request=ApiRequest(path="/api/v1/pods"),
        objects=(*every, *(host if with_pods else ())),
        truncated=not with_pods,
    )
    if not with_pods:
        lists |= {AGENTS[0]: host, AGENTS[1]: ()}
    writer = BundleWriter(file, context="bench")
    for request, objects in lists.items():
        writer.add((Capture(request=request, objects=objects),))
    writer.add((listed,))
    writer.finish()


def cost(arguments: Sequence[str], *, says: str = "") -> Cost:
    """Of one run, by itself: the peak of a process is its own. An answer that does not say `says`
    is none."""
    code = f"import sys; sys.argv = {['kubectl-svcnet', *arguments]!r}; {_RUN}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED.format(code=repr(code), says=repr(says))],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds=seconds, memory=int(done.stdout.splitlines()[-1]) / 1024, wall=wall)


#: The child's child answers, so that its peak is not ours, which is inherited over a fork.
_MEASURED = """\
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-c", {code}], stdout=subprocess.PIPE, text=True)
assert done.returncode in (0, 1, 4), done.returncode
assert {says} in done.stdout, done.stdout[-2000:]
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def bench(*, markdown: bool = False) -> bool:
    """Whether the goal was met."""
    rows = [["asked", "processor time", "memory", "goal", ""]]
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        for with_pods in (False, True):
            file = Path(folder) / f"{with_pods}.tar.gz"
            write(file, with_pods=with_pods)
            asked = (["ranges"], ["ranges", "--ip", "10.128.0.77"])
            for words in asked if with_pods else asked[:1]:
                runs = [cost([*words, "--bundle", str(file)]) for _ in range(_TIMES)]
                seconds = sorted(run.seconds for run in runs)[_TIMES // 2]
                memory = max(run.memory for run in runs)
                most = GOALS[with_pods]
                met = seconds <= most[0] and memory <= most[1]
                missed |= not met
                how_many = f"{NODES * PODS_PER_NODE} pods" if with_pods else "pods not counted"
                what = f"{' '.join(words)}, {how_many}"
                goal = f"{most[0]:.0f} s, {most[1]:.0f} MiB"
                how = "met" if met else "missed"
                rows.append([what, f"{seconds:.2f} s", f"{memory:.0f} MiB", goal, how])
    print(table(rows, markdown=markdown), flush=True)
    return not missed


if __name__ == "__main__":
    sys.exit(0 if bench() else 1)
