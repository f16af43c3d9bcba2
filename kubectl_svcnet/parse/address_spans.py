"""Addresses as load balancer pools list them: `192.0.2.0/24`, `192.0.2.10-192.0.2.20`, `192.0.2.9`.

Several are separated by commas. From one address to another is answered as the networks that make
it up, none wider. What is neither raises ParseError, the whole value with it.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network, summarize_address_range

from ..errors import ParseError
from ..model.address import IPNetwork


def parse_spans(text: str) -> tuple[IPNetwork, ...]:
    return tuple(
        network for part in text.split(",") if part.strip() for network in _span(part.strip())
    )


def _span(text: str) -> tuple[IPNetwork, ...]:
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if not dash:
            return (ip_network(first, strict=False),)
        return tuple(summarize_address_range(ip_address(first), ip_address(last)))
    except (ValueError, TypeError) as error:
        raise ParseError("not a range of addresses", text=text[:120]) from error
