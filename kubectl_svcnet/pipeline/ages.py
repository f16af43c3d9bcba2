"""How old the two sides of a difference are: since when the API asks for it, and when its node was
read. A difference that both are older than is no change in flight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from ..model.finding import Finding
from .inventory import ServicesRead
from .nodes import NodeReading


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds since the epoch: by Service ("ns/name") its last change that is dated, by node its
    last reading."""

    changed: Mapping[str, float]
    read: Mapping[str, float]
    now: float

    @classmethod
    def of(cls, services: ServicesRead, readings: Mapping[str, NodeReading], now: float) -> Ages:
        started = {
            name: max((c.started for c in reading.captures.values()), default=0.0)
            for name, reading in readings.items()
        }
        changed = {str(name): time for name, time in services.changed.items()}
        return cls(changed, started, now)

    def told(self, one: Finding) -> Finding:
        """With both ages in its evidence, as far as they are known."""
        changed, read = self.changed.get(one.service), self.read.get(one.node)
        if not one.service or not read:
            return one
        since = f"since {moment(changed, self.now, seconds=True)}" if changed else "(undated)"
        at = moment(read, self.now, seconds=True)
        return replace(
            one,
            evidence=(*one.evidence, f"the API asks so {since}, the node was read last at {at}"),
        )


def moment(time: float, now: float, *, seconds: bool = False) -> str:
    """14:02Z, of another day with its date."""
    at, today = (datetime.fromtimestamp(one, timezone.utc) for one in (time, now))
    clock = "%H:%M:%SZ" if seconds else "%H:%MZ"
    return at.strftime(clock if at.date() == today.date() else f"%Y-%m-%d {clock}")
