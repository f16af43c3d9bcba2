"""RFC 3339 times, as the API and the container runtimes write them: seconds since the epoch."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})(?: |\Z)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_time(text: str) -> float | None:
    """None for anything else, and for what no calendar has."""
    time, rest = split_time(text)
    return None if rest else time


def split_time(line: str) -> tuple[float | None, str]:
    """The time at its start, and what stands behind it."""
    found = _TIME.match(line)
    if found is None:
        return None, line
    try:
        moment = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except ValueError:
        return None, line[found.end() :]
    return (moment - _EPOCH).total_seconds() + float(found[2] or 0), line[found.end() :]
