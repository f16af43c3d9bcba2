"""Patterns of lines that may stay on the node, because they provably cannot match the packet.

Two kinds of line qualify: rules and declarations of other Services' own chains (which the walk
then counts as unread), and dispatch rules of other single destination addresses. Extended
regular expressions have no "not this word", so the words to keep are cut out letter by letter:
of {ab, ac} what differs is [^a] or a[^bc].
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model.address import IPAddress

_KINDS = "KUBE-(SVC|SVL|SEP|EXT|FW|XLB)-"

#: Where a rule begins, whether its line has got a number already or not.
_RULE = "^([0-9]+:)?"

#: Room for one pattern, so that a command with two fits one exec (6 KiB of arguments); what does
#: not fit keeps more lines, never fewer.
_ROOM = 2400


def other_words(words: Iterable[str], depth: int) -> str:
    """A pattern for the starts of all words that differ from each of `words` within the first
    `depth` letters."""
    heads = sorted({word[:depth] for word in words if word})
    if not heads:
        return ""
    letters = sorted({head[0] for head in heads})
    branches = [f"[^{_class(letters)}]"]
    for letter in letters:
        rest = other_words((h[1:] for h in heads if h[0] == letter), depth - 1)
        ends = any(h == letter for h in heads if h[0] == letter)
        if rest and not ends:
            branches.append(re.escape(letter) + rest)
    return f"({'|'.join(branches)})"


def _class(letters: Iterable[str]) -> str:
    """Letters inside [^…]: a bracket first, a dash last, as POSIX wants them."""
    found = set(letters)
    ordered = sorted(found - {"]", "-"})
    return ("]" if "]" in found else "") + "".join(ordered) + ("-" if "-" in found else "")


def other_chains(chains: Iterable[str]) -> str:
    """Lines of other Services' chains: declarations (`:NAME`) and rules (`-A NAME`)."""
    hashes = {name.rsplit("-", 1)[1] for name in chains if re.match(_KINDS, name)}
    for depth in (5, 4, 3, 2):
        pattern = other_words(hashes, depth)
        if len(pattern) <= _ROOM:
            return f"^(:|-A ){_KINDS}{pattern}"
    return ""


def other_addresses(addresses: Iterable[IPAddress]) -> str:
    """Dispatch rules of nat/KUBE-SERVICES for other single addresses than these.

    Only rules that jump to a Service's chain or to the masquerade mark: the filter table has a
    chain of the same name, and its refusals are never left behind. "" where an address is
    written otherwise by the kernel than by us (v4-mapped IPv6), which would lose our own rule.
    """
    found = sorted(addresses, key=int)
    if not found or any(a.version == 6 and int(a) < 1 << 48 for a in found):
        return ""
    length = 32 if found[0].version == 4 else 128
    texts = [f"{address}/{length}" for address in found]
    pattern = other_words(texts, max(map(len, texts)))
    if len(pattern) > _ROOM:
        return ""
    jump = f"-j ({_KINDS}|KUBE-MARK-MASQ$)"
    return f"{_RULE}-A KUBE-SERVICES (! -s [^ ]+ )?-d {pattern}[0-9a-f:.]*/{length} .*{jump}"


def any_of(*patterns: str) -> str:
    """One pattern for all that are not empty; never empty itself (an empty one drops all)."""
    kept = [pattern for pattern in patterns if pattern]
    return "|".join(kept) if kept else "^$"


def picked_from_nft(
    names: Iterable[str], hashed: Iterable[str], addresses: Iterable[IPAddress]
) -> str:
    """A pattern of the lines of `nft list table` to *keep*, each with those shortly below it:
    the chains of these names, those that share the hash of one of `hashed`, the headers of all
    sets, and every element of a set but those of other single addresses. "" if it is too long,
    or a name has letters that an expression would take for more than themselves.
    """
    shared = sorted(names)
    if not all(map(_PLAIN.fullmatch, shared)):
        return ""
    hashes = sorted({found[1] for name in hashed if (found := _HASHED.match(name))})
    chains = [name.replace(".", "\\.") for name in shared]
    if hashes:
        chains.append(f"[a-z]+-({'|'.join(hashes)})-[^ ]*")
    wanted = "|".join(str(one).replace(".", "\\.") for one in sorted(addresses, key=int))
    element = f"^{_TAB}{{2}}(elements = \\{{ |{_TAB}     )"
    keys = [
        "[^0-9a-f]",  # a word, a wildcard
        "[0-9a-f]+([^0-9a-f.:]|$)",  # a number
        ".*\\*",  # the catch-all
        ".*[0-9a-f:]/[0-9]",  # a network
        ".*[0-9a-f.:]-[0-9a-f]+[.:]",  # a range
        "[0-9a-f.:]+ \\. [0-9a-f]+[.:]",  # of two addresses: local endpoints alone
        *([f"(.*[^0-9a-f.:])?({wanted})([^0-9a-f.:]|$)"] if wanted else []),
    ]
    pattern = "|".join(
        [
            "^table ",
            f"^{_TAB}(set|map) ",
            f"^{_TAB}chain ({'|'.join(chains)}) ",
            f"{element}({'|'.join(keys)})",
        ]
    )
    return pattern if len(pattern) <= 2 * _ROOM else ""


#: A chain of kube-proxy's that belongs to a Service: pkg/proxy/nftables/proxier.go.
_HASHED = re.compile(r"[a-z]+-([A-Z2-7]{8})-")
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")

_TAB = "[[:space:]]"  # no command may hold a control character

#: Of `nft list chains`: chains that no kube-proxy makes base chains, and every closing brace.
CHAIN_LISTING = r"^[[:space:]]*(chain (KUBE-|[a-z]+-[A-Z2-7]{8}-)|}$)"
