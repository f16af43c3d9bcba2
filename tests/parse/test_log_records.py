"""Records of logs: times, levels, and lines that belong together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_svcnet.parse.log_records import no_log, split_records

FIXTURES = Path(__file__).parents[1] / "fixtures"
LOGS = sorted((FIXTURES / "kube-proxy-logs").glob("*.log"))

#: As a node in nftables mode wrote it at its first sync, read with timestamps=true.
BLOCK = """\
2026-11-24T23:36:03.551037563Z I1124 23:36:03.550758       1 proxier.go:1094] "Syncing nftables \
rules" ipFamily="IPv6" fullSync=true
2026-11-24T23:36:03.565830655Z E1124 23:36:03.565531       1 proxier.go:1169] "Failed to list \
existing nftables objects" err=<
2026-11-24T23:36:03.565843874Z \tfailed to run nft: Error: No such file or directory
2026-11-24T23:36:03.565846468Z \tlist table ip6 kube-proxy
2026-11-24T23:36:03.565848151Z \t               ^^^^^^^^^^
2026-11-24T23:36:03.565852207Z  > ipFamily="IPv6"
2026-11-24T23:36:03.565854731Z I1124 23:36:03.565590       1 proxier.go:1712] "Reloading"
"""


def test_a_record_of_several_lines() -> None:
    first, failed, last = split_records(BLOCK)
    assert (first.record.message, last.record.message) == ("Syncing nftables rules", "Reloading")
    assert failed.record.level == "E"
    assert failed.record.message == "Failed to list existing nftables objects"
    assert failed.record.values["ipFamily"] == "IPv6"
    assert "No such file" in failed.record.values["err"]
    assert len(failed.lines) == 5
    assert failed.time == pytest.approx(1795563363.565830, abs=1e-5)
    assert not failed.open


def test_a_record_that_may_go_on_is_open() -> None:
    lines = BLOCK.splitlines(keepends=True)
    assert [split_records("".join(lines[: n + 1]))[-1].open for n in range(7)] == [
        False,
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_record_that_never_ends_is_ended() -> None:
    text = 'E1124 23:36:03.565531       1 a.go:1] "x" err=<\n' + "\ty\n" * 1000
    entries = split_records(text)
    assert len(entries) > 1
    assert sum(len(entry.lines) for entry in entries) == 1001


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_no_line_of_a_real_log_is_lost(log: Path) -> None:
    text = log.read_text()
    entries = split_records(text)
    assert [line for entry in entries for line in entry.lines] == text.splitlines()
    assert all(entry.record.raw == "\n".join(entry.lines) for entry in entries)
    assert all(entry.time is None for entry in entries) or "json" in log.name


@given(st.text(alphabet=st.sampled_from('\t >ab=<"\n{}2026-11-24T23:36:03Z'), max_size=200))
def test_no_line_of_any_text_is_lost(text: str) -> None:
    entries = split_records(text)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    kept = [line for entry in entries for line in entry.lines]
    assert len(kept) == len(lines)
    assert all(line.endswith(bare) for line, bare in zip(lines, kept, strict=True))


LEVELS = [
    ("INFO: 2021/05/30 14:01:47.759624 weave  2.8.1", "I", "weave  2.8.1"),
    ("ERRO: 2021/05/30 14:01:47.759624 no", "E", "no"),
    ("2026-11-24 23:10:11.123 [WARNING][63] felix/int_dataplane.go 12: slow", "W", None),
    ('time="2026-11-24T19:37:36Z" level=warning msg="Running modprobe failed"', "W", None),
    ('level=info msg="Restored backends" subsys=service', "I", 'msg="Restored backends"'),
    ("2026-11-24T23:10:11.123Z|00012|binding|ERR|lost", "E", "lost"),
    ("goroutine 1 [running]:", "", "goroutine 1 [running]:"),
    ("level=odd x", "", "level=odd x"),
    ('{"level":"info","msg":"hello","ts":1.5}', "I", '"hello"'),
    ('{"level":"error","ts":"2026-11-24T23:10:11Z","msg":"no"}', "E", '"no"'),
    ("", "", ""),
]


@pytest.mark.parametrize(("line", "level", "said"), LEVELS, ids=lambda case: str(case)[:24])
def test_levels_of_other_writers(line: str, level: str, said: str | None) -> None:
    (entry,) = split_records(f"{line}\n")
    assert entry.record.level == level
    assert said is None or entry.record.said.startswith(said)


def test_a_json_line_has_its_own_time() -> None:
    (entry,) = split_records('{"ts":1795549530408.1309,"msg":"x","v":4}')
    assert entry.time == pytest.approx(1795549530.408)
    (odd,) = split_records('{"ts":NaN,"msg":"x"}')
    assert odd.time is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("unable to retrieve container logs for containerd://4ab", True),
        ('failed to try resolving symlinks in path "/var/log/pods/x": lstat', True),
        ("I1124 23:36:03.565531       1 a.go:1] failed to open log file", False),
        ("failed to open log file\nand more\n", False),
        ("", False),
    ],
)
def test_the_kubelets_sentence_is_no_log(text: str, found: bool) -> None:
    assert bool(no_log(text)) is found
