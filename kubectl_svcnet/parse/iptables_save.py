"""iptables-save, ip6tables-save (1.4 to 1.8, nft and legacy) and `-t TABLE -S [CHAIN]`.

Splitting by chain is done at once and looks at nothing but the first words of each line; a
chain's rules are parsed when somebody asks for them (a node may have 700,000). Nothing is lost:
lines = rules + declarations + heads + COMMITs + comments + blank lines + garbled + stray ones.

What an answer means: a table whose COMMIT is missing is `truncated` and not complete, and its
chains that may lack rules cover nothing. iptables-nft-save leaves a table with native nft rules
out and says so in a comment: it becomes `incompatible`, never empty. A listing that went
through `grep -n` lacks lines: rule numbers count from the line of the chain's first rule.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from ..errors import ParseError
from ..model.address import Family, IPAddress
from ..model.fate import Backend
from ..model.ruleset import Chain, Ruleset, Table, Unknown
from ._iptables_chains import Chains, ChainText, RuleLines
from ._text import split_lines, split_numbers

_INCOMPATIBLE = re.compile(r"#?\s*Table `(\w+)' is incompatible, use 'nft' tool")
_POLICY = re.compile(r"-P (\S+) (\S+)( \[\d+:\d+\])?")

NOTHING: frozenset[IPAddress] = frozenset()


class _Splitter:
    """Lines in, chains by table out; `numbers` are the lines' own where some were left out."""

    def __init__(self, lines: list[str], numbers: Sequence[int] | None) -> None:
        self.lines, self.numbers = lines, numbers
        self.tables: dict[str, dict[str, ChainText]] = {}
        self.garbled: dict[str, list[Unknown]] = {}
        self.closed: set[str] = set()
        self.incompatible: list[str] = []
        self.comments: list[str] = []
        self.stray: list[Unknown] = []
        self._table: str | None = None

    def split(self) -> None:
        lines = self.lines
        prefix, chain, start = "\n", None, 0  # a line never starts with a newline
        for index, line in enumerate(lines):
            if line.startswith(prefix):
                continue
            if line[:1] == "[":
                line = _without_counters(line)
                lines[index] = line
                if line.startswith(prefix):
                    continue
            name = _appended(line) if line[:1] == "-" and self._table is not None else None
            if chain is not None:
                if name == chain.name:  # a rule without any word
                    continue
                chain.spans.append((start, index))
            if name is None:
                prefix, chain = "\n", None
                self._other(line)
            else:
                chain, start = self._chain(name), index
                prefix = f"-A {name} "
        if chain is not None:
            chain.spans.append((start, len(lines)))

    def _chain(self, name: str) -> ChainText:
        assert self._table is not None
        chains = self.tables[self._table]
        found = chains.get(name)
        if found is None:
            found = chains[name] = ChainText(name, None)
        return found

    def _other(self, line: str) -> None:
        """Everything that is no rule of the table at hand."""
        first = line[:1]
        if first == ":" and self._table is not None:
            name, _, rest = line[1:].partition(" ")
            policy = rest.partition(" ")[0]
            if name and policy:
                self._chain(name).policy = None if policy == "-" else policy
                return
        elif first == "#":
            found = _INCOMPATIBLE.match(line)
            if found:
                self.incompatible.append(found[1])
            self.comments.append(line)
            return
        elif first == "*" and self._table is None and line[1:].strip() not in ("", *self.tables):
            self._table = line[1:].strip()
            self.tables[self._table] = {}
            return
        elif line.strip() == "COMMIT" and self._table is not None:
            self.closed.add(self._table)
            self._table = None
            return
        elif not line.strip():
            return
        if self._table is None:
            self.stray.append(Unknown(line))
        else:
            self.garbled.setdefault(self._table, []).append(Unknown(line))


def _without_counters(line: str) -> str:
    end = line.find("] ")
    if end > 0 and line[1:end].replace(":", "", 1).isdecimal():
        return line[end + 2 :]
    return line


def _appended(line: str) -> str | None:
    """The chain that this line adds a rule to."""
    if not line.startswith("-A "):
        return None
    end = line.find(" ", 3)
    return (line[3:] if end < 0 else line[3:end]) or None


def parse_save(text: str, family: Family, backend: Backend, *, complete: bool = True) -> Ruleset:
    """A dump as it is. `complete`: it is of all tables, so one that is not here does not exist.

    A dump that holds no table and does not look like one at all is a ParseError.
    """
    splitter = _Splitter(split_lines(text), None)
    splitter.split()
    if splitter.stray and not splitter.tables and not splitter.incompatible:
        raise ParseError("not an iptables-save dump", line=1, text=splitter.stray[0].raw)
    tables: dict[str, Table] = {}
    fed = _fed(text)
    for name, chains in splitter.tables.items():
        closed = name in splitter.closed
        garbled = tuple(splitter.garbled.get(name, ()))
        if not closed:
            _uncover_open_chains(chains)
        tables[name] = Table(
            name=name,
            chains=Chains(splitter.lines, chains),
            complete=closed and not garbled,
            truncated=not closed,
            garbled=garbled,
            fed=fed,
        )
    return _ruleset(splitter, tables, family, backend, complete=complete)


