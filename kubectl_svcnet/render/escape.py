"""Foreign text made safe for a terminal: every renderer's one exit (law: escape once).

Pod logs, annotations and names come from cluster users. What could move the cursor, change a
colour or turn the reading direction is shown as an escape instead of being sent.
"""

from __future__ import annotations

import re

#: C0, DEL, C1, line and paragraph separators, what reorders text (Unicode TR 9), and halves of
#: characters, which JSON can write and no terminal can be sent.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def escape(text: str) -> str:
    """One line of printable text: \\x1b, \\n, \\u202e for what is not."""
    return _UNSAFE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    named = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
    return named.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
