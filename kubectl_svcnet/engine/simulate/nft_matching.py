"""Does a match of an nft rule hold? One value against a value, an interval, flags or a set.

For flags, `ct state new,related` asks for any of them, while == and != compare the whole
(nft's OP_IMPLICIT, netlink_linearize.c).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from ...model import nft
from ...model.address import IPAddress
from .matching import Answer, Depends, NotKnown, Odds
from .nft_sets import Unread, holds
from .nft_values import NO_VALUE, Result, Sight, Spread, evaluate

MatchAnswer: TypeAlias = "Answer | Unread | Spread"


def matched(match: nft.Match, sight: Sight) -> MatchAnswer:
    """A Spread of plain answers where chance or state decides the value."""
    left = evaluate(match.left, sight)
    if isinstance(left, Spread):
        answers = tuple(_answer(match, value, sight) for value in left.values)
        return Spread(answers, left.cause, left.why)
    if isinstance(left, NotKnown):
        odds = _odds(match)
        if odds is not None:
            return odds
    return _answer(match, left, sight)


def _odds(match: nft.Match) -> Odds | None:
    """meta random & 2147483647 < 1073741824, as nft shows iptables' statistic."""
    left, right, most = match.left, match.right, 1 << 32
    if isinstance(left, nft.Bits) and left.operator == "&":
        mask = left.right
        if not isinstance(mask, int):
            return None
        left, most = left.left, mask + 1
    if left != _RANDOM or not isinstance(right, int) or most & (most - 1):
        return None
    below = {"<": right, "<=": right + 1, ">": most - right - 1, ">=": most - right}
    share = below.get(match.operator)
    return None if share is None else Odds(min(max(share / most, 0.0), 1.0))


_RANDOM = nft.Meta("random")


def _answer(match: nft.Match, left: Result, sight: Sight) -> Answer | Unread:
    if left is NO_VALUE:
        return False
    if isinstance(left, Unread):
        return left
    found = _against(match, left, sight)
    if match.operator != "!=" or isinstance(found, Unread | NotKnown):
        return found
    if isinstance(found, Depends):
        usual = None if found.usual is None else not found.usual
        return Depends(found.why, usual)
    return not found


def _against(match: nft.Match, left: Result, sight: Sight) -> Answer | Unread:
    """Without the negation."""
    right = match.right
    if isinstance(right, _SETS):
        return _in_set(sight, right, left)
    if isinstance(left, NotKnown):
        return left
    if isinstance(match.left, nft.Fib) and right in _ROUTES:
        return (left != "") is (right == "exists")
    if isinstance(right, nft.Flags):
        return _flags(match.operator, left, right)
    right = evaluate(right, sight)  # type: ignore[assignment]
    if match.operator in _ORDER:
        return _ordered(match.operator, left, right)
    return holds(right, left)


#: What asks whether there is a route; `oif 0` is `missing`: the index of no device.
_ROUTES = ("exists", "missing", "0")


_SETS = (nft.SetName, nft.Elements)
_NO_ELEMENT = (Depends, NotKnown, Unread)


def _in_set(sight: Sight, where: nft.SetName | nft.Elements, left: Result) -> Answer | Unread:
    if isinstance(left, nft.Flags) and len(left.words) != 1:
        return NotKnown("several flags in a set")
    found = sight.sets.find(where, left, sight.flow)
    if isinstance(found, _NO_ELEMENT):
        return found
    return found is not None


def _flags(operator: str, left: Result, right: nft.Flags) -> Answer:
    if not isinstance(left, nft.Flags):
        return NotKnown(f"{left} against flags")
    if operator == "":
        return bool(left.words & right.words)
    if operator == "!":
        return not left.words & right.words
    return left.words == right.words if operator in ("==", "!=") else NotKnown(operator)


_ORDER: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _ordered(operator: str, left: Result, right: object) -> Answer:
    if isinstance(left, IPAddress) and isinstance(right, IPAddress):
        return _ORDER[operator](int(left), int(right))
    if isinstance(left, int) and isinstance(right, int):
        return _ORDER[operator](left, right)
    return NotKnown(f"{left} {operator} {right}")
