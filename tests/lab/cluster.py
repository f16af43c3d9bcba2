"""Brings the whole lab up and takes it down again, one printed line for each step.

`lab.json` in the run folder says what is there and what the machine was like before. It names the
boot that it belongs to: after a reboot only files are left, and nothing must be restored.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import (
    cgroups,
    controlplane,
    fabric,
    images,
    kube,
    namespaces,
    node,
    paths,
    pki,
    proxy,
    requirements,
    workload,
)
from .build import build_kubernetes
from .shell import LabError, step, wait_until
from .topology import CONTROL_PLANE, NODES, VISITORS, Node

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Static pods, kube-proxies and clients, and the pods of db, web and edge.
EXPECTED_PODS = len(images.CONTROL_PLANE_NAMES) + 2 * len(NODES) + 3 + 2 + 1
DEFAULT_MODES = ("iptables",) * len(NODES)
DEFAULT_BACKENDS = ("nft",) * len(NODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    boot: str
    ready: bool
    netns_folder_is_ours: bool


@contextmanager
def alone() -> Iterator[None]:
    """Only one command that changes the lab runs at a time."""
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with paths.LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError("Another command is just changing the lab.") from None
        yield


def read_state() -> State | None:
    """None when there is no lab, or only files of one from before a reboot."""
    try:
        saved = json.loads(paths.STATE.read_text())
    except FileNotFoundError:
        return None
    # Key by key: an older or newer checkout may have left it.
    state = State(
        boot=saved["boot"],
        ready=saved["ready"],
        netns_folder_is_ours=saved["netns_folder_is_ours"],
    )
    return state if state.boot == BOOT_ID.read_text().strip() else None


def write_state(state: State) -> None:
    paths.RUN.mkdir(parents=True, exist_ok=True)
    unfinished = paths.STATE.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(state), indent=1))
    unfinished.rename(paths.STATE)


def build() -> dict[str, Path]:
    requirements.check()
    build_kubernetes()
    return images.build_images()


def is_up() -> bool:
    """Whether the lab was made to the end, and nobody has killed a node since."""
    state = read_state()
    return state is not None and state.ready and all(map(namespaces.holder_of, NODES))


def up(modes: Sequence[str] | None, backends: Sequence[str] | None) -> None:
    """Leaves a running lab alone, and makes anew what is only half there."""
    if is_up():
        print("The lab is up already.")
        refuse_other_choices(modes, backends)
        return
    with step("programs and images are built"):
        archives = build()
    if paths.RUN.exists():
        print("What is left of an earlier lab goes first:")
        down()
    state = State(
        boot=BOOT_ID.read_text().strip(),
        ready=False,
        netns_folder_is_ours=not fabric.NETNS_FOLDER.exists(),
    )
    write_state(state)
    mode_of = dict(zip((one.name for one in NODES), modes or DEFAULT_MODES, strict=True))
    raise_cluster(archives, mode_of, backends or DEFAULT_BACKENDS)
    write_state(State(**{**asdict(state), "ready": True}))


def refuse_other_choices(modes: Sequence[str] | None, backends: Sequence[str] | None) -> None:
    if modes and [proxy.current_mode(one) for one in NODES] != list(modes):
        raise LabError("Its proxy modes are others: python3 -m tests.lab mode NODE MODE")
    if backends and [node.backend(one) for one in NODES] != list(backends):
        raise LabError("Its iptables backends are others: python3 -m tests.lab backend NODE nft")


def raise_cluster(
    archives: dict[str, Path], modes: dict[str, str], backends: Sequence[str]
) -> None:
    with step("certificates"):
        pki.make_all()
    with step("networks"):
        fabric.make()
    with step("nodes with containerd and images"), ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(prepare_node, *job, archives) for job in zip(NODES, backends, strict=True)
        ]
        for job in jobs:
            job.result()
    with step("API server"):
        controlplane.lay_out(controlplane.ETCD, controlplane.API)
        node.start_kubelet(CONTROL_PLANE)
        wait_until(
            "the API server is ready", lambda: kube.works("get", "--raw=/readyz"), timeout=120
        )
    with step("kubelets and controllers"):
        kube.apply(controlplane.node_objects(modes))
        controlplane.lay_out(controlplane.CONTROLLER_MANAGER, controlplane.SCHEDULER)
        with ThreadPoolExecutor() as pool:
            list(pool.map(node.start_kubelet, NODES[1:]))
    with step("service accounts"):
        kube.apply(proxy.manifests())
        wait_until(
            "there is a default service account",
            lambda: kube.works("get", "serviceaccount", "default"),
            timeout=60,
        )
    with step("pods"):
        workload.apply()
        wait_until("every pod is ready", everything_is_ready, timeout=120, every=0.5)
    with step("kube-proxies"):
        for one in NODES:
            proxy.wait_for_mode(one, modes[one.name])


def prepare_node(one: Node, backend_name: str, archives: dict[str, Path]) -> None:
    node.prepare(one, backend_name)
    wanted = set(archives)
    if one != CONTROL_PLANE:
        wanted -= {images.reference(name) for name in images.CONTROL_PLANE_NAMES}
    node.import_images(one, (archives[name] for name in sorted(wanted)))


def everything_is_ready() -> bool:
    pods = kube.get("pods", "-A")["items"]
    return len(pods) == EXPECTED_PODS and all(map(kube.is_ready, pods))


def down() -> None:
    """Also after a half-failed `up`, after a reboot, and when nothing is there."""
    state = read_state()
    if state:
        with step("processes ended"):
            namespaces.release_all()
    with step("networks and cgroups removed"):
        fabric.remove(netns_folder_is_ours=bool(state and state.netns_folder_is_ours))
        cgroups.remove()
    with step("files removed"):
        remove_files()


def remove_files() -> None:
    if paths.RUN.exists():
        shutil.rmtree(paths.RUN)


def status() -> str:
    state = read_state()
    if state is None:
        return "The lab is down."
    lines = ["The lab is up." if is_up() else "The lab is half-made."]
    for one in (*NODES, *VISITORS):
        if namespaces.holder_of(one):
            lines.append(
                f"{one.name}  mode {proxy.current_mode(one) or '?'}  backend {node.backend(one)}"
            )
    lines.append(f"KUBECONFIG={paths.ADMIN_KUBECONFIG}")
    if is_up():
        lines.append(kube.kubectl("get", "nodes,pods", "-A", "-o", "wide"))
    return "\n".join(lines)
