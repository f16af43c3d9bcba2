"""`check`: all Services on all nodes, once, until all is well, or for ever; or the plan of it.

The files of a pipeline are read here: a former document, and levels of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ParseError, UsageError
from ..model.finding import Level
from ..model.gate import Gate, Key
from . import session

_LARGEST = 256 << 20
_WAIT = 600.0

Parsed = TypeVar("Parsed")


def check(given: argparse.Namespace) -> int:
    flags = vars(given)
    gate = to_gate(flags)
    if "plan" in flags:
        return session.run(given, _plan)
    if "watch" in flags:
        if "wait" in flags:
            raise UsageError("--wait ends and -w does not: use one of them")
        if flags.get("output") in ("junit", "sarif"):
            raise UsageError("-w goes on, and -o junit and sarif are one document")
        from ..pipeline.repeated import watch

        work = partial(watch, gate=gate)
        return session.follow(given, lambda source, options, tell: work(source, options, tell))
    if "wait" not in flags:
        return session.run(given, partial(_once, gate))
    if "bundle" in flags:
        raise UsageError("--wait waits for a cluster; it cannot be used with --bundle")
    return session.run(given, partial(_wait, gate), timeout=_WAIT)


def _plan() -> session.Work:
    from ..pipeline.check import plan

    return plan


def _once(gate: Gate) -> session.Work:
    from ..pipeline.check import check as run

    return lambda source, options: run(source, options, gate)


def _wait(gate: Gate) -> session.Work:
    from ..pipeline.repeated import wait

    return lambda source, options: wait(source, options, gate)


def to_gate(flags: Mapping[str, Any]) -> Gate:
    """Raises UsageError for a code that does not exist, ParseError for a file that is none."""
    levels: Mapping[str, Level] = {}
    known: Mapping[Key, Level] = {}
    if "config" in flags:
        from ..parse.levels import parse_levels

        levels = _read(flags["config"], parse_levels)
        for code in levels:
            _code(code, f"--config {flags['config']}")
    if "baseline" in flags:
        from ..parse.baseline import parse_baseline

        known = _read(flags["baseline"], parse_baseline)
    only = frozenset(_code(word, "--only") for word in _words(flags.get("only", ())))
    if "only" in flags and not only:
        raise UsageError("--only names no code of a finding", next="see docs/findings.md")
    return Gate(
        only=only,
        skip=frozenset(map(_skipped, _words(flags.get("skip", ())))),
        levels=levels,
        known=known,
    )


def _words(given: Iterable[str]) -> Iterator[str]:
    return (word for text in given for word in text.split(",") if word)


def _skipped(word: str) -> tuple[str, str]:
    code, equals, where = word.partition("=")
    if equals and not where:
        raise UsageError(f"--skip {word}: say what, NAMESPACE/NAME or a node")
    return _code(code, "--skip"), where


def _code(word: str, flag: str) -> str:
    from ..engine.codes import CODES

    if word.upper() not in CODES:
        raise UsageError(f"{flag}: {word!r} is no code of a finding", next="see docs/findings.md")
    return word.upper()


def _read(name: str, parse: Callable[[str], Parsed]) -> Parsed:
    try:
        with Path(name).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ParseError(error.strerror or str(error), file=name) from error
    if len(data) > _LARGEST:
        raise ParseError(f"more than {_LARGEST >> 20} MiB", file=name)
    try:
        return parse(data.decode("utf-8", "replace"))
    except ParseError as error:
        raise ParseError(str(error), file=name) from error
