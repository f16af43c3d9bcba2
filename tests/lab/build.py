"""Builds Kubernetes' programs from the Go module proxy, and the lab's own, once each.

k8s.io/kubernetes requires its staging modules at v0.0.0 and replaces them by folders, which only
its own repository has. So the build has a go.mod of its own that replaces each of them by the tag
published for the same release (v1.36.3 -> v0.36.3).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import paths
from .requirements import check_go
from .shell import run, step

# kube-proxy first: it is the one with which a failing build is noticed soonest.
PROGRAMS = (
    "kube-proxy",
    "kube-apiserver",
    "kubelet",
    "kube-controller-manager",
    "kube-scheduler",
    "kubectl",
)
#: The newest that the module proxy has; krew-index checks with one patch release more.
KREW = "krew-v0.4.3"
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def go_environment() -> dict[str, str]:
    chosen = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -buildvcs=false", "CGO_ENABLED": "0"}
    return {**os.environ, **chosen}


def build_kubernetes(version: str = paths.KUBERNETES, programs: Sequence[str] = PROGRAMS) -> Path:
    """Fills the cache's folder for this version; a program that is there counts as done."""
    target = paths.programs(version)
    missing = [name for name in programs if not os.access(target / name, os.X_OK)]
    if not missing:
        return target
    check_go()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="svcnet-lab-") as folder:
        write_module(Path(folder), version)
        for name in missing:
            with step(f"built {name} {version}"):
                build_program(
                    Path(folder),
                    f"k8s.io/kubernetes/cmd/{name}",
                    target / name,
                    linker_flags(version),
                )
    return target


def build_program(module: Path, package: str, target: Path, flags: str) -> None:
    """Renames at the end, so that a build broken off never counts as done."""
    unfinished = target.with_name(target.name + ".unfinished")
    run(
        [
            "go",
            "build",
            "-C",
            str(module),
            "-trimpath",
            "-ldflags",
            flags,
            "-o",
            str(unfinished),
            package,
        ],
        env=go_environment(),
        timeout=3600,
    )
    unfinished.rename(target)


def write_module(folder: Path, version: str) -> None:
    env = go_environment()
    (folder / "go.mod").write_text("module example.test/lab\n\ngo 1.26.0\n")
    answer = run(
        ["go", "mod", "download", "-C", str(folder), "-json", f"k8s.io/kubernetes@{version}"],
        env=env,
        timeout=1200,
    )
    upstream = json.loads(run(["go", "mod", "edit", "-json", json.loads(answer)["GoMod"]], env=env))
    edits = [f"-require=k8s.io/kubernetes@{version}"]
    edits += [f"-replace={name}={name}@{staging_version(version)}" for name in staging(upstream)]
    # The main module's godebug lines count, a dependency's do not.
    edits += [
        f"-godebug={entry['Key']}={entry['Value']}" for entry in upstream.get("Godebug") or ()
    ]
    run(["go", "mod", "edit", *edits, str(folder / "go.mod")], env=env)


def staging(upstream: dict[str, list[dict[str, str]]]) -> list[str]:
    return [
        entry["Path"]
        for entry in upstream["Require"]
        if entry["Path"].startswith("k8s.io/") and entry["Version"] == "v0.0.0"
    ]


def staging_version(version: str) -> str:
    return "v0." + version.removeprefix("v1.")


def linker_flags(version: str) -> str:
    stamp = {
        "gitVersion": version,
        "gitMajor": "1",
        "gitMinor": version.split(".")[1],
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": "1970-01-01T00:00:00Z",
    }
    marks = [
        f"-X {package}.{key}={value}"
        for package in VERSION_PACKAGES
        for key, value in stamp.items()
    ]
    return " ".join(["-s -w", *marks])


def build_krew() -> Path:
    """kubectl's plugin manager."""
    target = paths.programs(KREW) / "krew"
    if not target.exists():
        check_go()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="svcnet-lab-") as folder, step(f"built {KREW}"):
            module = Path(folder)
            (module / "go.mod").write_text("module example.test/krew\n\ngo 1.26.0\n")
            _, _, version = KREW.partition("-")
            edit = ["go", "mod", "edit", f"-require=sigs.k8s.io/krew@{version}"]
            run([*edit, str(module / "go.mod")], env=go_environment())
            flags = f"-s -w -X sigs.k8s.io/krew/internal/version.gitTag={version}"
            build_program(module, "sigs.k8s.io/krew/cmd/krew", target, flags)
    return target


def build_labsrv() -> Path:
    """The lab's server and client; its file name carries the hash of its source."""
    source = paths.SOURCE / "labsrv"
    digest = hashlib.sha256()
    for file in (*sorted(source.glob("*.go")), source / "go.mod"):
        digest.update(file.read_bytes())
    target = paths.IMAGES / f"labsrv-{digest.hexdigest()[:12]}"
    if not target.exists():
        check_go()
        paths.IMAGES.mkdir(parents=True, exist_ok=True)
        with step("built labsrv"):
            build_program(source, ".", target, "-s -w")
    return target
