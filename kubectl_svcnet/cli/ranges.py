"""`ranges`: every range of the cluster, or with --ip what an address is. Stdin is read here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from functools import partial

from ..errors import UsageError
from ..model.address import IPAddress
from ..parse.addresses import pick_addresses
from . import session

_LARGEST = 4 << 20  # of what is read from stdin: free text, not a dump
_MOST = 10_000


def ranges(given: argparse.Namespace) -> int:
    flags = vars(given)
    if "ips" in flags and "explain" in flags:
        raise UsageError("--explain is about the sources of ranges; it cannot be used with --ip")
    asked = to_addresses(flags["ips"]) if "ips" in flags else ()

    def load() -> session.Work:
        from ..pipeline.addresses import addresses
        from ..pipeline.ranges import plan, run

        if "plan" in flags:
            return plan
        return partial(addresses, asked=asked) if asked else run

    return session.run(given, load)


def to_addresses(words: Iterable[str]) -> tuple[IPAddress, ...]:
    """Each once, in order. Raises UsageError for a text that holds none."""
    found: dict[IPAddress, None] = {}
    for word in words:
        picked = pick_addresses(_stdin() if word == "-" else word)
        if not picked:
            where = "the text on stdin" if word == "-" else repr(word)
            raise UsageError(f"--ip: there is no IP address in {where}")
        found.update(dict.fromkeys(picked))
    if len(found) > _MOST:
        raise UsageError(f"--ip: {len(found)} addresses; at most {_MOST} are told at once")
    return tuple(found)


def _stdin() -> str:
    data = sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise UsageError(f"--ip -: more than {_LARGEST >> 20} MiB on stdin")
    return data.decode("utf-8", "replace")
