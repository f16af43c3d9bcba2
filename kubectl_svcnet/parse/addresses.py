"""IP addresses in free text: logs, JSON, `ip addr`, tcpdump, a colleague's message.

`10.0.0.1:53`, `[fd00::1]:53`, `10.0.0.1/24`, `addr:10.0.0.1` and `fe80::1%eth0` give the address
alone, as tcpdump's `10.0.0.1.53 > ` does; `10.0.0.1-10.0.0.9` its two ends, an IPv4-mapped IPv6
address the IPv4 one. Times, MAC addresses, version numbers of three parts and words with `::` in
them are no addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from ..model.address import IPAddress

_V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_V6 = rf"(?=[0-9a-f]{{0,4}}:)[0-9a-f:]{{2,39}}(?:{_V4})?"
_FLAGS = re.ASCII | re.IGNORECASE
#: Behind no part of a word but `addr:`, and what JSON makes of the end of a line.
_CANDIDATE = re.compile(
    rf"(?:(?<![\w:.-])|(?<=[g-z_]:)|(?<=\\[nrt]))"
    rf"(?:{_V4}-{_V4}(?![\w-]|\.\d)|{_V4}(?![\w-]|\.\d)"
    rf"|{_V6}-{_V6}(?![\w:-]|\.\d)"
    rf"|[0-9a-f:]{{2,39}}(?:{_V4})?(?![\w:]|\.\d))|(?<=:){_V4}(?![\w-]|\.\d)",
    _FLAGS,
)
_DUMPED = re.compile(rf"(?<=[ >])({_V4}|[0-9a-f:]{{2,39}})\.\d{{1,5}}(?= > |: )", _FLAGS)
_COLOUR = re.compile("\x1b\\[[0-9;]{0,20}m")
_ENDS_IN_V4 = re.compile(rf":({_V4})$", re.ASCII)


def pick_addresses(text: str) -> tuple[IPAddress, ...]:
    """Each once, in the order in which they stand there."""
    try:  # an address alone may be one that would be a name inside a text, as a::b
        return (_plain(text.strip().partition("%")[0]),)
    except ValueError:
        pass
    text = _COLOUR.sub(" ", text) if "\x1b" in text else text
    text = _DUMPED.sub(r"\1", text) if " > " in text else text
    found = (a for match in _CANDIDATE.finditer(text) for a in _addresses(match[0]))
    return tuple(dict.fromkeys(found))


def _addresses(word: str) -> Iterator[IPAddress]:
    for part in word.split("-"):
        address = _address(part)
        if address is not None:
            yield address


def _address(word: str) -> IPAddress | None:
    if not re.search(r"\d", word):  # "::", and names as in a::b
        return None
    try:
        return _plain(word)
    except ValueError:
        if word.endswith(":") and not word.endswith("::"):  # "fd00::1:" before a blank, as in a log
            return _address(word[:-1])
        last = _ENDS_IN_V4.search(word)  # "8080:10.0.0.1"
        return _address(last[1]) if last else None


def _plain(word: str) -> IPAddress:
    address = ip_address(word)
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
