"""The plugin and its completion, run by real kubectls: each that the lab builds or has built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.tool import EXECUTABLE, output_of
from tests.lab.build import build_kubernetes
from tests.lab.client import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.full]

#: The oldest and the newest that must run it, and what lies between. kubectl asks a plugin's
#: second file for completions since 1.26.
VERSIONS = ("v1.27.16", "v1.28.15", "v1.29.6", "v1.30.14", "v1.33.13", "v1.36.3")


def kubectl_of(version: str, lab: Lab, *words: str) -> str:
    program = build_kubernetes(version, ("kubectl",)) / "kubectl"
    environment = {
        **os.environ,
        "KUBECONFIG": str(lab.kubeconfig),
        "PATH": f"{EXECUTABLE.parent}:{os.environ['PATH']}",
    }
    return output_of([str(program), *words], environment)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_plugin_and_its_completion(lab: Lab, version: str) -> None:
    assert f'"{version}"' in kubectl_of(version, lab, "version", "--client", "-o", "json")
    assert "db-service" in kubectl_of(version, lab, "svcnet", "trace", "db-service")
    listed = kubectl_of(version, lab, "plugin", "list", "--name-only").splitlines()
    assert Path(EXECUTABLE).name in listed
    offered = kubectl_of(version, lab, "__complete", "svcnet", "tr").splitlines()
    assert "trace" in {line.split("\t")[0] for line in offered}, offered
    services = kubectl_of(version, lab, "__complete", "svcnet", "trace", "db-s").splitlines()
    assert "db-service" in {line.split("\t")[0] for line in services}, services
