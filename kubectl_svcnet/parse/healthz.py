"""kube-proxy's own health, as GET /healthz on port 10256 answers it (pkg/proxy/healthcheck).

Since 1.32 the object says `healthy`, and `status` per family; before that only two dates, and the
HTTP status (200 or 503) alone says whether its syncs go through. `nodeEligible` false
(1.28 on) makes it 503 as well, for a load balancer's sake, and is no fault of its syncs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._documents import json_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthz:
    """`healthy` None: the object does not say, so the HTTP status decides."""

    healthy: bool | None = None
    eligible: bool = True


def parse_healthz(text: str) -> Healthz:
    """Raises ParseError for what is no such object."""
    found = json_object(text, "kube-proxy's /healthz")
    said = found.get("healthy")
    return Healthz(
        healthy=said if isinstance(said, bool) else None,
        eligible=found.get("nodeEligible") is not False,
    )
