"""`nft list table` after `grep -n -A`: the chains and elements of some Services, of a whole table.

Lines are numbered, `N:line` where the pattern matched, `N-line` where it stands shortly below. A
chain is here whole, up to its brace and without a gap, or it is not here. Headers of sets are all
here; where elements of a set were left on the node, which `grep` may do only with keys that hold
an address, the set `covers` the addresses that were asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from ..errors import ParseError
from ..model import nft
from ..model.address import IPAddress
from ._text import split_lines
from .nftables import parse_part

_LINE = re.compile(r"(\d{1,12})[:-](.*)\Z", re.ASCII | re.DOTALL)
_TABLE = re.compile(r"table (\S+) (\S+) \{")
_HEADER = re.compile(r"\t(chain|set|map) (\S+) \{\Z")
_CLOSED = "\t}"
_ELEMENTS = "\t\telements = { "
_MORE = "\t\t\t     "

Line = tuple[int, str]


def parse_picked(text: str, covers: frozenset[IPAddress]) -> nft.Table:
    """The table, never complete. Raises ParseError where its first line is not here."""
    lines = list(_numbered(text))
    head = _TABLE.match(lines[0][1]) if lines else None
    if head is None or lines[0][0] != 1:
        raise ParseError("not an nft table", line=1, text=lines[0][1] if lines else "")
    family, name = head[1], head[2]
    chains: dict[str, nft.Chain] = {}
    sets: dict[str, nft.Set] = {}
    for kind, named, block in _blocks(lines[1:]):
        whole = block[-1][1] == _CLOSED and not _gaps(block)
        body = [line for _, line in block]
        if kind == "chain" and whole:
            part = parse_part("\n".join([head[0], *body, "}"]))
            chains[named] = part.chains[named]
        elif kind != "chain" and (known := _known(body)):
            part = parse_part("\n".join([head[0], *known, _CLOSED, "}"]))
            sets[named] = replace(part.sets[named], covers=None if whole else covers)
    dormant = _dormant(line for _, line in lines[1:])
    return nft.Table(family=family, name=name, chains=chains, sets=sets, dormant=dormant)


def _dormant(lines: Iterable[str]) -> bool:
    """The table's own properties stand before all else in it."""
    own = takewhile(lambda line: line.strip() and not _HEADER.match(line), lines)
    return any(line.startswith("\tflags ") and "dormant" in line for line in own)


def _numbered(text: str) -> Iterator[Line]:
    for line in split_lines(text):
        found = _LINE.match(line)
        if found:
            yield int(found[1]), found[2]
        elif line != "--":
            raise ParseError("not a line that grep numbered", line=1, text=line)


def _blocks(lines: Sequence[Line]) -> Iterator[tuple[str, str, list[Line]]]:
    """From each header to its brace, or to the next header, or to where nothing follows."""
    kind, name, block = "", "", list[Line]()
    for number, line in lines:
        header = _HEADER.match(line)
        if header or (block and line == _CLOSED):
            if block:
                yield kind, name, [*block, (number, line)] if not header else block
            block = []
        if header:
            kind, name, block = header[1], header[2], [(number, line)]
        elif block:
            block.append((number, line))
    if block:
        yield kind, name, block


def _gaps(block: Sequence[Line]) -> bool:
    return block[-1][0] - block[0][0] != len(block) - 1


def _known(body: Sequence[str]) -> list[str]:
    """The header of a set, its properties, and those of its elements that are here; nothing
    where it cannot be told what is what. The last one ends with the brace, or lacks it."""
    first = next((at for at, line in enumerate(body) if line.startswith(_ELEMENTS)), len(body))
    head = [line for line in body[:first] if line != _CLOSED]
    rest = [line for line in body[first:] if line != _CLOSED]
    if any(line.startswith(_MORE) for line in head) or len(head) < 2:
        return []
    if not all(line.startswith(_MORE) for line in rest[1:]):
        return []
    if rest and not rest[-1].endswith("}"):
        rest[-1] = f"{rest[-1].removesuffix(',')} }}"
    return [*head, *rest]
