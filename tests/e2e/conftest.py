"""The lab and the installed command. Every test leaves the lab as it found it.

`make e2e` runs these without `full`, `make e2e-full` all of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.tool import Svcnet
from tests.lab.client import Lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="session")
def svcnet(lab: Lab) -> Svcnet:
    """`svcnet("trace", "db-service")` runs the installed command with `-o json`."""
    made = Svcnet(lab.kubeconfig)
    made.healthy(within=120)
    return made


@pytest.fixture(scope="session", autouse=True)
def left_as_found(svcnet: Svcnet) -> Iterator[None]:
    yield
    svcnet.healthy(within=120)


#: The node whose kube-proxy `stopped` stops.
STRUCK = "n3"


@pytest.fixture
def stopped(lab: Lab) -> Iterator[str]:
    """The node's name; its kube-proxy exists meanwhile, and does not run."""
    pids = lab.processes(STRUCK, "kube-proxy")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield STRUCK
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
