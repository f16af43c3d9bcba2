from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.model.proxystate import Down
from kubectl_svcnet.pipeline.down import down_of
from tests.samples import proxy

NOW = 1764000000.0  # 2025-11-24T16:00:00Z
CRASHED = {"running": False, "waiting": "CrashLoopBackOff", "restarts": 9}


@pytest.mark.parametrize(
    ("container", "pod", "down"),
    [
        ({}, {}, None),
        (CRASHED, {}, Down(why="CrashLoopBackOff", restarts=9)),
        ({"running": False}, {"phase": "Pending"}, Down(why="phase Pending")),
        ({"running": False}, {"phase": ""}, Down(why="phase unknown")),
        (CRASHED, {"deleting": True}, None),
        (CRASHED, {"containers": ()}, None),
    ],
)
def test_why_it_does_not_run(
    container: dict[str, Any], pod: dict[str, Any], down: Down | None
) -> None:
    one = proxy("n1")
    containers = (replace(one.containers[0], **container),)
    assert down_of(replace(one, **{"containers": containers, **pod}), NOW) == down


@pytest.mark.parametrize(
    ("created", "starting"),
    [("2025-11-24T15:59:30Z", True), ("2025-11-24T15:58:30Z", False), ("", False)],
)
def test_a_new_pod_is_starting(created: str, starting: bool) -> None:
    one = proxy("n1")
    containers = (replace(one.containers[0], running=False),)
    found = down_of(replace(one, created=created, containers=containers), NOW)
    assert found is not None
    assert found.starting is starting
