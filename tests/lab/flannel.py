"""Flannel in place of the bridge that the lab's pods hang on otherwise, in the running lab.

It is the real one, of the Go module proxy, less two of its backends: `udp` needs cgo, the SDK of
`tencentvpc` is not there. Nor is the module of its CNI plugin, whose last release among the CNI
project's plugins is the same program. All pods are made anew, before and after.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from . import fabric, images, kube, namespaces, node, paths, rules, workload
from .archive import Recipe
from .build import build_program, go_environment
from .requirements import check_go
from .shell import attempt, run, step, wait_until
from .topology import NODES, POD_RANGE, Node

MODULE = "github.com/flannel-io/flannel"
VERSION = "v0.28.10"
PLUGINS = ("github.com/containernetworking/plugins", "v0.9.1")
LEFT_OUT = re.compile(r'^\t_ "\S+/backend/(?:tencentvpc|udp)"\n', re.MULTILINE)

NAMESPACE = "kube-flannel"
CONFIGURATION = "10-flannel.conflist"
PLUGIN_FOLDER = "/usr/lib/cni"
LINKS = ("flannel.1", "flannel-v6.1", "cni0")
CHAINS = (
    ("nat", "POSTROUTING", "flanneld masq", "FLANNEL-POSTRTG"),
    ("filter", "FORWARD", "flanneld forward", "FLANNEL-FWD"),
)
CLIENTS = tuple(f"client-{one.name}" for one in NODES)
ANNOTATIONS = "flannel.alpha.coreos.com/"


def install() -> None:
    archive = images.cached_archive(image())
    with step("flannel's image"):
        for one in NODES:
            node.import_images(one, [archive])
    with step("no pod on the bridge"):
        stop_workload()
    with step("flannel"):
        for one in NODES:
            fabric.remove_ways_to_pods(one)
        kube.apply(manifest())
        wait_until("flannel leads to each node", lambda: all(map(has_ways, NODES)), timeout=120)
        config_map = kube.get("-n", NAMESPACE, "configmap", "kube-flannel-cfg")
        for one in NODES:
            give_plugin(one)
            remove_links(one, "cni0")
            configure(one, CONFIGURATION, config_map["data"]["cni-conf.json"])
    with step("pods"):
        start_workload()


def remove() -> None:
    """Also what a broken-off `install` has left."""
    with step("no pod on flannel's"):
        stop_workload()
    with step("flannel removed"):
        kube.kubectl("delete", "--ignore-not-found", "--wait", "-f", "-", stdin=manifest())
        for one in NODES:
            leave(one)
    with step("pods"):
        start_workload()


SWITCH = {"flannel": install, "bridge": remove}


def leave(one: Node) -> None:
    prefix = namespaces.prefix(one)
    configure(one, node.CNI, node.from_template(one, "cni.conflist"))
    attempt([*prefix, "umount", PLUGIN_FOLDER])
    attempt([*prefix, "rm", "-r", "/run/flannel", "/var/lib/cni/networks/cbr0"])
    remove_links(one, *LINKS)
    remove_rules(one)
    fabric.add_ways_to_pods(one)
    annotations = kube.get("node", one.name)["metadata"]["annotations"]
    ours = [f"{name}-" for name in annotations if name.startswith(ANNOTATIONS)]
    if ours:
        kube.kubectl("annotate", "node", one.name, *ours)
    condition = {"type": "NetworkUnavailable", "$patch": "delete"}
    status = json.dumps({"status": {"conditions": [condition]}})
    kube.kubectl("patch", "node", one.name, "--subresource=status", "-p", status)


def manifest() -> str:
    network4, network6 = POD_RANGE.split(",")
    names = {"network4": network4, "network6": network6, "image": image_reference()}
    return kube.manifest("flannel", **names)


def has_ways(one: Node) -> bool:
    """To all others' pods, of both families; by then its plugin has been told its range, too."""
    lines = run([*namespaces.prefix(one), "sh", "-c", "ip route; ip -6 route"]).splitlines()
    return sum(" dev flannel" in line and " via " in line for line in lines) == 2 * (len(NODES) - 1)


def stop_workload() -> None:
    """Else host-local would give out addresses twice, of two records."""
    kube.kubectl("scale", "--replicas=0", "deployment", *workload.DEPLOYMENTS)
    kube.kubectl("delete", "pod", "--ignore-not-found", "--wait", *CLIENTS)
    wait_until("there are no pods", lambda: not workload_pods(), timeout=120)
    wait_until("no address is held", lambda: not any(map(leases, NODES)), timeout=120)


