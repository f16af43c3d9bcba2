from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_iptables import DATAPLANE as IPTABLES
from kubectl_svcnet.dataplanes.kube_proxy_nftables import DATAPLANE as NFTABLES
from kubectl_svcnet.engine.judge.hollow import without_hollow
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.report import NodeTrace, Verdict
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.samples import at, frontend, service, view

V = Verdict
A = at("10.244.1.2:3306")
ABSENT = NodeTrace(
    node="n1", dataplane="d", verdict=V.ABSENT, problems=(V.ABSENT, V.MISSING), expected=(A,)
)
[SVC] = IPTABLES.names(service(), frontend(), [])
SAVED = """\
*nat
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
:{svc} - [0:0]
:KUBE-SEP-X - [0:0]
-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m tcp --dport 3306 -j {led}
-A {svc} ! -s 10.244.0.0/16 -j KUBE-MARK-MASQ
{rest}COMMIT
"""
NATIVE = """\
table ip kube-proxy {{
\tmap service-ips {{
\t\ttype ipv4_addr . inet_proto . inet_service : verdict
\t\telements = {{ 10.96.0.9 . tcp . 3306 : goto {svc} }}
\t}}
\tchain {svc} {{
\t\tip saddr != 10.244.0.0/16 jump mark-for-masquerade
\t\t{rest}
\t}}
}}
"""
OWN = next(n for n in NFTABLES.names(service(), frontend(), []) if n.startswith("service-"))


def saved(rest: str = "", led: str = SVC) -> NodeView:
    return view(SAVED.format(svc=SVC, rest=rest, led=led))


def native(rest: str = "") -> NodeView:
    return NodeView(node="n1", nft_tables=parse_ruleset(NATIVE.format(svc=OWN, rest=rest)))


@pytest.mark.parametrize(
    ("seen", "chain", "reader"),
    [
        (saved(), f"nat/{SVC}", IPTABLES),
        (native(), f"ip kube-proxy/{OWN}", NFTABLES),
    ],
    ids=["iptables", "nftables"],
)
def test_a_chain_that_leads_nowhere(seen: NodeView, chain: str, reader: Any) -> None:
    names = reader.names(service(), frontend(), [A])
    found = without_hollow(ABSENT, frontend(), seen, names, reader.own)
    assert (found.verdict, found.problems, found.missing) == (V.MISSING, (V.MISSING,), (A,))
    assert found.reason == f"{chain} is there and leads to no endpoint"
    nothing = without_hollow(_refused(), frontend(), seen, names, reader.own)
    assert nothing.verdict is V.ABSENT


def _refused() -> NodeTrace:
    """Of a frontend without endpoints its own chain says nothing."""
    return NodeTrace(node="n1", dataplane="d", verdict=V.ABSENT, problems=(V.ABSENT,))


@pytest.mark.parametrize(
    ("seen", "reader"),
    [
        (saved(f"-A {SVC} -j KUBE-SEP-X\n"), IPTABLES),
        (saved(led="KUBE-MARK-MASQ"), IPTABLES),  # nothing leads to it
        (native("numgen random mod 1 vmap { 0 : goto endpoint-x }"), NFTABLES),
        (native("dnat to 10.244.1.2:3306"), NFTABLES),
        (view(), IPTABLES),
    ],
)
def test_it_is_absent(seen: NodeView, reader: Any) -> None:
    names = reader.names(service(), frontend(), [A])
    assert without_hollow(ABSENT, frontend(), seen, names, reader.own) is ABSENT