def _ruleset(
    splitter: _Splitter,
    tables: dict[str, Table],
    family: Family,
    backend: Backend,
    *,
    complete: bool,
) -> Ruleset:
    for name in splitter.incompatible:
        tables.setdefault(name, Table(name=name, incompatible=True))
    whole = complete and not splitter.stray and not any(t.truncated for t in tables.values())
    return Ruleset(
        family=family,
        backend=backend,
        tables=tables,
        complete=whole,
        comments=tuple(splitter.comments),
        stray=tuple(splitter.stray),
    )


def _fed(text: str) -> frozenset[str]:
    """The ipsets that rules add to or delete from; most dumps have none, which is soon seen."""
    if "--add-set " not in text and "--del-set " not in text:
        return frozenset()
    return frozenset(re.findall(r" --(?:add|del)-set (\S+)", text))


def _uncover_open_chains(chains: dict[str, ChainText]) -> None:
    """The listing broke off: the last chain may lack rules, and so may all without any."""
    last = max(chains.values(), key=lambda chain: chain.end, default=None)
    for chain in chains.values():
        if chain is last or not chain.spans:
            chain.covers = NOTHING


def parse_table(text: str, family: Family, backend: Backend, table: str) -> Table:
    """`-t TABLE -S`: all declarations (-P, -N), then all rules. It is whole; a line that is
    neither is a ParseError."""
    lines = [f"*{table}"]
    for number, line in enumerate(split_lines(text), 1):
        found = _POLICY.match(line)
        if found:
            line = f":{found[1]} {found[2]} [0:0]"
        elif line.startswith("-N "):
            line = f":{line[3:]} - [0:0]"
        elif _appended(_without_counters(line)) is None:
            raise ParseError(f"not a rule of {table}", line=number, text=line)
        lines.append(line)
    listed = parse_save("\n".join([*lines, "COMMIT\n"]), family, backend, complete=False)
    return listed.tables[table]


def parse_save_numbered(
    text: str,
    family: Family,
    backend: Backend,
    *,
    partial: Collection[tuple[str, str]],
    covers: frozenset[IPAddress],
    first_lines: Mapping[tuple[str, str], int] | None = None,
) -> Ruleset:
    """A dump that went through `grep -n`: chains left out whole, and of those in `partial`, named
    as (table, chain), the rules of other single addresses than `covers`. Every other chain that
    is declared here is whole, or covers nothing if a line is missing inside it.

    `first_lines` gives the line of a partial chain's first rule, from which its numbers count;
    without it the first line seen does. No table of such a dump is complete.
    """
    numbers, lines = split_numbers(split_lines(text))
    splitter = _Splitter(lines, numbers)
    splitter.split()
    tables: dict[str, Table] = {}
    for name, chains in splitter.tables.items():
        for chain in chains.values():
            if (name, chain.name) in partial:
                chain.first = (first_lines or {}).get((name, chain.name))
                chain.covers = covers
            elif _has_gap(chain, numbers):
                chain.covers = NOTHING
        closed = name in splitter.closed
        if not closed:
            _uncover_open_chains(chains)
        tables[name] = Table(
            name=name,
            chains=Chains(lines, chains, numbers),
            truncated=not closed,
            garbled=tuple(splitter.garbled.get(name, ())),
        )
    return _ruleset(splitter, tables, family, backend, complete=False)


def _has_gap(chain: ChainText, numbers: Sequence[int]) -> bool:
    return any(numbers[end - 1] - numbers[start] != end - 1 - start for start, end in chain.spans)


def parse_chain(text: str, table: str) -> Chain:
    """`-t TABLE -S CHAIN`: a declaration (-N or -P), then the rules. Anything else in it, or no
    declaration, is a ParseError: a chain is here whole or not at all."""
    return _parse_chain(split_lines(text), None, table, None)


def parse_chain_numbered(text: str, table: str, *, covers: frozenset[IPAddress] = NOTHING) -> Chain:
    """The same after `grep -n`, lines dropped: rule n was on line n + 1."""
    numbers, lines = split_numbers(split_lines(text))
    return _parse_chain(lines, numbers, table, covers)


def _parse_chain(
    lines: list[str],
    numbers: list[int] | None,
    table: str,
    covers: frozenset[IPAddress] | None,
) -> Chain:
    name, policy, start = _declaration(lines)
    for index in range(start, len(lines)):
        line = lines[index] = _without_counters(lines[index])
        if _appended(line) != name:
            raise ParseError(f"not a rule of {table}/{name}", line=index + 1, text=line)
    chain = ChainText(name, policy)
    if start < len(lines):
        chain.spans.append((start, len(lines)))
        chain.first = 2 if numbers is not None else None
    return Chain(name=name, policy=policy, rules=RuleLines(lines, chain, numbers), covers=covers)


def _declaration(lines: Sequence[str]) -> tuple[str, str | None, int]:
    """The chain's name and policy, and where its rules start."""
    first = lines[0] if lines else ""
    if first.startswith("-N ") and first[3:].strip():
        return first[3:].strip(), None, 1
    found = _POLICY.match(first)
    if found:
        return found[1], found[2], 1
    raise ParseError("no chain is declared here", line=1, text=first)
