"""What the kernel picks is what is foretold: addresses of a span, and base chains of one table
that have the same priority."""

from __future__ import annotations

import pytest

from tests.kernel.kernel_hand import Hand, at_start, chain, clear, disagreements, native
from tests.kernel.kernel_net import FAR_PODS, NODE, OUTSIDE, POD_A, POD_B, Net
from tests.kernel.kernel_packets import TCP, UDP, Probe
from tests.kernel.kernel_places import V6

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools(
        *("ip", "ipset", "nft", "conntrack", "iptables-nft-restore", "iptables-legacy-restore"),
        *("ip6tables-nft-restore", "ip6tables-legacy-restore"),
    ),
]

CLIENTS = (("pod-a", POD_A), ("pod-b", POD_B), ("far", OUTSIDE), ("far", FAR_PODS[0]))
PROBES = tuple(
    Probe(sender, protocol, source, f"10.96.0.{number}", 80)
    for sender, source in CLIENTS
    for number, protocol in ((10, TCP), (11, UDP), (12, TCP))
) + tuple(Probe("node", TCP, None, f"10.96.0.{number}", 80) for number in (10, 11, 12))
PROBES6 = tuple(
    Probe(sender, TCP, source, f"fd00:96::{number}", 80)
    for sender, source in (("pod-a", V6.pod_a), ("far", V6.outside), ("far", V6.far_pods[0]))
    for number in (10, 11, 12)
)
PAIR, MANY = f"{POD_A}-{POD_B}", f"{FAR_PODS[0]}-{FAR_PODS[1]}"
PAIR6 = f"{V6.far_pods[0]}-{V6.far_pods[1]}"


def _nat(*rules: str) -> dict[str, tuple[str, ...]]:
    return {"nat": rules}


def _dnat(words: str) -> dict[str, tuple[str, ...]]:
    return _nat(
        *(f"-A {hook} -j DNAT --to-destination {words}" for hook in ("PREROUTING", "OUTPUT"))
    )


CASES = [
    Hand("pods", (), _dnat(PAIR), probes=PROBES),
    Hand("others", (), _dnat(MANY), probes=PROBES),
    Hand("persistent", (), _dnat(f"{PAIR} --persistent"), probes=PROBES),
    Hand("IPv6", (), _dnat(PAIR6), probes=PROBES6),
    Hand("IPv6, persistent", (), _dnat(f"{PAIR6} --persistent"), probes=PROBES6),
    Hand(
        "in a zone",
        (),
        _dnat(PAIR)
        | {"raw": tuple(f"-A {one} -j CT --zone 77" for one in ("PREROUTING", "OUTPUT"))},
        probes=PROBES,
    ),
    Hand(
        "nft",
        (native(chain("prerouting", -100, f"dnat to {MANY}", kind="nat")),),
        probes=PROBES[:12],
    ),
    Hand(
        "a source that may stay",
        (),
        _nat(f"-A POSTROUTING -j SNAT --to-source {PAIR}"),
        probes=(
            Probe("pod-a", TCP, POD_A, OUTSIDE, 80),
            Probe("pod-b", UDP, POD_B, OUTSIDE, 53),
        ),
    ),
    *(
        Hand(
            f"{kind} chains of one table",
            (
                native(
                    chain("prerouting", priority, *first, kind=kind, name="a"),
                    chain("prerouting", priority, *last, kind=kind, name="b"),
                ),
            ),
        )
        for kind, priority, first, last in (
            ("nat", -100, (f"dnat to {POD_A}",), (f"dnat to {POD_B}",)),
            ("filter", 0, ("meta mark set 7",), ("meta mark 7 drop",)),
            ("filter", 1, ("meta mark 7 drop",), ("meta mark set 7",)),
        )
    ),
    Hand(
        "the source of the node's own",
        (native(at_start(0, f"ct original ip saddr {NODE} drop")),),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_picks(net: Net, case: Hand) -> None:
    clear(net)
    assert not disagreements(net, case)
