from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.fields import name_of, networks_at, spans_at, text_at, texts_at

ITEM = {
    "metadata": {"name": "a"},
    "spec": {
        "cidr": "10.0.0.0/8",
        "off": False,
        "both": "10.1.0.0/16 fd00::/64, 10.2.0.0/16",
        "pools": [{"cidrs": ["10.1.0.0/24", 7]}, "odd", {"cidrs": "10.9.0.0/24"}, {}],
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("spec.cidr", ("10.0.0.0/8",)),
        ("spec.off", ("false",)),
        ("spec.pools[].cidrs[]", ("10.1.0.0/24",)),
        ("spec.cidr[]", ()),
        ("spec.pools", ()),
        ("spec.absent.deeper", ()),
    ],
)
def test_texts(path: str, found: tuple[str, ...]) -> None:
    assert texts_at(ITEM, path) == found
    assert text_at(ITEM, path) == (found or ("",))[0]


@pytest.mark.parametrize("item", [None, [], "x", {"spec": None}, {"spec": [1]}])
def test_other_shapes_read_as_absent(item: Any) -> None:
    assert networks_at(item, "spec.cidr") == ()


def test_networks_between_commas_and_blanks() -> None:
    assert [str(n) for n in networks_at(ITEM, "spec.both")] == [
        "10.1.0.0/16",
        "fd00::/64",
        "10.2.0.0/16",
    ]


@pytest.mark.parametrize("text", ["ten", "10.0.0.1", "10.0.0.0/33", "10.0.0.0/8;x"])
def test_half_a_range_is_none(text: str) -> None:
    with pytest.raises(ParseError):
        networks_at({"spec": {"cidr": f"10.0.0.0/8,{text}"}}, "spec.cidr")


def test_name() -> None:
    assert name_of(ITEM) == "a"
    with pytest.raises(ParseError):
        name_of({"metadata": {}})


@pytest.mark.parametrize(
    ("part", "spans"),
    [
        ({"cidr": "10.0.10.0/24"}, ("10.0.10.0/24",)),
        ({"start": "10.0.0.2", "stop": "10.0.0.9"}, ("10.0.0.2-10.0.0.9",)),
        ({"start": "10.0.0.2"}, ("10.0.0.2",)),
        ({"other": "10.0.0.2"}, ()),
        ("10.0.0.2", ()),
    ],
)
def test_spans(part: Any, spans: tuple[str, ...]) -> None:
    item = {"spec": {"blocks": [part]}}
    assert spans_at(item, "spec.blocks[]", "start", "stop") == spans
