"""One rule line: its words are sorted to the modules that own them, then typed by tables.

iptables lets options come in any order, and the same option (`--mark`, `--name`) belongs to
different modules: an option goes to the module loaded last that has it. Words that nobody owns,
and a module whose words do not fit, become Unknown with their text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

from ..model.matches import AddressIn, AddressMasked, Fragment, Interface, IPProtocol, Side
from ..model.ruleset import Rule, Unknown
from ..model.targets import Jump
from ._iptables_matches import IMPLICIT, MODULES
from ._iptables_targets import NOT_CHAINS, TARGETS
from ._iptables_words import Option, Words, network, protocol_number
from ._text import Quoted, split_words

#: Options of iptables itself: how many words follow, and what they become.
_GENERIC: Mapping[str, Callable[[str, bool], object]] = {
    "-s": lambda word, negated: _address(Side.SOURCE, word, negated),
    "-d": lambda word, negated: _address(Side.DESTINATION, word, negated),
    "-i": lambda word, negated: Interface(False, word, negated),
    "-o": lambda word, negated: Interface(True, word, negated),
    "-p": lambda word, negated: IPProtocol(protocol_number(word), negated),
}
_LONG = {
    "--source": "-s",
    "--src": "-s",
    "--destination": "-d",
    "--dst": "-d",
    "--in-interface": "-i",
    "--out-interface": "-o",
    "--protocol": "-p",
    "--proto": "-p",
    "--match": "-m",
    "--jump": "-j",
    "--goto": "-g",
    "--fragment": "-f",
}


def _address(side: Side, word: str, negated: bool) -> object:
    """iptables prints a mask as such where it is no prefix length."""
    address, _, mask = word.partition("/")
    try:
        return AddressIn(side, network(word), negated)
    except ValueError:
        return AddressMasked(side, ip_address(address), ip_address(mask), negated)


@dataclass(slots=True)
class _Module:
    """One `-m NAME` (or the target) of this rule, with the options that were sorted to it."""

    name: str
    arity: Mapping[str, int]
    options: list[Option] = field(default_factory=list)
    target: bool = False


#: Modules of one rule; each option is sought in all of them, and real rules have a dozen.
_MOST_MODULES = 500
_MOST_WORDS = 2 * _MOST_MODULES


@lru_cache(maxsize=1 << 16)  # the rules of a Service are the same text on every node
def parse_rule(raw: str, number: int) -> Rule:
    """Never raises. The rule's first two words are -A and the chain's name."""
    words = split_words(raw)
    if '"' in raw and [w for w in words if w[:1] == '"' and not isinstance(w, Quoted)]:
        return _not_understood(raw, number)
    if len(words) > _MOST_WORDS and words.count("-m") > _MOST_MODULES:
        return _not_understood(raw, number)
    rule = _Reader(words[2:]).read(number, raw)
    if rule.target is None and ("-j" in words or "-g" in words):
        return _not_understood(raw, number)  # an option without its word took the target
    return rule


def _not_understood(raw: str, number: int) -> Rule:
    whole = Unknown(raw)
    return Rule(number, raw, (whole,), whole)


class _Reader:
    def __init__(self, words: list[str]) -> None:
        self._words, self._at = words, 0
        self._matches: list[object] = []
        self._modules: list[_Module] = []
        self._owned: set[str] = set()  # options of the modules loaded so far
        self._target: object | None = None

    def read(self, number: int, raw: str) -> Rule:
        negated = False
        while self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1
            if word == "!" and not isinstance(word, Quoted):
                negated = not negated
                continue
            self._option(word if word in self._owned else _LONG.get(word, word), negated)
            negated = False
        for module in self._modules:
            if module.name == "comment" and not module.target:
                continue
            typed = _typed_module(module.name, module.target, tuple(module.options))
            if module.target:
                self._target = typed
            elif isinstance(typed, tuple):
                self._matches.extend(typed)
            else:
                self._matches.append(typed)
        return Rule(number, raw, tuple(self._matches), self._target)

    def _option(self, option: str, negated: bool) -> None:
        if option in _GENERIC:
            self._generic(option, negated)
        elif option == "-m":
            self._load(self._take(1))
        elif option in ("-j", "-g"):
            self._aim(option, self._take(1))
        elif option == "-f":
            self._matches.append(Fragment(negated))
        else:
            self._own(option, negated)

    def _take(self, count: int) -> tuple[str, ...]:
        taken = tuple(self._words[self._at : self._at + count])
        self._at += count
        return taken

    def _generic(self, option: str, negated: bool) -> None:
        words = self._take(1)
        try:
            match = _generic_match(option, words[0], negated)
        except (ValueError, IndexError):
            match = Unknown(" ".join(("! " * negated + option, *words)))
        self._matches.append(match)
        if option == "-p" and words and not negated and words[0] in IMPLICIT:
            name = IMPLICIT[words[0]]
            self._modules.insert(0, _Module(name, MODULES[name].options))

    def _load(self, words: tuple[str, ...]) -> None:
        name = words[0] if words else ""
        known = MODULES.get(name)
        self._modules.append(_Module(name, known.options if known else {}))
        self._owned.update(known.options if known else ())

    def _aim(self, option: str, words: tuple[str, ...]) -> None:
        name = words[0] if words else ""
        known = TARGETS.get(name) if option == "-j" else None
        if known is not None:
            self._modules.append(_Module(name, known.options, target=True))
        elif option == "-j" and (name in NOT_CHAINS or not name):
            self._modules.append(_Module(name, {}, target=True))
        else:
            self._target = Jump(name, goto=option == "-g")

    def _own(self, option: str, negated: bool) -> None:
        for module in reversed(self._modules):
            arity = module.arity.get(option)
            if arity is not None:
                module.options.append(Option(option, negated, self._take(arity)))
                return
        loose = []  # nobody's: all words up to the next option
        while self._at < len(self._words):
            word = self._words[self._at]
            if not isinstance(word, Quoted) and (word == "!" or word.startswith("-")):
                break
            loose.append(word)
            self._at += 1
        if self._modules:
            self._modules[-1].options.append(Option(option, negated, tuple(loose)))
        else:
            self._matches.append(Unknown(" ".join(("! " * negated + option, *loose))))


@lru_cache(maxsize=4096)
def _generic_match(option: str, word: str, negated: bool) -> object:
    return _GENERIC[option](word, negated)


@lru_cache(maxsize=4096)
def _typed_module(name: str, target: bool, options: tuple[Option, ...]) -> object:
    known = (TARGETS if target else MODULES).get(name)
    try:
        if known is None or any(option.name not in known.options for option in options):
            raise ValueError(name)
        return known.build(Words(name, options))
    except (ValueError, KeyError, IndexError):
        return Unknown(" ".join(("-j" if target else "-m", name, *map(str, options))))
