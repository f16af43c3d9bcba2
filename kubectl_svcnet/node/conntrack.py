"""Which tracked connections are worth reading on a node, and what they amount to.

The table of a busy node has hundreds of thousands of lines, so those stay on the node that an
endpoint of these Services answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..errors import ParseError
from ..model.address import SocketAddress
from ..model.capture import Capture
from ..model.commands import Command
from ..model.conntrack import Conntrack
from ..model.finding import Gap
from ..parse.conntrack import parse_connections, parse_counts

STATISTICS = Command("cat", ("/proc/net/stat/nf_conntrack",))
COUNT = Command("cat", ("/proc/sys/net/netfilter/nf_conntrack_count",))
MOST = Command("cat", ("/proc/sys/net/netfilter/nf_conntrack_max",))
_ALWAYS = (STATISTICS, COUNT, MOST)
#: What the pattern of a command may be long (model/commands.py).
_LONGEST = 6144
#: grep found no line; that is an answer.
_NOTHING = 1


def conntrack_commands(
    ports: Iterable[int], endpoints: Iterable[SocketAddress]
) -> tuple[Command, ...]:
    """For Services with these UDP ports, and what may answer there."""
    numbers = "|".join(str(port) for port in sorted(set(ports))[:1000])
    if not numbers:
        return _ALWAYS
    dialled = f" udp .* dport=({numbers}) "
    return *_ALWAYS, Command("connections", (dialled, _answered(endpoints)))


def _answered(endpoints: Iterable[SocketAddress]) -> str:
    """As the kernel writes addresses (%pI6 is never short). "sport" of an answer is where the
    endpoint listens. What would be too long leaves all lines in, up to the limit of an answer."""
    places = sorted(set(endpoints), key=str)
    hosts = "|".join(dict.fromkeys(re.escape(place.address.exploded) for place in places))
    ports = "|".join(dict.fromkeys(str(place.port) for place in places))
    pattern = f" src=({hosts}) dst=[^ ]+ sport=({ports}) "
    return pattern if places and len(pattern) <= _LONGEST else "^$"


def read_conntrack(captures: Mapping[Command, Capture]) -> tuple[Conntrack, tuple[Gap, ...]]:
    """Gaps are not blocking: no verdict hangs on them."""
    gaps: list[Gap] = []
    counts: dict[str, int] = {}
    connections = None
    statistics = captures.get(STATISTICS)
    asked = next((c for command, c in captures.items() if command.name == "connections"), None)
    try:
        if statistics is not None and statistics.ok:
            counts = parse_counts(statistics.text())
        if asked is not None and asked.failure is None and asked.exit_code in (0, _NOTHING):
            connections = parse_connections(asked.text())
    except ParseError as error:
        gaps.append(Gap(what="tracked connections", why=str(error)))
    if asked is not None and connections is None and not gaps:
        why = "this kernel has no /proc/net/nf_conntrack"
        why = why if asked.failure is None else asked.failure.message
        gaps.append(Gap(what="tracked connections", why=why))
    seen = Conntrack(
        connections=connections,
        counts=counts,
        count=_number(captures.get(COUNT)),
        most=_number(captures.get(MOST)),
    )
    return seen, tuple(gaps)


def _number(capture: Capture | None) -> int | None:
    text = capture.text().strip() if capture is not None and capture.ok else ""
    return int(text) if text.isdecimal() else None
