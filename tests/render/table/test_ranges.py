from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.iprange import Confidence, IPRange, RangeClaim, RangeKind, Room
from kubectl_svcnet.model.report import ByHand, Collected, RangesReport
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.ranges import render


def claim(source: str, evidence: str = "as written", address: str = "") -> RangeClaim:
    return RangeClaim(
        kind=RangeKind.POD,
        source=source,
        object=f"the {source}",
        confidence=Confidence.STATED,
        network=ip_network("10.0.0.0/24"),
        address=ip_address(address) if address else None,
        evidence=evidence,
    )


def row(text: str, *claims: RangeClaim, **values: object) -> IPRange:
    kind = values.pop("kind", RangeKind.POD)
    return IPRange(kind=kind, text=text, claims=claims, **values)  # type: ignore[arg-type]


def report(*ranges: IPRange, gaps: tuple[Gap, ...] = ()) -> RangesReport:
    return RangesReport(collected=Collected(), ranges=ranges, gaps=gaps)


RANGES = (
    row(
        "10.96.0.0/16", claim("ServiceCIDR/kubernetes"), kind=RangeKind.SERVICE, used=14, size=65534
    ),
    row("10.244.1.0/24", claim("node.spec.podCIDRs"), node="n1", used=11, size=254),
    row("fd00:1::/64", claim("node.spec.podCIDRs"), node="n1", used=11, size=2**64 - 1),
    row("10.32.0.0/12", claim("weave bridge", address="10.44.0.0"), node="n2"),
    row("172.18.0.0/24", claim("node routes", address="172.18.0.2"), kind=RangeKind.NODE, used=3),
)


def test_the_sketch() -> None:
    assert render(report(*RANGES), Style()) == (
        "KIND      RANGE           USED     NODE   SOURCES\n"
        "Service   10.96.0.0/16    14       -      ServiceCIDR/kubernetes\n"
        "Pod       10.244.1.0/24   11/254   n1     node.spec.podCIDRs\n"
        "Pod       fd00:1::/64     11       n1     node.spec.podCIDRs\n"
        "Pod       10.32.0.0/12    ?        n2     weave bridge 10.44.0.0\n"
        "Node      172.18.0.0/24   3        -      node routes\n"
    )


def test_no_headers() -> None:
    assert render(report(RANGES[0]), Style(headers=False)) == (
        "Service   10.96.0.0/16   14   -   ServiceCIDR/kubernetes\n"
    )
    assert render(report(), Style(headers=False)) == ""
    assert render(report(), Style()) == "KIND   RANGE   USED   NODE   SOURCES\n"


@pytest.mark.parametrize(
    ("width", "sources"),
    [
        (0, "first source, second source, third, fourth"),
        (200, "first source, second source, third, fourth"),
        (77, "first source, second source, third, fourth"),
        (76, "first source, second source, third +1"),
        (69, "first source, second source +2"),
        (65, "first source, second source +2"),
        (64, "first source, third +2"),
        (49, "third +3"),
        (42, "fir… +3"),
    ],
)
def test_sources_that_do_not_fit_are_counted(width: int, sources: str) -> None:
    names = ("first source", "second source", "third", "fourth", "first source")
    found = render(report(row("10.0.0.0/24", *map(claim, names), used=1)), Style(width=width))
    assert found.splitlines()[1] == f"Pod    10.0.0.0/24   1      -      {sources}"


@pytest.mark.parametrize("name", ["source number", "a source with a very long name" * 3])
def test_no_line_is_wider_than_asked(name: str) -> None:
    names = [f"{name} {n}" for n in range(9)]
    for width in range(60, 200):
        found = render(report(row("10.0.0.0/24", *map(claim, names))), Style(width=width))
        assert max(map(len, found.splitlines())) <= width


def test_wide_shows_every_source_with_its_evidence() -> None:
    found = render(report(row("10.0.0.0/24", claim("a", " - --x=1"), claim("b"))), Style(wide=True))
    assert [line.split("   ")[-1].strip() for line in found.splitlines()] == [
        "EVIDENCE",
        "- --x=1",
        "as written",
    ]
    assert all(line.startswith("Pod ") for line in found.splitlines()[1:])


@pytest.mark.parametrize(
    ("room", "text"),
    [
        (None, "-"),
        (Room(noun="node", length=24, given=3, left=253), "253 nodes of /24"),
        (Room(noun="block", length=26, given=3, left=1), "1 block of /26"),
        (Room(noun="node", length=64, given=9, left=0), "0 nodes of /64"),
    ],
)
def test_wide_tells_how_many_nodes_still_fit(room: Room | None, text: str) -> None:
    found = render(report(row("10.0.0.0/16", claim("a"), used=1, room=room)), Style(wide=True))
    assert re.split(" {3,}", found.splitlines()[1])[4] == text


def test_hostile_text_stays_in_its_cell() -> None:
    hostile = claim("a\x1b[2J", "x\ny\u202e\x9b")
    for wide in (False, True):
        found = render(report(row("10.0.0.0/24", hostile)), Style(wide=wide))
        assert len(found.splitlines()) == 2
        assert not set(found) & set("\x1b\u202e\x9b")


def test_gaps_stand_below() -> None:
    found = render(report(RANGES[0], gaps=(Gap(what="nodes", why="forbidden"),)), Style())
    assert found.endswith("kubernetes\n\nnote: nodes: forbidden\n")


def test_bars() -> None:
    full = row("10.9.0.0/24", claim("flag"), node="n1", used=254, size=254)
    found = render(report(*RANGES[:2], full), Style(bars=True))
    assert found == (
        "KIND      RANGE           USED             NODE   SOURCES\n"
        "Service   10.96.0.0/16    14      ▏·····   -      ServiceCIDR/kubernetes\n"
        "Pod       10.244.1.0/24   11/254  ▍·····   n1     node.spec.podCIDRs\n"
        "Pod       10.9.0.0/24     254/254 ██████   n1     flag\n"
    )


def test_a_bar_is_as_long_as_there_is_room() -> None:
    source = claim("a-source-with-a-name-of-39-characters-a")
    text = render(report(row("10.244.0.0/16", source, used=8, size=9)), Style(bars=True))
    assert "8    ██▊   -" in text
    assert max(map(len, text.splitlines())) == 80


def test_no_bar_where_it_would_not_fit() -> None:
    long = row(
        "10.244.0.0/16",
        claim("a-source-with-a-name-of-fifty-characters-or-a-little"),
        used=1,
        size=9,
    )
    assert render(report(long), Style(bars=True)) == render(report(long), Style())
    unknown = row("10.244.0.0/16", claim("flag"))
    assert "·" not in render(report(unknown), Style(bars=True))


def test_what_to_type() -> None:
    step = ByHand(title="kubeadm-config", command="kubectl get configmap", lines=("podSubnet: x",))
    text = render(RangesReport(collected=Collected(), ranges=RANGES[:1], steps=(step,)), Style())
    assert text.endswith("\n1. kubeadm-config\n   $ kubectl get configmap\n   podSubnet: x\n")