def leases(one: Node) -> list[Path]:
    """host-local has a file for each; it goes a moment after the pod."""
    folder = namespaces.inner_path(one, "/var/lib/cni/networks")
    return [file for file in folder.glob("*/*") if file.name[:1].isdigit() or ":" in file.name]


def start_workload() -> None:
    workload.apply()
    for name in workload.DEPLOYMENTS:
        kube.kubectl("rollout", "status", "--timeout=180s", f"deployment/{name}", timeout=200)
    kube.kubectl("wait", "--for=condition=Ready", "--timeout=180s", "pod", *CLIENTS, timeout=200)


def workload_pods() -> list[str]:
    """On the three nodes: a visitor's pods are its own."""
    names = {one.name for one in NODES}
    pods = kube.get("pods")["items"]
    return [p["metadata"]["name"] for p in pods if p["spec"].get("nodeName") in names]


def configure(one: Node, name: str, text: str) -> None:
    """containerd must not read half of it, nor miss it: a file moved in from elsewhere it would."""
    folder = one.folder / "cni"
    unfinished = folder / "unfinished"
    unfinished.write_text(text)
    unfinished.rename(folder / name)
    for other in folder.iterdir():
        if other.name != name:
            other.unlink()


def give_plugin(one: Node) -> None:
    """In front of the machine's plugins, for this node alone."""
    layers = f"lowerdir={build() / 'cni'}:{PLUGIN_FOLDER}"
    run([*namespaces.prefix(one), "mount", "-t", "overlay", "cni", "-o", layers, PLUGIN_FOLDER])


def remove_links(one: Node, *links: str) -> None:
    for link in links:
        attempt([*namespaces.prefix(one), "ip", "link", "delete", link])


def remove_rules(one: Node) -> None:
    """flanneld leaves them behind."""
    for words in removal():
        for family in rules.FAMILIES:
            program = f"{family}-{node.backend(one)}"
            attempt([*namespaces.prefix(one), program, "-w", "10", *words])


def removal() -> Iterator[tuple[str, ...]]:
    for table, hook, comment, chain in CHAINS:
        yield ("-t", table, "-D", hook, "-m", "comment", "--comment", comment, "-j", chain)
        yield ("-t", table, "-F", chain)
        yield ("-t", table, "-X", chain)


def image_reference() -> str:
    return f"lab.local/flannel:{VERSION}"


def image() -> Recipe:
    """Alpine's tools in upstream's; here those of kube-proxy's, which are enough."""
    base = images.kube_proxy()
    files = {name: file for name, file in base.files.items() if not name.endswith("/kube-proxy")}
    return replace(
        base,
        reference=image_reference(),
        files={**files, "opt/bin/flanneld": build() / "flanneld"},
        folders=(*base.folders, "etc/kube-flannel"),
        entrypoint=("/opt/bin/flanneld",),
    )


def build() -> Path:
    """A folder of the cache with flanneld, and its CNI plugin in a folder of that."""
    target = paths.CACHE / "flannel" / VERSION
    if not (target / "cni/flannel").exists():
        check_go()
        (target / "cni").mkdir(parents=True, exist_ok=True)
        with step("built flannel"), tempfile.TemporaryDirectory(prefix="svcnet-lab-") as folder:
            write_module(Path(folder))
            flags = f"-s -w -X {MODULE}/pkg/version.Version={VERSION}"
            build_program(Path(folder), ".", target / "flanneld", flags)
        with tempfile.TemporaryDirectory(prefix="svcnet-lab-") as folder:
            write_requirement(Path(folder), *PLUGINS)
            package = f"{PLUGINS[0]}/plugins/meta/flannel"
            build_program(Path(folder), package, target / "cni/flannel", "-s -w")
    return target


def write_module(folder: Path) -> None:
    """flannel's main package by itself, so that what it imports is ours to say."""
    write_requirement(folder, MODULE, VERSION)
    fetch = ["go", "mod", "download", "-C", str(folder), "-json", f"{MODULE}@{VERSION}"]
    source = Path(json.loads(run(fetch, env=go_environment(), timeout=1200))["Dir"])
    text, removed = LEFT_OUT.subn("", (source / "main.go").read_text())
    assert removed == 2, "flannel's list of backends is another"
    (folder / "main.go").write_text(text)


def write_requirement(folder: Path, module: str, version: str) -> None:
    lines = ("module example.test/lab", "go 1.26.0", f"require {module} {version}")
    (folder / "go.mod").write_text("\n\n".join(lines) + "\n")
