"""Many nodes, of which some are dead, silent, slow, cut off or talk garbage: as a user sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fleet import Asked, fleet

NODES = 60


def traced(folder: Path, spoilt: int, *words: str) -> tuple[int, Any, Asked]:
    with fleet(NODES, spoilt, folder) as serving:
        command = (sys.executable, "-m", "kubectl_svcnet.cli.main", "trace", "db-service")
        where = ("--kubeconfig", str(serving.kubeconfig), "-o", "json")
        argv = (*command, *where, *words)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout), serving.stop()


def verdicts(document: Any) -> dict[str, Any]:
    (item,) = document["items"]
    return {row["node"]: row for row in item["frontends"][0]["nodes"]}


def test_all_answer(tmp_path: Path) -> None:
    code, document, asked = traced(tmp_path, 0)
    assert (code, document["findings"], document["gaps"]) == (0, [], [])
    assert {row["verdict"] for row in verdicts(document).values()} == {"ok"}
    assert set(asked.execs.values()) == {1}
    assert len(asked.execs) == NODES
    assert asked.most <= 16


def test_a_fifth_does_not(tmp_path: Path) -> None:
    """The others get the same answer, and each of these a gap of its own that blocks."""
    _, whole, _ = traced(tmp_path, 0)
    code, document, asked = traced(tmp_path, NODES // 5, "--exec-timeout", "2s", "--timeout", "30s")
    rows, before = verdicts(document), verdicts(whole)
    unread = {name for name, row in rows.items() if row["verdict"] == "unread"}
    assert (code, len(unread), document["findings"]) == (4, NODES // 5, [])
    assert {n: r for n, r in rows.items() if n not in unread} == {
        n: r for n, r in before.items() if n not in unread
    }
    assert {gap["node"] for gap in document["gaps"] if gap["blocking"]} == unread
    assert set(asked.execs.values()) == {1}
