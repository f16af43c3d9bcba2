"""Records the fixtures: python3 -m tests.proxies.record [VERSION MODE]

Each is a snapshot of one healthy kube-proxy with Services of every kind, as a user would save it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from kubectl_svcnet.cluster.record import RecordingSource
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.snapshot import snapshot
from tests.lab import paths

from .control_plane import ControlPlane, control_plane
from .node import proxy_node
from .objects import every_kind
from .topology import HERE
from .versions import MATRIX

FIXTURES = Path(__file__).parents[1] / "fixtures" / "kube-proxy"
CASE = '''\
origin = """
kube-proxy {version} in {mode} mode on node n1, a network namespace, against kube-apiserver
{api} without kubelets or controllers: Services of every kind (tests/proxies/objects.py),
endpoints written by hand, no pod behind any of them.{kubelet} bundle.tar.gz is a snapshot
of n1, made by
`python3 -m tests.proxies.record`.
"""
tools = "{tools}"
anonymised = "nothing: all names and addresses are of namespaces made for the capture"
'''
KUBELET = " The kubelet's own rules (KUBE-MARK-DROP) were put there\nby hand."


def record(plane: ControlPlane, version: str, mode: str) -> None:
    folder = FIXTURES / f"{version.removeprefix('v')}--{mode}"
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
        kubelet=KUBELET if node.marks_drops else "",
        tools=tools,
    )
    (folder / "case.toml").write_text(about, encoding="utf-8")
    print(folder.name)


def main(words: list[str]) -> None:
    wanted = [(words[0], words[1])] if words else MATRIX
    with (
        tempfile.TemporaryDirectory(prefix="svcnet-px-") as folder,
        control_plane(Path(folder), f"svcnet-px-{os.getpid()}") as plane,
    ):
        plane.replace(every_kind())
        for version, mode in wanted:
            record(plane, version, mode)


if __name__ == "__main__":
    main(sys.argv[1:])
