"""Files of the user as text: UTF-8, or UTF-16 that says so, as PowerShell's `>` writes it."""

from __future__ import annotations

import codecs

from ..errors import ParseError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_GZIP = b"\x1f\x8b"


def decoded(data: bytes, name: str) -> str:
    """Raises ParseError for what is compressed."""
    if data.startswith(_GZIP):
        raise ParseError("it is compressed: gunzip it first", file=name)
    marks = (encoding for mark, encoding in _MARKS.items() if data.startswith(mark))
    return data.decode(next(marks, "utf-8"), "replace")
