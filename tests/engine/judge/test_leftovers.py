from __future__ import annotations

from ipaddress import ip_address

import pytest

from kubectl_svcnet.engine.judge.leftovers import MOST, Probe, Remains, judge_leftover
from kubectl_svcnet.model.address import Family, Protocol, SocketAddress
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ipvs import Forwarding, RealServer, VirtualServer, VirtualServers
from kubectl_svcnet.model.nodeview import InterfaceAddress
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.model.proxystate import Harm
from tests.engine.simulate.conftest import make_view

TO = ip_address("10.96.0.9")
PROBE = Probe(
    "pod to default/db 10.96.0.9:3306/TCP",
    Packet(
        hook=Hook.PREROUTING,
        protocol=Protocol.TCP,
        source=ip_address("10.244.1.7"),
        destination=TO,
        destination_port=3306,
        in_interface="cni0",
    ),
)
OWN = "-A PREROUTING -d 10.96.0.9/32 -p tcp -j DNAT --to-destination 10.244.1.2:3306\n"


def nat(*rules: str) -> str:
    return f"*nat\n:PREROUTING ACCEPT\n:OLD -\n{''.join(rules)}COMMIT\n"


JUMP = "-A PREROUTING -j OLD\n"
ELSEWHERE = "-A OLD -p tcp -j DNAT --to-destination 10.99.0.2:1\n"


@pytest.mark.parametrize(
    ("save", "legacy", "harm", "because"),
    [
        (nat(JUMP, ELSEWHERE, OWN), "", Harm.CHANGES, "10.99.0.2:1 instead of 10.244.1.2:3306"),
        (nat(OWN, JUMP, ELSEWHERE), "", Harm.HARMLESS, "1 packet for a Service fares"),  # too late
        (nat(ELSEWHERE, OWN), "", Harm.HARMLESS, "no rule leads to them"),
        (nat(JUMP, "-A OLD -d 8.8.8.8/32 -j ACCEPT\n", OWN), "", Harm.HARMLESS, ""),
        (nat(JUMP, "-A OLD -j ACCEPT\n", OWN), "", Harm.CHANGES, "pass instead of 10.244.1.2"),
        (nat(JUMP, "-A OLD -m weird --x -j ACCEPT\n", OWN), "", Harm.UNKNOWN, "weird"),
        # the other backend: the same base chain once more, and nobody knows which is first
        (nat(OWN), nat(JUMP, ELSEWHERE), Harm.UNKNOWN, "registered last"),
        (nat(OWN), nat(JUMP, "-A OLD -p udp -j DROP\n"), Harm.HARMLESS, ""),
    ],
)
def test_harm(save: str, legacy: str, harm: Harm, because: str) -> None:
    view = make_view(save, legacy)
    backend = Backend.LEGACY if legacy else Backend.NFT
    old = view.rulesets[Family.IPV4, backend].chain_id("nat", "OLD")
    remains = Remains(what="1 chain", chains=frozenset([old]))
    left = judge_leftover(view, remains, [PROBE])
    assert (left.what, left.harm) == ("1 chain", harm), left.because
    assert because in left.because


def test_nobody_to_ask() -> None:
    left = judge_leftover(make_view(), Remains(what="x", tables=frozenset({"ip old"})), [])
    assert left.harm is Harm.UNKNOWN


def test_not_more_than_can_be_walked() -> None:
    """What was not followed is not harmless."""
    view = make_view(nat(OWN, JUMP, ELSEWHERE))
    old = view.rulesets[Family.IPV4, Backend.NFT].chain_id("nat", "OLD")
    remains = Remains(what="1 chain", chains=frozenset([old]))
    left = judge_leftover(view, remains, [PROBE] * (MOST + 1))
    assert left.harm is Harm.UNKNOWN
    assert str(MOST) in left.because
    assert judge_leftover(view, remains, [PROBE] * 3).harm is Harm.HARMLESS


def test_virtual_servers() -> None:
    """An address of kube-ipvs0 makes the node answer for it; a DNAT before it spares it that."""
    server = VirtualServer(
        scheduler="rr",
        protocol=Protocol.TCP,
        address=SocketAddress(TO, 3306),
        servers=(RealServer(SocketAddress(ip_address("10.99.0.2"), 1), Forwarding.MASQ, 1),),
    )
    bound = (*(make_view().addresses or ()), InterfaceAddress(TO, "kube-ipvs0", 32))
    remains = Remains(what="1 virtual server", device="kube-ipvs0")
    for save, harm in (("", Harm.CHANGES), (nat(OWN), Harm.HARMLESS)):
        view = make_view(save, ipvs=VirtualServers(servers=(server,)), addresses=bound)
        left = judge_leftover(view, remains, [PROBE])
        assert left.harm is harm, left.because
