"""What all fates share is said once; where ways part, each has its share."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from kubectl_svcnet.model.address import Family, Protocol, SocketAddress
from kubectl_svcnet.model.fate import Backend, ChainId, Fate, FateKind, RuleRef, Step
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.report import Asked, Expectation, FrontendTrace, NodeTrace, Verdict, Walk
from kubectl_svcnet.model.service import Frontend, FrontendKind, ServiceName
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.walk import explained, outcome, walked
from tests.samples import packet

PLAIN = Style(width=80)


def rule(chain: str, number: int, words: str, table: str = "nat") -> RuleRef:
    where = ChainId(Family.IPV4, Backend.NFT, table, chain)
    return RuleRef(where, number, f"-A {chain} {words}")


DISPATCH = Step(
    "PREROUTING",
    rule("KUBE-SERVICES", 6, '-d 10.96.0.9/32 -m comment --comment "a/db" -j KUBE-SVC-A'),
    "jump KUBE-SVC-A",
)
LEAVE = [
    Step("FORWARD", rule("FORWARD", 1, "-j KUBE-FORWARD", "filter"), "jump KUBE-FORWARD"),
    Step("FORWARD", None, "filter/FORWARD policy ACCEPT"),
    Step("POSTROUTING", None, "nat/POSTROUTING policy ACCEPT"),
]


def way(number: int, *, device: str, steps: list[Step] | None = None) -> Fate:
    words = f"-m statistic --mode random --probability 0.5 -j KUBE-SEP-{number}"
    ref = rule("KUBE-SVC-A", number, words)
    to = f"10.244.{number}.2"
    dnat = rule(f"KUBE-SEP-{number}", 2, f"-p tcp -j DNAT --to-destination {to}:3306")
    return Fate(
        kind=FateKind.ENDPOINT,
        endpoint=SocketAddress(ip_address(to), 3306),
        probability=0.5,
        masquerade=False,
        steps=(
            DISPATCH,
            Step("PREROUTING", ref, "chance 50.0%"),
            Step("PREROUTING", ref, f"jump KUBE-SEP-{number}"),
            Step("PREROUTING", dnat, f"to {to} port 3306"),
            Step("ROUTING", None, f"forward to {device}"),
            *(LEAVE if steps is None else steps),
        ),
    )


def walk_of(*fates: Fate) -> Walk:
    asked = Asked(
        client=Client.POD,
        packet=packet(in_interface="cni0"),
        expectation=Expectation(endpoints=frozenset()),
        note="default/client",
    )
    return Walk(asked=asked, fates=fates)


def test_shares_stand_before_the_rules_and_the_rest_is_said_once() -> None:
    walk = walk_of(way(1, device="cni0"), way(2, device="eth0"))
    assert (
        "\n".join(walked(walk, PLAIN, where="n1"))
        == """\
n1: pod 10.244.1.9 (default/client) -> 10.96.0.9:3306/TCP
  PREROUTING   nat/KUBE-SERVICES:6  -d 10.96.0.9/32 -j KUBE-SVC-A  /* a/db */
  50.0%          nat/KUBE-SVC-A:1  -m statistic --mode random --probability 0.5
                   -j KUBE-SEP-1
                 nat/KUBE-SEP-1:2  -p tcp -j DNAT
                   --to-destination 10.244.1.2:3306
  50.0%          nat/KUBE-SVC-A:2  -m statistic --mode random --probability 0.5
                   -j KUBE-SEP-2
                 nat/KUBE-SEP-2:2  -p tcp -j DNAT
                   --to-destination 10.244.2.2:3306
  ROUTING      forward to cni0 or eth0
  FORWARD      filter/FORWARD:1  -j KUBE-FORWARD
               filter/FORWARD policy ACCEPT
  POSTROUTING  nat/POSTROUTING policy ACCEPT
  => 50.0%  arrives at 10.244.1.2:3306
  => 50.0%  arrives at 10.244.2.2:3306
     of all: its source is kept: no rule marked it for masquerading"""
    )


def test_ways_that_part_again_name_their_endpoints() -> None:
    masquerade = rule("KUBE-POSTROUTING", 3, "-j MASQUERADE")
    marked = [*LEAVE[:2], Step("POSTROUTING", masquerade, "from 10.244.1.1")]
    first = replace(
        way(1, device="cni0", steps=marked), masquerade=True, source=ip_address("10.244.1.1")
    )
    text = "\n".join(walked(walk_of(first, way(2, device="cni0")), PLAIN, where="n1"))
    assert text.count("filter/FORWARD:1") == 1
    assert "  ROUTING      forward to cni0\n" in text
    assert (
        """
  of those to 10.244.1.2:3306:
  POSTROUTING    nat/KUBE-POSTROUTING:3  -j MASQUERADE (from 10.244.1.1)
  of those to 10.244.2.2:3306:
  POSTROUTING    nat/POSTROUTING policy ACCEPT
