"""The limits of one run; each is a flag, and a gap where it bites (product.md)."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    timeout: float | None = 60.0  # the whole run, from the making of the source
    exec_timeout: float = 10.0  # one exec, with connecting and TLS
    request_timeout: float = 60.0  # one API request, where --request-timeout is not given
    max_parallel: int = 16
    max_dump: int = 128 * MIB
    max_answer: int = 4 * MIB
    max_list: int = 256 * MIB  # all pages of one list
    page: int = 500
