"""Text from pods, nodes and users may hold anything; nothing of it may move a terminal."""

from __future__ import annotations

import dataclasses
import json
import re
from enum import Enum
from ipaddress import IPv4Address
from typing import Any

import pytest
import yaml

from kubectl_svcnet.model.report import TraceReport
from kubectl_svcnet.render import OF_CHECK, RENDERERS, render
from kubectl_svcnet.render.document import Report, document
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.statements import closing
from tests.reports import made

HOSTILE = {
    "colour": "\x1b[31mred",
    "link": "\x1b]8;;http://evil.test\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "return": "ok\rerror",
    "newline": "a\nerror SVN201 n1: fake",
    "tab": "a\tb",
    "bidi": "a\u202etxt.exe\u2066",
    "nul": "a\x00b",
    "c1": "a\x9b31mb",
    "separators": "a\u2028b\u2029c",
    "delete": "a\x7fb",
}

RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def poison(value: Any, text: str) -> Any:
    """The same report with `text` behind every string that is not a code, kind or address."""
    if isinstance(value, Enum | bool | IPv4Address):
        return value
    if isinstance(value, str):
        return f"{value}{text}" if value else value
    if isinstance(value, tuple):
        parts = [poison(each, text) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, frozenset):
        return frozenset(poison(each, text) for each in value)
    if isinstance(value, dict):
        return {key: poison(each, text) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [entry.name for entry in dataclasses.fields(value)]
        return dataclasses.replace(
            value, **{name: poison(getattr(value, name), text) for name in names}
        )
    return value


REPORTS = (
    "addresses",
    "checked",
    "followed-nothing",
    "half-blind",
    "logs",
    "packet",
    "packets",
    "permissions",
    "plan",
    "proxy",
    "ranges",
    "snapshot",
    "without-frontends",
)


@pytest.mark.parametrize("output", RENDERERS)
@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_raw_reaches_the_terminal(name: str, output: str, text: str) -> None:
    report: Report = poison(made(name), text)
    shown = render(report, output, Style(wide=output == "wide"))
    assert not RAW.search(shown), RAW.findall(shown)
    assert "\nerror SVN201 n1: fake" not in shown
    if output in ("json", "yaml"):
        loaded = json.loads(shown) if output == "json" else yaml.safe_load(shown)
        assert loaded == document(report)  # the text itself is kept


@pytest.mark.parametrize("output", OF_CHECK)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_raw_reaches_a_pipeline(output: str, text: str) -> None:
    shown = render(poison(made("checked"), text), output, Style())
    assert not RAW.search(shown), RAW.findall(shown)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_walk_rule_by_rule(text: str) -> None:
    shown = render(poison(made("explained"), text), "table", Style(explain=True))
    assert not RAW.search(shown), RAW.findall(shown)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_closing_line(text: str) -> None:
    collected = dataclasses.replace(made("healthy").collected, reread=(f"n1{text}",))
    assert not RAW.search(closing(collected))
    assert "\n" not in closing(collected)


@pytest.mark.parametrize(
    "text", ["5e7", "0x1f", "1_000", "null", "~", "on", "No", "12:30:45", "2001-01-01", "=", "- a"]
)
def test_names_that_look_like_something_else(text: str) -> None:
    """YAML would read them as numbers, dates or truths; a table might format them."""
    report = made("followed-nothing")
    assert isinstance(report, TraceReport)
    (service,) = report.services
    (frontend,) = service.frontends
    nodes = tuple(dataclasses.replace(node, node=text) for node in frontend.nodes[:1])
    renamed = dataclasses.replace(frontend, nodes=nodes)
    changed = dataclasses.replace(
        report, services=(dataclasses.replace(service, frontends=(renamed,)),)
    )
    loaded = yaml.safe_load(render(changed, "yaml", Style()))
    assert loaded["items"][0]["frontends"][0]["nodes"][0]["node"] == text
    assert f"\n{text}   kube-proxy/iptables" in re.sub(
        " {3,}", "   ", render(changed, "table", Style())
    )
