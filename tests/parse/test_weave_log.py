from __future__ import annotations

from ipaddress import ip_interface, ip_network
from pathlib import Path

import pytest

from kubectl_svcnet.parse.weave_log import WeaveLog, parse_weave_log

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide"


def start(cidr: str) -> str:
    return (
        f"INFO: 2025/05/03 22:34:27.076106 Command line options: map[ipalloc-range:{cidr} port:1]\n"
    )


def test_the_guides_log() -> None:
    text = (GUIDE / "weave.log").read_text()
    log = parse_weave_log(text)
    assert log.range is not None
    assert log.bridge is not None
    assert log.range.network == ip_network("10.32.0.0/12")
    assert "ipalloc-range:10.32.0.0/12" in log.range.line
    assert log.bridge.interface == ip_interface("10.44.0.0/12")
    assert [line.split(" ", 3)[3] for line in log.bridge.lines] == [
        'Re-exposing 10.44.0.0/12 on bridge "weave"',
        "weave bridge has address 10.44.0.0/12",
    ]
    assert [owned.network for owned in log.owned] == [ip_network("10.44.0.0/14")]
    assert log.version == "2.8.1"
    lines = text.splitlines()
    assert {log.range.line, *log.bridge.lines, log.owned[0].line} <= set(lines)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INFO: 2021/05/30 14:01:48.297234 Bridge type is bridged_fastdp\n",
        "INFO: x Command line options: map[port:6783]\n",
        start("ten"),
        start("10.32.0.0"),
        'INFO: x Re-exposing nothing on bridge "weave"\n',
        start("10.32.0.0/12").rstrip("\n"),
    ],
)
def test_what_is_not_said_is_none(text: str) -> None:
    assert parse_weave_log(text) == WeaveLog()


def test_the_last_start_counts() -> None:
    exposed = 'INFO: x y Re-exposing 10.50.0.1/16 on bridge "weave"\n'
    log = parse_weave_log("".join([start("10.50.0.0/16"), exposed, start("10.60.0.0/16")]))
    assert log.range is not None
    assert log.range.network == ip_network("10.60.0.0/16")
    assert log.bridge is None


def test_an_owned_part_that_is_given_away_is_gone() -> None:
    log = parse_weave_log(
        "INFO: x adding entry 10.32.0.0/13 to weaver-no-masq-local of 0\n"
        "INFO: x adding entry 10.40.0.0/13 to weaver-no-masq-local of 0\n"
        "INFO: x deleting entry 10.32.0.0/13 from weaver-no-masq-local of 0\n"
    )
    assert [owned.network for owned in log.owned] == [ip_network("10.40.0.0/13")]


def test_a_text_cut_anywhere_never_gives_another_range() -> None:
    text = (GUIDE / "weave.log").read_text()
    for end in range(len(text)):
        log = parse_weave_log(text[:end])
        assert log.range is None or log.range.network == ip_network("10.32.0.0/12")
        assert log.bridge is None or log.bridge.interface == ip_interface("10.44.0.0/12")
        assert {owned.network for owned in log.owned} <= {ip_network("10.44.0.0/14")}
