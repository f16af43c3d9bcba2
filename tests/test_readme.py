"""The README shows what the program says today; `--update` writes it there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_svcnet.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def block(name: str) -> re.Match[str]:
    """The command line and the output shown between two markers."""
    shown = rf"<!-- {name} -->\n```\n\$ (?P<line>.+)\n(?P<text>(?s:.*?))```\n<!-- /{name} -->"
    found = re.search(shown, README.read_text(encoding="utf-8"))
    assert found, f"README has no block {name}"
    return found


def run(line: str) -> subprocess.CompletedProcess[str]:
    """A line of the README, in a terminal of 80 columns, without a cluster."""
    plugin, *words = line.removeprefix("kubectl ").split()
    assert plugin == "svcnet"
    command = [
        sys.executable,
        "-c",
        "from kubectl_svcnet.cli.main import main; raise SystemExit(main())",
    ]
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "HOME": "/nonexistent"}
    return subprocess.run(
        [*command, *words], env=environment, capture_output=True, text=True, check=False
    )


def words_of(text: str) -> str:
    """Without what differs between Pythons: line breaks, and `-n NAME, --namespace NAME`."""
    return re.sub(r"(-\w) (\S+), (--[\w-]+) \2", r"\1, \3 \2", " ".join(text.split()))


def write(found: re.Match[str], text: str) -> None:
    whole = found.string
    README.write_text(whole[: found.start("text")] + text + whole[found.end("text") :])


def test_help(update: bool) -> None:
    found = block("help")
    answer = run(found["line"])
    assert answer.returncode == 0, answer.stderr
    if update:
        write(found, answer.stdout)
    assert words_of(block("help")["text"]) == words_of(answer.stdout)


@pytest.mark.parametrize("name", ["demo", "check"])
def test_demo(name: str, update: bool) -> None:
    """Standard output, whole; status 1 is a finding, as the text below the block says."""
    found = block(name)
    answer = run(found["line"])
    assert answer.returncode == 1, answer.stderr
    if update:
        write(found, answer.stdout)
    assert block(name)["text"] == answer.stdout


def test_ratios_are_those_of_their_rows() -> None:
    """The figures are `make bench`'s; the ratio is theirs by ours, as far as they are rounded."""
    text = README.read_text(encoding="utf-8")
    table = text.partition("<!-- bench -->")[2].partition("<!-- /bench -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[2:5]] for line in table.splitlines()]
    figures = [row for row in rows if len(row) == 3 and row[2].endswith("x")]
    assert figures
    for theirs, ours, ratio in figures:
        said = float(ratio.rstrip("x").replace(",", ""))
        assert amount(theirs) / amount(ours) == pytest.approx(said, rel=0.06)


def amount(figure: str) -> float:
    units = {"": 1, "s": 1, "min": 60, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
    number, _, unit = figure.replace(",", "").partition(" ")
    return float(number) * units[unit]


def test_exit_codes_are_those_of_the_contract() -> None:
    row = re.compile(r"^\| (\d+) \| ", re.MULTILINE)
    contract = (ROOT / "docs" / "product.md").read_text(encoding="utf-8")
    assert row.findall(README.read_text(encoding="utf-8")) == row.findall(contract)


@pytest.mark.parametrize("page", ["README.md", "docs/by-hand.md", "docs/troubleshooting.md"])
def test_flags_and_commands_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = ["kubectl svcnet --help", *(f"kubectl svcnet {name} --help" for name in COMMANDS)]
    known = {flag for line in lines for flag in re.findall(r"--[a-z][a-z-]+", run(line).stdout)}
    named = set(re.findall(r"`kubectl svcnet [^`]*?(--[a-z][a-z-]+)|`(--[a-z][a-z-]+)", text))
    assert {flag for pair in named for flag in pair if flag} <= known
    assert set(re.findall(r"`kubectl svcnet ([a-z]+)", text)) <= set(COMMANDS)
