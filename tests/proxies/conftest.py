"""The control plane of this run, and one node for each kube-proxy that is looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.proxies.control_plane import ControlPlane, control_plane
from tests.proxies.node import ProxyNode, proxy_node
from tests.proxies.objects import every_kind
from tests.proxies.versions import MATRIX


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("proxies")
    with control_plane(folder, f"svcnet-px-{os.getpid()}") as made:
        yield made


@pytest.fixture(scope="module", params=MATRIX, ids="-".join)
def node(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[ProxyNode]:
    """A kube-proxy with Services of every kind."""
    plane.replace(every_kind())
    version, mode = request.param
    with proxy_node(plane, version, mode) as started:
        yield started
