"""What a chain does, as lines that are the same whenever it does the same.

Left out: counters, and the chain's own name; a rule's comment stands at its end. Put in order:
neighbours that cannot both match one packet, as kube-proxy's rules for different frontends, which
it writes in the order of a Go map; and endpoints among which a packet is drawn by lot, each with
its share of all packets instead of its odds when its turn comes (kubernetes
pkg/proxy/iptables/proxier.go, writeServiceToEndpointRules). All else stays in its order, which
matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..model import nft
from ..model.ruleset import Chain, Rule, Unknown

_NFT_COUNTER = re.compile(r"counter packets \d+ bytes \d+")
_LOT = re.compile(r" -m statistic --mode random --probability ([\d.]+)")
_NFT_LOT = re.compile(r"(numgen random mod \d+ vmap) \{ (.*) \}")
_ADDRESS = re.compile(r"-d (\S+)/(?:32|128) .*?-p (\w+) .*?--dport (\d+) ")
_PORT = re.compile(r"(?:-d 127\.0\.0\.0/8 )?-p (\w+) .*?--dport (\d+) ")
_COMMENT = re.compile(r' -m comment --comment ("(?:[^"\\]|\\.)*"|\S+)')


def chain_lines(chain: Chain) -> tuple[str, ...]:
    """Of iptables."""
    head = (f"policy {chain.policy}",) if chain.policy else ()
    return (*head, *_sorted(_shared(chain.rules)))


def _shared(rules: Sequence[Rule]) -> Iterator[str]:
    """Each row of lots in order of where they lead, with the share of each."""
    rest, row = 1.0, list[str]()
    for rule in rules:
        lot = _LOT.search(rule.raw)
        text = _words(_LOT.sub("", rule.raw))
        if lot is None and not row:
            yield text
            continue
        share = rest * float(lot[1]) if lot else rest
        row.append(f"{share:.1%} {text}")
        rest -= share
        if lot is None:
            yield from sorted(row)
            rest, row = 1.0, []
    yield from sorted(row)


def _words(raw: str) -> str:
    """`-A CHAIN … -m comment --comment "x" …` as `… # x`."""
    comments = " ".join(word.strip('"') for word in _COMMENT.findall(raw))
    words = raw.split(" ", 2)
    rest = words[2] if len(words) > 2 and words[0] == "-A" else raw
    return _COMMENT.sub("", f" {rest}").strip() + (f" # {comments}" if comments else "")


def _sorted(lines: Iterable[str]) -> Iterator[str]:
    """Runs of rules of which no two match the same packet, unless they have the same key."""
    run: list[tuple[tuple[str, ...], str]] = []
    for line in lines:
        key = _key(line)
        if run and (run[-1][0][0] != key[0] or not key[0]):
            yield from _ordered(run)
            run = []
        run.append((key, line))
    yield from _ordered(run)


def _ordered(run: list[tuple[tuple[str, ...], str]]) -> Iterator[str]:
    yield from (line for _, line in sorted(run, key=lambda one: one[0]))


def _key(line: str) -> tuple[str, ...]:
    for kind, pattern in (("address", _ADDRESS), ("port", _PORT)):
        if (found := pattern.match(f"{line} ")) is not None:
            return (kind, *found.groups())
    return ("",)


def nft_chain_lines(chain: nft.Chain) -> tuple[str, ...]:
    head = () if chain.base is None else (_hook(chain.base),)
    return (*head, *(_nft_rule(rule.raw) for rule in chain.rules))


def _hook(base: nft.Base) -> str:
    devices = "".join(f" {device}" for device in base.devices)
    return f"{base.kind} {base.hook}{devices} {base.priority} {base.policy}"


def _nft_rule(raw: str) -> str:
    """A verdict map over numbers drawn by lot, without the numbers."""

    def without(found: re.Match[str]) -> str:
        goals = sorted(part.partition(" : ")[2] for part in found[2].split(", "))
        return f"{found[1]} {{ {', '.join(goals)} }}"

    return _NFT_LOT.sub(without, _NFT_COUNTER.sub("counter", raw))


def set_lines(found: nft.Set) -> tuple[str, ...]:
    """Of a set that rules add to only that it is there: what it holds is no rule."""
    head = f"{'map' if found.maps else 'set'} of {' . '.join(found.types)}"
    if found.dynamic:
        return (f"{head}, dynamic",)
    elements = [_element(one) for one in found.elements if not one.expires]
    return (head, *sorted((*elements, *(one.raw for one in found.garbled))))


def _element(one: nft.Element) -> str:
    return text_of(one.key) + (f" : {text_of(one.value)}" if one.value is not None else "")


def text_of(value: object) -> str:
    match value:
        case nft.Interval(first=first, last=last):
            return f"{first}-{last}"
        case nft.Parts(items=items):
            return " . ".join(map(text_of, items))
        case nft.Flags(words=words):
            return ",".join(sorted(words))
        case nft.NameStart(start=start):
            return f"{start}*"
        case nft.Anything():
            return "*"
        case Unknown(raw=raw):
            return raw
    chain = getattr(value, "chain", None)
    if chain is not None:
        return f"{type(value).__name__.lower()} {chain}"
    return (
        str(value)
        if type(value).__module__ in ("builtins", "ipaddress")
        else type(value).__name__.lower()
    )
