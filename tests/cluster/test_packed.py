"""Lists that are read as they are unpacked hold what json would read, however they are cut."""

from __future__ import annotations

import io
import json
import zlib
from typing import Any

import pytest

from kubectl_svcnet.cluster import packed
from kubectl_svcnet.cluster.packed import pack, packed_items

LISTS: tuple[Any, ...] = (
    [],
    [{}],
    [{"a": 1}, {"b": [1, {"c": "]},{["}]}, {"d": 'é\\" ☃'}],
    [{"long": "x" * 5000}, {"short": 1}],
)


@pytest.mark.parametrize("part", [1, 3, 64, 1 << 18])
@pytest.mark.parametrize("value", LISTS)
@pytest.mark.parametrize("form", [{}, {"indent": 2}, {"ensure_ascii": False}])
def test_what_json_reads(
    value: Any, part: int, form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "_PART", part)
    assert list(packed_items(zlib.compress(json.dumps(value, **form).encode()))) == value


@pytest.mark.parametrize(
    "text", ["", "{}", "[", "[{}", "[{},]", "[{} {}]", "[{}]x", '[{"a": 1]', "null", "[,]"]
)
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError, match="no list"):
        list(packed_items(zlib.compress(text.encode())))


def test_cut_short() -> None:
    whole = zlib.compress(json.dumps(LISTS[3]).encode())
    with pytest.raises(ValueError, match="cut short"):
        list(packed_items(whole[:-12]))


def test_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_PART", 3)
    assert zlib.decompress(pack(io.BytesIO(b"0123456789rest"), 10)) == b"0123456789"
    assert zlib.decompress(pack(None, 0)) == b""
    with pytest.raises(EOFError):
        pack(io.BytesIO(b"012"), 4)
