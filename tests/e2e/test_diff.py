"""`diff` of the lab before, with and after a fault of one node, between bundles and live."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.nodes import LEGACY, Rules
from tests.e2e.tool import ONLY, Svcnet
from tests.lab.client import Lab

pytestmark = pytest.mark.e2e

PORT = 3306


def saved(svcnet: Svcnet, file: Path) -> str:
    done = svcnet("snapshot", str(file), *ONLY)
    assert done.code == 0, done.told()
    return str(file)


def test_a_fault_of_one_node(lab: Lab, svcnet: Svcnet, tmp_path: Path) -> None:
    """The same from two bundles as from a bundle and now; when it is undone, nothing differs."""
    svcnet.healthy()
    before = saved(svcnet, tmp_path / "before.tar.gz")
    rules = Rules(lab, LEGACY)
    chain = rules.service_chain(lab.cluster_ip("db-service"), PORT)
    last = len(rules.chain("nat", chain))
    with rules.without("nat", chain, [last]):
        live = svcnet("diff", before, *ONLY)
        after = saved(svcnet, tmp_path / "after.tar.gz")
        quiet = svcnet("diff", before, *ONLY, "--fail-on", "never")
    undone = svcnet("diff", before, *ONLY)
    kept = svcnet("diff", before, after, *ONLY)
    assert (live.code, kept.code, quiet.code, undone.code) == (1, 1, 0, 0), live.told()
    [change] = live.document["items"]
    assert kept.document["items"] == [change]
    assert undone.document["items"] == []
    assert change["path"].startswith(f"nodes/{LEGACY}/rules/")
    assert chain in change["path"]
    assert "default/db-service" in str(change["before"])
    assert change["after"] == []
    table = svcnet.raw("diff", before, after, *ONLY)
    assert table.code == 1
    assert "db-service" in table.stdout
    assert LEGACY in table.stdout


def test_without_rights(lab: Lab, svcnet: Svcnet) -> None:
    """Of one side nothing could be read: an error, as of a bundle that cannot be opened."""
    answer = svcnet("diff", "demo", kubeconfig=lab.viewer_kubeconfig)
    assert answer.code == 3, answer.told()
    assert "now: nothing could be read" in answer.stderr
    assert "forbidden" in answer.stderr
