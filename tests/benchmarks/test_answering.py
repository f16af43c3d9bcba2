"""What the benchmark writes is a ruleset whose Services work, in each of its shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmarks import rulesets
from benchmarks.answering import Answered, answer
from benchmarks.simulator import HUGE, JSON, LARGE, TEXT, nearby
from benchmarks.sizes import Size
from kubectl_svcnet.model.saved import SavedFiles, SavedText

SMALL = Size(40, 3)


def files(folder: Path, text: str) -> SavedFiles:
    beside = [SavedText(name=path, text=Path(path).read_text()) for path in nearby(folder)]
    rules = SavedText(name="rules", text=text)
    return SavedFiles(rules=(rules,), addresses=(beside[0],), routes=(beside[1],))


def as_listed(lines: Iterator[str]) -> str:
    """Without the declarations, which `nft list` leaves to the chains."""
    text = "\n".join(lines)
    return text[text.index("}\ntable") + 2 :] + "\n"


@pytest.mark.parametrize(
    "text",
    [
        lambda size: "\n".join(rulesets.iptables(size)) + "\n",
        lambda size: as_listed(rulesets.nftables(size, chain_per_endpoint=True)),
        lambda size: as_listed(rulesets.nftables(size, chain_per_endpoint=False)),
    ],
)
def test_every_service_works(tmp_path: Path, text: Callable[[Size], str]) -> None:
    found = answer(files(tmp_path, text(SMALL)), SMALL, everything=True)
    assert found.packets == 1 + 3 * SMALL.services
    assert found.all is not None
    assert 0 < found.one < found.all
    one = answer(files(tmp_path, text(SMALL)), SMALL, everything=False)
    assert (one.packets, one.all) == (1, None)


def test_a_wrong_answer_is_none(tmp_path: Path) -> None:
    text = "\n".join(rulesets.iptables(SMALL)).replace("10.244.128.61:", "10.244.128.99:")
    with pytest.raises(SystemExit, match="Service 20 leads to"):
        answer(files(tmp_path, text + "\n"), SMALL, everything=False)


@pytest.mark.parametrize(
    ("size", "lines", "chains"), [(LARGE, 215_000, 55_000), (HUGE, 690_000, 170_000)]
)
def test_the_sizes_are_those_asked_for(size: Size, lines: int, chains: int) -> None:
    written = list(rulesets.iptables(size))
    assert lines <= len(written) < lines * 1.01
    assert sum(line.startswith(":") for line in written) >= chains


def test_chains_are_declared_once() -> None:
    for per_endpoint in (True, False):
        lines = list(partial(rulesets.nftables, chain_per_endpoint=per_endpoint)(SMALL))
        declared = [line for line in lines if line.startswith("\tchain") and line.endswith("}")]
        assert len(declared) == len(set(declared)) > SMALL.services


def test_goals() -> None:
    found = Answered(one=0.39, all=19, packets=1, memory=299)
    assert TEXT.missed(found) == JSON.missed(found) == "met"
    found = Answered(one=0.41, all=21, packets=1, memory=301)
    assert TEXT.missed(found) == "missed: one Service in 0.4 s, all in 20 s, 300 MiB"
    assert JSON.missed(found) == "met"
