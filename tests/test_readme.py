"""The README shows what the program says today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name: str) -> tuple[str, str]:
    """The command line and the output shown between two markers."""
    found = re.search(
        rf"<!-- {name} -->\n```\n\$ (?P<line>.+)\n(?P<text>(?s:.*?))```\n<!-- /{name} -->", README
    )
    assert found, f"README has no block {name}"
    return found["line"], found["text"]


def test_help() -> None:
    line, shown = block("help")
    command = [sys.executable, "-m", "kubectl_svcnet.cli.main", *line.split()[2:]]
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "PATH": "", "HOME": "/nonexistent"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert shown == answer.stdout


def test_exit_codes_are_those_of_the_contract() -> None:
    row = re.compile(r"^\| (\d+) \| ", re.MULTILINE)
    contract = (ROOT / "docs" / "product.md").read_text(encoding="utf-8")
    assert row.findall(README) == row.findall(contract)
