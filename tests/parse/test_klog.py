from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubectl_svcnet.parse.klog import LogRecord, parse_line

FIXTURES = Path(__file__).parents[1] / "fixtures"
LOGS = sorted((FIXTURES / "kube-proxy-logs").glob("*.log"))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_no_line_is_lost(log: Path) -> None:
    lines = log.read_text().splitlines()
    records = [parse_line(line) for line in lines]
    assert [record.raw for record in records] == lines
    strangers = [r.raw for r in records if not r.level]
    assert all(re.match(r"time=|goroutine|\s|$|Error|Usage|\S+", line) for line in strangers)
    assert sum(1 for r in records if r.level) >= len(records) // 2 or "bogus" in log.name


I = "I0307 04:29:29.883941       1 server_others.go:140] "  # noqa: E741 - klog's own letter


def test_header() -> None:
    assert parse_line(f"{I}Tearing down inactive rules.\n") == LogRecord(
        raw=f"{I}Tearing down inactive rules.",
        level="I",
        month_day="0307",
        clock="04:29:29.883941",
        message="Tearing down inactive rules.",
        said="Tearing down inactive rules.",
    )


def test_structured_values() -> None:
    record = parse_line(
        f'{I}"Setting \\"it\\"" portName="a/b:c" endpoints=["1.2.3.4:5","x"] count=3 err="a\\nb"'
    )
    assert record.message == 'Setting "it"'
    assert record.values == {
        "portName": "a/b:c",
        "endpoints": '["1.2.3.4:5","x"]',
        "count": "3",
        "err": "a\nb",
    }


def test_json_line() -> None:
    line = '{"ts":1795549530206.5,"caller":"app/server.go:1","msg":"Failed","err":"no","n":3}'
    record = parse_line(line)
    assert (record.level, record.epoch) == ("E", 1795549530.2065)
    assert record.values == {"err": "no", "n": "3"}
    assert record.said == '"Failed" err="no" n=3'


def test_names_in_json_are_those_of_the_text() -> None:
    line = '{"ts":1.5,"msg":"Adding","v":4,"portName":{"name":"web","namespace":"shop"}}'
    assert parse_line(line).said == '"Adding" portName="shop/web"'


def test_a_value_over_several_lines() -> None:
    record = parse_line(f'{I}"Failed" err=<\n\tone\n\ttwo\n > ipFamily="IPv6"')
    assert record.values == {"err": "<\n\tone\n\ttwo\n >", "ipFamily": "IPv6"}


@pytest.mark.parametrize("stamp", ["NaN", "Infinity", "-1", "1e300", '"x"', "[]"])
def test_a_time_that_is_none(stamp: str) -> None:
    assert parse_line(f'{{"ts":{stamp},"msg":"x"}}').epoch is None


@pytest.mark.parametrize(
    "line", ["", "{", "{}", '{"msg":3}', "I0307 ", "time=x level=warning", "{" * 9]
)
def test_a_line_that_is_not_klogs_is_kept(line: str) -> None:
    assert parse_line(line) == LogRecord(raw=line, message=line, said=line)


@pytest.mark.parametrize("opened", [" a=[", " a={", ' a="', " a=<\n\t"])
def test_a_value_that_is_never_closed_takes_no_longer_than_its_line(opened: str) -> None:
    text = opened * 100_000  # minutes, if each began a search to the end
    assert "a" in parse_line(f'{I}"Failed"{text}').values
