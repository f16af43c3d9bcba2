"""Which address of a span DNAT takes: a hash of who asks and of whom, without any secret, so that
a client gets the same one each time (find_best_ips_proto in nf_nat_core.c, jhash2 in jhash.h).

The kernel hashes words as they lie in memory: this is what a little-endian machine computes.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address

from ...model.address import IPAddress
from ...model.targets import AddressSpan

_MASK = 0xFFFFFFFF
_GOLDEN = 0xDEADBEEF  # JHASH_INITVAL


def picked(
    span: AddressSpan, source: IPAddress, destination: IPAddress, zone: int, *, persistent: bool
) -> IPAddress:
    asked, first, last = _in_memory(destination), _values(span.first), _values(span.last)
    seed = 0 if persistent else asked[-1] ^ zone
    hashed = _jhash4([*_in_memory(source), 0, 0, 0][:4], seed)
    found, whole = [], False
    for low, high in zip(first, last, strict=True):
        low, count = (0, _MASK) if whole else (low, high - low + 1)
        value = (low + (hashed * count >> 32)) & _MASK
        found.append(value)
        whole = whole or value != high
        if not persistent:  # what was asked for is overwritten by then
            hashed ^= int.from_bytes(value.to_bytes(4, "big"), "little")
    return ip_address(struct.pack(f">{len(found)}I", *found))


def _in_memory(address: IPAddress) -> list[int]:
    return list(struct.unpack(f"<{len(address.packed) // 4}I", address.packed))


def _values(address: IPAddress) -> list[int]:
    return list(struct.unpack(f">{len(address.packed) // 4}I", address.packed))


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 32 - by) & _MASK


def _jhash4(words: list[int], seed: int) -> int:
    """jhash2 of four words: three are mixed, the fourth is the last one."""
    start = (_GOLDEN + (len(words) << 2) + seed) & _MASK
    a, b, c = ((start + word) & _MASK for word in words[:3])
    for by in (4, 6, 8, 16, 19, 4):  # __jhash_mix; the three change places each time
        a = (a - c & _MASK) ^ _turned(c, by)
        c = c + b & _MASK
        a, b, c = b, c, a
    a = a + words[3] & _MASK
    for by in (14, 11, 25, 16, 4, 14, 24):  # __jhash_final
        c = ((c ^ b) - _turned(b, by)) & _MASK
        a, b, c = b, c, a
    return b
