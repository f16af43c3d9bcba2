from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.dataplanes import Owner
from kubectl_svcnet.engine.codes import finding
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.pipeline.ages import Ages, moment
from kubectl_svcnet.pipeline.inventory import ServicesRead
from kubectl_svcnet.pipeline.nodes import NodeReading
from tests.samples import DB, capture, node

DAY = 86_400.0
NOW = 20_000 * DAY + 3600 * 14
SYSCTLS = Command("sysctls")


def ages(changed: dict[object, float], *started: float) -> Ages:
    captures = {
        Command("cat", (f"/proc/net/{name}",)): replace(capture(SYSCTLS), started=at)
        for name, at in zip(("route", "dev"), started, strict=False)
    }
    reading = NodeReading(node=node("n1"), owner=Owner(name="kube-proxy"), captures=captures)
    read = ServicesRead(changed=changed)  # type: ignore[arg-type]
    return Ages.of(read, {"n1": reading}, NOW)


ONE = finding("SVN202", "m", service="default/db", node="n1", evidence=("e",))


def test_both_ages() -> None:
    found = ages({DB: NOW - 60}, NOW - 9, NOW - 3).told(ONE)
    said = "the API asks so since 13:59:00Z, the node was read last at 13:59:57Z"
    assert found.evidence == ("e", said)


def test_what_is_not_dated() -> None:
    (_, said) = ages({}, NOW - 3).told(ONE).evidence
    assert said == "the API asks so (undated), the node was read last at 13:59:57Z"
    assert ages({DB: NOW}).told(ONE) is ONE
    of_node = finding("SVN301", "m", node="n1")
    assert ages({DB: NOW}, NOW).told(of_node) is of_node


@pytest.mark.parametrize(("time", "text"), [(NOW, "14:00Z"), (NOW - DAY, "2024-10-03 14:00Z")])
def test_moments(time: float, text: str) -> None:
    assert moment(time, NOW) == text
