"""One rule in the columns of a walk: its place, its words, what it did.

The words are the rule's own, without the chain that its place names and without its comment,
which follows only where there is room. They are foreign text, escaped here, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...model.fate import RuleRef
from ..escape import escape
from ..style import Style

_COMMENT = re.compile(r' -m comment --comment (?:"((?:[^"\\]|\\.)*)"|(\S+))')
_OPTION = re.compile(r" (?=(?:! )?--?[A-Za-z])")

#: What the words of a rule say already, by its -j or -g.
_SAID = frozenset(("jump", "goto", "return", "accept", "drop", "reject"))


def words_of(rule: RuleRef) -> tuple[str, str]:
    """(the rule without `-A CHAIN` and comment, the comment)."""
    raw = rule.raw.removeprefix(f"-A {rule.chain.chain}")
    comments = [quoted or word for quoted, word in _COMMENT.findall(raw)]
    return _COMMENT.sub("", raw).strip(), ", ".join(comments)


def rule_lines(
    rule: RuleRef, actions: Iterable[str], style: Style, *, first: str, rest: str
) -> list[str]:
    """`nat/CHAIN:N  words (what it did)`, wrapped between options, never inside one."""
    words, comment = words_of(rule)
    told = [f"({action})" for action in actions if _is_news(action, words)]
    units = [*_OPTION.split(escape(words)), *map(escape, told)]
    lines = [f"{first}{escape(str(rule))} "]
    for unit in units:
        if style.width and len(lines[-1]) + 1 + len(unit) > style.width:
            lines.append(rest)
            lines[-1] += unit
        else:
            lines[-1] += f" {unit}"
    remark = escape(f"/* {comment} */")
    if comment and (not style.width or len(lines[-1]) + 2 + len(remark) <= style.width):
        lines[-1] += f"  {style.paint(remark, 'dim')}"
    return [line.rstrip() for line in lines]


def _is_news(action: str, words: str) -> bool:
    """What it did, unless the rule says so itself: `mark 0x4000`, `from 10.0.0.1`, `if …`."""
    verb, _, rest = action.partition(" ")
    if verb == "to":
        address, _, port = rest.partition(" port ")
        return f"{address}:{port}" not in words and f"[{address}]:{port}" not in words
    return verb not in _SAID and verb != "chance"
