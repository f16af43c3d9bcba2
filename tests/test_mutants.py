"""`make mutants` must have a change for each match and each target that the simulator knows."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import pytest

from kubectl_svcnet.model import matches, nft, targets
from tests.mutants import ROOT, SIMULATE, Mutant, mutants

#: How the simulator spells the modules of the model.
SPELLED = {"m": matches, "t": targets, "nft": nft}

#: What is no match, target, value, expression or statement of its own.
PARTS = {
    "m.Side": "a word of the others",
    "t.AddressSpan": "of Dnat and Snat",
    "t.ConnmarkAction": "of Connmark",
    "t.PortRange": "of the translations",
    "nft.Base": "how a chain hooks in",
    "nft.Chain": "holds rules",
    "nft.Element": "of a set",
    "nft.Rule": "holds statements",
    "nft.Set": "holds elements",
    "nft.Table": "holds chains",
}

NAMED = re.compile(r"\b(?:m|t|nft)\.[A-Z]\w+")

#: A row of a table: what class, and which function answers for it.
ROW = re.compile(r"^    (\w+\.\w+): (?:\w+\.)?(_\w+),$", re.MULTILINE)


def classes() -> list[str]:
    def of(module: ModuleType) -> Iterator[str]:
        for name, value in vars(module).items():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                yield name

    return sorted(
        {f"{short}.{name}" for short, m in SPELLED.items() for name in of(m)} - set(PARTS)
    )


@cache
def changed() -> Counter[str]:
    """How many changes concern a class: see `concerned`."""
    counted: Counter[str] = Counter()
    for mutant in mutants():
        counted.update(set(concerned(mutant, (ROOT / mutant.path).read_text(encoding="utf-8"))))
    return counted


def concerned(mutant: Mutant, text: str) -> Iterator[str]:
    """Classes that the changed lines name, or else the nearest line above in the function that
    names one; those of its signature; and those for which a table names the function."""
    lines = text.splitlines()
    start, end = (text.count("\n", 0, at) for at in (mutant.start, mutant.end))
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.lineno <= start + 1 <= (node.end_lineno or 0)
    ]
    top = max((function.lineno for function in functions), default=start + 1)
    above = lines[top - 1 : start]
    spoken = [" ".join(lines[start : end + 1]), *reversed(above)]
    yield from next(filter(None, map(NAMED.findall, spoken)), ())
    for function in functions:
        yield from NAMED.findall(ast.unparse(function.args))
        yield from (name for name, answering in ROW.findall(text) if answering == function.name)


@pytest.mark.parametrize("name", classes())
def test_each_match_and_target_has_a_change(name: str) -> None:
    assert changed()[name], f"no row of tests/mutants.py changes what {name} means"


def test_parts_exist() -> None:
    for name in PARTS:
        short, _, word = name.partition(".")
        assert hasattr(SPELLED[short], word)


def test_a_change_changes_its_file() -> None:
    for mutant in mutants():
        text = (ROOT / mutant.path).read_text(encoding="utf-8")
        assert mutant.path.startswith(SIMULATE)
        assert text[mutant.start : mutant.end] != mutant.new, str(mutant)