"""
        in text
    )
    assert "its source is translated to 10.244.1.1 by nat/KUBE-POSTROUTING:3" in " ".join(
        text.split()
    )


def test_an_end_on_the_way_leaves_the_others_going() -> None:
    steps = (DISPATCH, Step("PREROUTING", rule("KUBE-SVC-A", 3, "-m odd -j X"), "unknown"))
    odd = Fate(kind=FateKind.UNKNOWN, probability=0.5, because="nat/KUBE-SVC-A:3", steps=steps)
    text = "\n".join(walked(walk_of(odd, way(2, device="eth0")), PLAIN, where="n1"))
    assert "  50.0%          nat/KUBE-SVC-A:3  -m odd -j X (unknown)\n" in text
    assert "  => 50.0%  unknown: nat/KUBE-SVC-A:3\n" in text
    assert "nat/POSTROUTING policy ACCEPT" in text


def test_one_fate_has_no_shares() -> None:
    text = walked(walk_of(replace(way(1, device="cni0"), probability=1.0)), PLAIN, where="n1")
    assert [line for line in text if "%" in line] == [
        "  => 100.0%  arrives at 10.244.1.2:3306; its source is kept: no rule marked it"
    ]


def test_a_state_decides() -> None:
    fates = [replace(way(n, device="cni0"), probability=None) for n in (1, 2)]
    text = walked(walk_of(*fates), PLAIN, where="n1")
    assert sum("  by state  " in line for line in text) == 2
    assert "  => by state  arrives at 10.244.1.2:3306" in text


def test_nothing_is_wider_than_asked_but_words() -> None:
    walk = walk_of(way(1, device="cni0"), way(2, device="eth0"))
    assert all(len(line) <= 60 for line in walked(walk, Style(width=60), where="n1"))
    unlimited = walked(walk, Style(width=0), where="n1")
    assert any(len(line) > 80 for line in unlimited)


def test_foreign_words_are_escaped_once() -> None:
    step = Step("PREROUTING", rule("X", 1, "-m comment --comment \x1b[2J -j A\\b\x07"), "jump A")
    fate = Fate(kind=FateKind.DROP, because="\x1b", steps=(step,))
    text = "\n".join(walked(walk_of(fate), PLAIN, where="n\x1b"))
    assert "\x1b" not in text
    assert "-j A\\b\\x07  /* \\x1b[2J */" in text


def test_one_blank_line_between_clients() -> None:
    frontend = Frontend(
        service=ServiceName("a", "db"),
        kind=FrontendKind.CLUSTER_IP,
        address=ip_address("10.96.0.9"),
        port=3306,
        protocol=Protocol.TCP,
        port_name="",
        family=Family.IPV4,
    )
    walks = (walk_of(way(1, device="cni0")), walk_of(way(2, device="cni0")))
    node = NodeTrace(node="n1", dataplane="x", verdict=Verdict.OK, walks=walks)
    lines = explained(FrontendTrace(frontend=frontend, endpoints=(), nodes=(node,)), PLAIN)
    assert lines.count("") == 1
    assert lines[0].startswith("n1: ")
    assert lines[lines.index("") + 1].startswith("n1: ")


def test_outcomes() -> None:
    where = ChainId(Family.IPV4, Backend.NFT, "nat", "KUBE-SVC-A")
    assert outcome(Fate(kind=FateKind.UNREAD, unread=frozenset([where]))) == (
        "unread: nat/KUBE-SVC-A"
    )
    assert outcome(Fate(kind=FateKind.PASS)) == "pass"
