"""Records the fixtures: python3 -m tests.proxies.record every|random [VERSION MODE]

Each is a snapshot of one healthy kube-proxy, as a user would save it: with Services of every kind,
or with Services at random for the expectation to be compared with.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kubectl_svcnet.cluster.record import RecordingSource
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.snapshot import snapshot
from tests.lab import paths

from .control_plane import ControlPlane, Object, control_plane
from .generated import generated
from .node import proxy_node
from .objects import every_kind
from .topology import HERE
from .versions import MATRIX

FIXTURES = Path(__file__).parents[1] / "fixtures"
#: The versions that the expectation is held against, and which Services.
MEANT = re.compile(r"v1\.(27|30|33|36|37)\.")
SEED, COUNT = 11, 30
CASE = '''\
origin = """
kube-proxy {version} in {mode} mode on node n1, a network namespace, against kube-apiserver
{api} without kubelets or controllers: Services {kind}, no pod behind
any of their endpoints.{kubelet} bundle.tar.gz is a snapshot
of n1, made by
`python3 -m tests.proxies.record {name}`.
"""
tools = "{tools}"
anonymised = "nothing: all names and addresses are of namespaces made for the capture"
'''
KUBELET = " The kubelet's own rules (KUBE-MARK-DROP) were put there\nby hand."


@dataclass(frozen=True, slots=True)
class Kind:
    """Which Services there are, and where their recordings lie."""

    folder: Path
    about: str
    objects: Callable[[], list[Object]]
    versions: Sequence[tuple[str, str]]


KINDS = {
    "every": Kind(
        FIXTURES / "kube-proxy", "of every kind (tests/proxies/objects.py)", every_kind, MATRIX
    ),
    "random": Kind(
        FIXTURES / "expectation",
        "at random (tests/proxies/generated.py)",
        lambda: generated(SEED, COUNT),
        [one for one in MATRIX if MEANT.match(one[0])],
    ),
}


def record(plane: ControlPlane, name: str, version: str, mode: str) -> None:
    folder = KINDS[name].folder / f"{version.removeprefix('v')}--{mode}"
    folder.mkdir(parents=True, exist_ok=True)
    with proxy_node(plane, version, mode) as node:
        source = RecordingSource(node.source(), folder / "bundle.tar.gz")
        snapshot(source, Options(nodes=(HERE,), settle=0.1))
        source.finish()
        tools = ", ".join(node.run(*words).strip() for words in (("nft", "-v"), ("iptables", "-V")))
    about = CASE.format(
        version=version.removeprefix("v"),
        mode=mode,
        api=paths.KUBERNETES.removeprefix("v"),
        kind=KINDS[name].about,
        name=name,
        kubelet=KUBELET if node.marks_drops else "",
        tools=tools,
    )
    (folder / "case.toml").write_text(about, encoding="utf-8")
    print(folder.name)


def main(words: list[str]) -> None:
    name, *one = words
    wanted = [(one[0], one[1])] if one else KINDS[name].versions
    with (
        tempfile.TemporaryDirectory(prefix="svcnet-px-") as folder,
        control_plane(Path(folder), f"svcnet-px-{os.getpid()}") as plane,
    ):
        plane.replace(KINDS[name].objects())
        for version, mode in wanted:
            record(plane, name, version, mode)


if __name__ == "__main__":
    main(sys.argv[1:])
