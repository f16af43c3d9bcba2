"""The catalogue of findings: one row each, from which `docs/findings.md` is generated.

SVN1xx ranges · SVN2xx programmed against expected · SVN3xx proxy, mode, sync · SVN4xx API
objects · SVN5xx the path around Services. A number is never reused; a retired row stays listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..model.finding import Finding, Level
from ._code import Code
from ._object_codes import OBJECT_CODES
from ._path_codes import PATH_CODES
from ._proxy_codes import PROXY_CODES
from ._range_codes import RANGE_CODES
from ._service_codes import SERVICE_CODES

_ROWS = (*RANGE_CODES, *SERVICE_CODES, *PROXY_CODES, *OBJECT_CODES, *PATH_CODES)

CODES: Mapping[str, Code] = MappingProxyType({row.number: row for row in _ROWS})


def finding(
    number: str,
    message: str,
    *,
    service: str = "",
    node: str = "",
    evidence: tuple[str, ...] = (),
    next: str = "",
    level: Level | None = None,
) -> Finding:
    """A finding of the catalogue. `level` only to state an unsettled difference as info."""
    row = CODES[number]
    return Finding(
        code=row.number,
        level=level or row.level,
        title=row.title,
        message=message,
        service=service,
        node=node,
        evidence=evidence,
        next=next,
        docs=f"docs/findings.md#{row.number.lower()}",
    )
