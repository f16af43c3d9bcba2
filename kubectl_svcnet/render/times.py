"""Moments as the JSON document and wide tables write them: RFC 3339, in UTC."""

from __future__ import annotations

from datetime import datetime, timezone


def time_text(seconds: float) -> str | None:
    """Where nothing was read, there is no start; a clock may also say what no calendar has."""
    try:
        moment = datetime.fromtimestamp(seconds, timezone.utc) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
