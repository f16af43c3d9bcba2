"""A node's own rules, listed and edited with the node's iptables and never through the tool.

Each edit is a context that undoes itself exactly, and says so if somebody else edited meanwhile.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

#: One node of each backend, as the lab stands.
NFT, LEGACY = "n1", "n2"

FAMILIES = {"IPv4": "iptables", "IPv6": "ip6tables"}


class Nodes(Protocol):
    """The lab, or whatever else has nodes."""

    def backend(self, name: str) -> str: ...

    def node_exec(self, name: str, argv: Sequence[str]) -> str: ...


@dataclass(frozen=True, slots=True)
class Rules:
    lab: Nodes
    node: str
    family: str = "IPv4"

    @property
    def backend(self) -> str:
        return self.lab.backend(self.node)

    def run(self, *words: str) -> str:
        program = f"{FAMILIES[self.family]}-{self.backend}"
        return self.lab.node_exec(self.node, [program, "-w", "10", *words])

    def dump(self) -> dict[str, list[str]]:
        """Rules by "table/CHAIN", from a plain save; chains without rules are there too."""
        program = f"{FAMILIES[self.family]}-{self.backend}-save"
        return parse_dump(self.lab.node_exec(self.node, [program]))

    def chain(self, table: str, chain: str) -> list[str]:
        return self.dump()[f"{table}/{chain}"]

    def find(self, table: str, chain: str, *words: str) -> int:
        """The number of the one rule that has all these words."""
        rules = self.chain(table, chain)
        [number] = [n for n, rule in enumerate(rules, 1) if all(w in rule for w in words)]
        return number

    def service_chain(self, address: str, port: int) -> str:
        """Where nat/KUBE-SERVICES sends a ClusterIP's packets."""
        rules = self.chain("nat", "KUBE-SERVICES")
        number = self.find("nat", "KUBE-SERVICES", f"-d {address}/", f"--dport {port} ", "-j ")
        return rules[number - 1].split()[-1]

    @contextmanager
    def inserted(self, table: str, chain: str, words: str, at: int = 1) -> Iterator[str]:
        with self._edited(table, chain):
            self.run("-t", table, "-I", chain, str(at), *shlex.split(words))
            try:
                yield self.chain(table, chain)[at - 1]
            finally:
                self.run("-t", table, "-D", chain, str(at))

    @contextmanager
    def without(self, table: str, chain: str, numbers: Sequence[int]) -> Iterator[None]:
        with self._edited(table, chain) as before:
            for number in sorted(numbers, reverse=True):
                self.run("-t", table, "-D", chain, str(number))
            try:
                yield
            finally:
                for number in sorted(numbers):
                    self.run("-t", table, "-I", chain, str(number), *_words(before[number - 1]))

    @contextmanager
    def replaced(self, table: str, chain: str, number: int, old: str, new: str) -> Iterator[None]:
        with self._edited(table, chain) as before:
            changed = re.sub(old, new, before[number - 1])
            assert changed != before[number - 1], before[number - 1]
            self.run("-t", table, "-R", chain, str(number), *_words(changed))
            try:
                yield
            finally:
                self.run("-t", table, "-R", chain, str(number), *_words(before[number - 1]))

    @contextmanager
    def _edited(self, table: str, chain: str) -> Iterator[list[str]]:
        before = self.dump().get(f"{table}/{chain}", [])
        yield before
        after = self.dump().get(f"{table}/{chain}", [])
        assert after == before, f"{self.node}: {table}/{chain} was edited by somebody else too"


def _words(rule: str) -> list[str]:
    """The specification of a rule in save form, without -A CHAIN."""
    return shlex.split(rule)[2:]


def parse_dump(text: str) -> dict[str, list[str]]:
    chains: dict[str, list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chains[f"{table}/{line[1:].split()[0]}"] = []
        elif line.startswith("-A "):
            chains[f"{table}/{line.split()[1]}"].append(line)
    return chains
