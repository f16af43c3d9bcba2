"""IP ranges and port ranges as people write them in flags and configuration files.

A value is read whole or not at all: one bad entry raises ParseError, since half a range would
look like the whole one. Kubernetes masks host bits (`10.96.0.1/12` is 10.96.0.0/12), so do we.
"""

from __future__ import annotations

import re

from ..errors import ParseError
from ..model.address import IPNetwork
from .kube_fields import network


def parse_networks(text: str) -> tuple[IPNetwork, ...]:
    """`10.96.0.0/16,fd00:10:96::/112`: one network, or several separated by commas."""
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> IPNetwork:
    try:
        if "/" not in text:
            raise ValueError("no prefix length")
        return network(text)
    except ValueError as error:
        raise ParseError("not an IP range", text=text) from error


def parse_port_range(text: str) -> tuple[int, int]:
    """`30000-32767`, `30000+2767` or one port: k8s.io/apimachinery pkg/util/net/port_range.go."""
    found = re.fullmatch(r"\s*(\d{1,5})\s*(?:([-+])\s*(\d{1,5})\s*)?", text)
    if found is None:
        raise ParseError("not a port range", text=text)
    first = int(found[1])
    last = first if found[2] is None else int(found[3]) + (first if found[2] == "+" else 0)
    last = min(last, 65535) if found[2] == "+" else last
    if not first <= last <= 65535:
        raise ParseError("not a port range", text=text)
    return first, last
