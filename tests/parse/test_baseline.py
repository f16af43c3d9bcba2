from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.gate import Key
from kubectl_svcnet.parse.baseline import parse_baseline


def item(code: str = "SVN202", level: str = "error", **values: Any) -> dict[str, Any]:
    return {"code": code, "level": level, "service": None, "node": None, "message": "m", **values}


def document(*findings: Any, **values: Any) -> str:
    whole = {"apiVersion": "svcnet/v1alpha1", "kind": "Check", "findings": list(findings)}
    return json.dumps({**whole, **values})


def test_each_object_counts() -> None:
    objects = [item(service="a/b", node="n7"), item("SVN203", service="a/c", node="n7")]
    known = parse_baseline(document(item("SVN301", node="n7", objects=objects)))
    assert set(known) == {
        Key("SVN301", "", "n7", ""),
        Key("SVN202", "a/b", "n7", ""),
        Key("SVN203", "a/c", "n7", ""),
    }


def test_without_an_object_the_message_counts() -> None:
    assert list(parse_baseline(document(item("SVN104")))) == [Key("SVN104", "", "", "m")]


def test_the_worst_level_counts() -> None:
    both = [item(node="n1", level=level) for level in ("info", "error", "warning")]
    assert list(parse_baseline(document(*both)).values()) == [Level.ERROR]


def test_nothing_found() -> None:
    assert parse_baseline(document()) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        document(kind="Trace"),
        document(apiVersion="v2"),
        document(findings=None),
        document("text"),
        document(item(level="grave")),
        document({**item(), "level": ["error"]}),
        document(item(objects=[7])),
        document()[:-20],
    ],
)
def test_what_is_no_such_document(text: str) -> None:
    with pytest.raises(ParseError):
        parse_baseline(text)
