"""Every format of every kind of report, whole: `pytest --update` rewrites the goldens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kubectl_svcnet.render import RENDERERS, render
from kubectl_svcnet.render.document import document
from kubectl_svcnet.render.style import Style
from tests.reports import MAKERS, made

GOLDENS = Path(__file__).parent / "goldens"

TABLES = [(name, "table") for name in MAKERS]
WIDE = [
    (name, "wide")
    for name in (
        "checked",
        "followed-nothing",
        "half-blind",
        "healthy",
        "logs",
        "packets",
        "permissions",
        "proxy",
        "ranges",
    )
]
OTHERS = [
    (name, output)
    for name in (
        "addresses",
        "checked",
        "followed-nothing",
        "logs",
        "packets",
        "permissions",
        "plan",
        "proxy",
        "ranges",
        "snapshot",
        "without-frontends",
    )
    for output in ("json", "name")
]
CASES = sorted(
    [
        *TABLES,
        *WIDE,
        *OTHERS,
        ("half-blind", "json"),
        ("logs", "jsonl"),
        ("permissions", "role"),
        ("followed-nothing", "yaml"),
    ]
)


def style_of(name: str, output: str) -> Style:
    return Style(wide=output == "wide", explain=name == "explained")


@pytest.mark.parametrize(("name", "output"), CASES)
def test_goldens(name: str, output: str, update: bool) -> None:
    file = GOLDENS / f"{name}.{output}"
    text = render(made(name), output, style_of(name, output))
    if update:
        GOLDENS.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_every_golden_is_a_case() -> None:
    assert sorted(f"{name}.{output}" for name, output in CASES) == sorted(
        file.name for file in GOLDENS.iterdir()
    )


@pytest.mark.parametrize("name", MAKERS)
def test_tables_keep_to_80_columns(name: str) -> None:
    """All but what is to be copied or quoted whole: commands, rules and words without a blank."""
    if name in ("explained", "plan"):
        return
    for line in render(made(name), "table", Style()).splitlines():
        if not line.startswith(("  next ", "  evidence")):
            assert len(line) <= 80, line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", MAKERS)
def test_yaml_is_the_same_document(name: str) -> None:
    text = render(made(name), "yaml", Style())
    assert yaml.safe_load(text) == document(made(name))
    assert json.loads(render(made(name), "json", Style())) == document(made(name))
    assert text.isascii()


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("output", RENDERERS)
def test_whole_lines(name: str, output: str) -> None:
    text = render(made(name), output, style_of(name, output))
    assert not text or text.endswith("\n")
    assert "\n\n\n" not in text


def test_no_headers() -> None:
    text = render(made("healthy"), "table", Style(headers=False))
    assert "VERDICT" not in text
    assert "n1,n2,n3   kube-proxy/iptables   ok" in text


def test_colours() -> None:
    text = render(made("followed-nothing"), "table", Style(colour=True))
    assert "\x1b[31mstale\x1b[0m" in text
    assert "\x1b[32mok\x1b[0m" in text
    assert "\x1b[31merror\x1b[0m SVN301" in text
    plain = text.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "\x1b" not in plain
    assert plain == render(made("followed-nothing"), "table", Style())


def test_renderers_are_sorted() -> None:
    assert list(RENDERERS) == sorted(RENDERERS)
