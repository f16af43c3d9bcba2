"""Packed bytes: made of a stream, and read as a JSON list, never with all of the text at once."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

_PART = 1 << 18
_FIRST, _NEXT = re.compile(r"\s*\[\s*(?=[^\]\s])"), re.compile(r"\s*,\s*")
_EMPTY, _END = re.compile(r"\s*\[\s*\]\s*"), re.compile(r"\s*\]\s*")


def pack(content: IO[bytes] | None, size: int) -> bytes:
    """So many bytes of it. Raises EOFError where there are fewer."""
    packer, left, parts = zlib.compressobj(1), size, []
    while left:
        data = content.read(min(left, _PART)) if content else b""
        if not data:
            raise EOFError("cut short")
        left -= len(data)
        parts.append(packer.compress(data))
    return b"".join((*parts, packer.flush()))


def packed_items(packed: bytes) -> Iterator[Any]:
    """Raises ValueError where it is no list, or not a whole one."""
    unpacker, decode = zlib.decompressobj(), codecs.getincrementaldecoder("utf-8")().decode
    scan = json.JSONDecoder().raw_decode
    before, end = _FIRST, _EMPTY
    text, room = "", _PART
    while not unpacker.eof:
        part = unpacker.decompress(packed, room)
        packed = unpacker.unconsumed_tail
        if not part and not unpacker.eof:
            raise ValueError("cut short")
        text, at = text + decode(part), 0
        while found := before.match(text, at):
            try:
                value, at = scan(text, found.end())
            except ValueError:  # so far
                break
            before, end = _NEXT, _END
            yield value
        text = text[at:]
        room = _PART if at else 2 * room  # so that a long value is not begun too often
    if not end.fullmatch(text):
        raise ValueError("no list")
