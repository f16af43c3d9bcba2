"""IP addresses in free text: logs, `ip addr`, a colleague's message. Text in, addresses out.

`10.0.0.1:53`, `[fd00::1]:53`, `10.0.0.1/24` and `fe80::1%eth0` give the address alone, an
IPv4-mapped IPv6 address the IPv4 one. Times, MAC addresses, version numbers of three parts and
words with `::` in them are no addresses.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from ..model.address import IPAddress

_V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_CANDIDATE = re.compile(
    rf"(?<![\w:.-])(?:{_V4}(?![\w-]|\.\d)|[0-9a-f:]{{2,39}}(?:{_V4})?(?![\w:]|\.\d))",
    re.ASCII | re.IGNORECASE,
)


def pick_addresses(text: str) -> tuple[IPAddress, ...]:
    """Each once, in the order in which they stand there."""
    try:  # an address alone may be one that would be a name inside a text, as a::b
        return (_plain(text.strip().partition("%")[0]),)
    except ValueError:
        pass
    found: dict[IPAddress, None] = {}
    for match in _CANDIDATE.finditer(text):
        address = _address(match[0])
        if address is not None:
            found[address] = None
    return tuple(found)


def _address(word: str) -> IPAddress | None:
    if not re.search(r"\d", word):  # "::", and names as in a::b
        return None
    try:
        return _plain(word)
    except ValueError:  # "fd00::1:" before a blank, as in a log
        if not word.endswith(":") or word.endswith("::"):
            return None
        return _address(word[:-1])


def _plain(word: str) -> IPAddress:
    address = ip_address(word)
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
