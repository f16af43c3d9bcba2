"""Lines that are the same whenever a chain does the same."""

from __future__ import annotations

import pytest

from kubectl_svcnet.engine.chain_lines import chain_lines, nft_chain_lines, set_lines
from kubectl_svcnet.model import nft
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ruleset import Chain
from kubectl_svcnet.parse.iptables_save import parse_save

LOT = '-m comment --comment "d/s -> {0}" -m statistic --mode random --probability {1} -j SEP-{0}'


def chain(*rules: str) -> Chain:
    text = "\n".join(["*nat", ":X - [0:0]", *(f"-A X {rule}" for rule in rules), "COMMIT", ""])
    found = parse_save(text, Family.IPV4, Backend.NFT).chain("nat", "X")
    assert found is not None
    return found


def service(address: str, port: int, target: str) -> str:
    return f"-d {address}/32 -p tcp -m tcp --dport {port} -j {target}"


A, B = service("10.96.0.1", 443, "A"), service("10.96.0.2", 80, "B")


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([A, B], [B, A], True),
        ([A, "-j LOG", B], [B, "-j LOG", A], False),
        ([A, service("10.96.0.1", 443, "C")], [service("10.96.0.1", 443, "C"), A], False),
        (["-s 10.0.0.0/8 -j RETURN", "-j DROP"], ["-j DROP", "-s 10.0.0.0/8 -j RETURN"], False),
        (
            [LOT.format(1, "0.50000000000"), "-j SEP-2"],
            [LOT.format(1, "0.50000000000"), "-j SEP-3"],
            False,
        ),
        (
            ["-p tcp -m tcp --dport 30080 -j A", "-p tcp -m tcp --dport 30081 -j B"],
            ["-p tcp -m tcp --dport 30081 -j B", "-p tcp -m tcp --dport 30080 -j A"],
            True,
        ),
    ],
)
def test_order(before: list[str], after: list[str], same: bool) -> None:
    assert (chain_lines(chain(*before)) == chain_lines(chain(*after))) is same


def test_endpoints_drawn_by_lot() -> None:
    end = '-m comment --comment "d/s -> {0}" -j SEP-{0}'
    one = chain(LOT.format(1, "0.33333333349"), LOT.format(2, "0.50000000000"), end.format(3))
    other = chain(LOT.format(3, "0.33333333349"), LOT.format(1, "0.50000000000"), end.format(2))
    lines = chain_lines(one)
    assert lines == chain_lines(other)
    assert lines[0] == "33.3% -j SEP-1 # d/s -> 1"
    uneven = chain(LOT.format(1, "0.9"), LOT.format(2, "0.5"), end.format(3))
    assert chain_lines(uneven) != lines


def test_the_head_of_a_base_chain() -> None:
    assert chain_lines(Chain(name="INPUT", policy="DROP")) == ("policy DROP",)


def test_native_rules() -> None:
    lot = "numgen random mod 2 vmap {{ 0 : goto {}, 1 : goto {} }}"
    base = nft.Base("nat", "prerouting", -100)

    def lines(counted: int, *goals: str) -> tuple[str, ...]:
        texts = (f"counter packets {counted} bytes 60", lot.format(*goals))
        rules = tuple(nft.Rule(n, raw) for n, raw in enumerate(texts, 1))
        return nft_chain_lines(nft.Chain(name="c", base=base, rules=rules))

    assert lines(1, "a", "b") == lines(2, "b", "a") != lines(1, "a", "c")
    assert lines(1, "a", "b")[0] == "nat prerouting -100 accept"


def test_sets() -> None:
    one, two = nft.Element(key="a"), nft.Element(key=nft.Parts(("b", 80)))
    found = nft.Set(name="s", types=("t",), elements=(two, one))
    assert set_lines(found) == ("set of t", "a", "b . 80")
    gone = nft.Element(key="c", expires=True)
    assert set_lines(nft.Set(name="s", types=("t",), elements=(one, two, gone))) == set_lines(found)
    assert set_lines(nft.Set(name="s", types=("t",), dynamic=True, elements=(one,))) == (
        "set of t, dynamic",
    )
