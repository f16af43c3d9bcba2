"""Every code that is stated about Services: one case where it speaks, one where it is silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_iptables import OWN
from kubectl_svcnet.dataplanes.kube_proxy_nftables import OWN as NFTABLES
from kubectl_svcnet.engine.codes import CODES
from kubectl_svcnet.engine.judge.findings import (
    NodeFacts,
    findings_of,
    unserved_of,
)
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, Fate, FateKind, RuleRef
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.proxystate import Down
from kubectl_svcnet.model.report import FrontendTrace, NodeTrace, ServiceTrace, Verdict
from kubectl_svcnet.model.service import FrontendKind, ServiceName
from tests.samples import DISPATCH, arrives, asked, at, endpoint, ends, frontend, ref, service, walk

V, K = Verdict, FateKind
A, B, OLD = "10.244.1.2:3306", "10.244.2.2:3306", "10.244.3.9:3306"
ENDPOINTS = (endpoint(A, "n1", pod="db-1"), endpoint(B, "n2", pod="db-2"))
FACTS = NodeFacts(
    proxy="kube-system/kube-proxy-x7k2p",
    state="S",
    vantage="kube-system/kube-proxy-x7k2p/kube-proxy",
    own=OWN,
)
STOPPED = replace(FACTS, state="T")
RESTART = "kubectl -n kube-system delete pod kube-proxy-x7k2p"
DROP = ref("FORWARD", "-A FORWARD -j DROP", table="filter")
WEIRD = "nat/PREROUTING:1: not understood: -m weird"
FOREIGN = ref("PREROUTING", "-A PREROUTING -j DNAT --to-destination 10.244.3.9:3306")


def trace(
    *problems: Verdict, fates: tuple[Fate, ...] = (), node: str = "n3", **values: object
) -> NodeTrace:
    known: dict[str, object] = {"expected": (at(A), at(B)), "reached": (at(A), at(B))}
    return NodeTrace(
        node=node,
        dataplane="kube-proxy/iptables",
        verdict=problems[0] if problems else V.OK,
        problems=problems,
        walks=(walk(asked(A, B), *fates),),
        **{**known, **values},  # type: ignore[arg-type]
    )


def of(*traces: NodeTrace, name: str = "db") -> ServiceTrace:
    return ServiceTrace(
        service=service(name=ServiceName("default", name)),
        endpoints=ENDPOINTS,
        frontends=(FrontendTrace(frontend=frontend(), endpoints=ENDPOINTS, nodes=traces),),
    )


MISSING = trace(V.MISSING, fates=(arrives(A),), reached=(at(A),), missing=(at(B),))
STALE = trace(V.STALE, fates=(arrives(A, 0.5), arrives(OLD, 0.5)), stale=(at(OLD),))

UNREFUSED = trace(V.ABSENT, fates=(ends(K.PASS),), expected=(), reached=())

CASES = [
    (
        "SVN222",
        UNREFUSED,
        "nothing refuses packets for 10.96.0.9:3306/TCP, which has no endpoints",
        ("the packet meets no rule and goes on untranslated (pass)",),
        RESTART,
    ),
    (
        "SVN201",
        trace(V.ABSENT, fates=(ends(K.PASS),), reached=()),
        "nothing dispatches 10.96.0.9:3306/TCP",
        ("the packet meets no rule and goes on untranslated (pass)",),
        RESTART,
    ),
    (
        "SVN202",
        MISSING,
        "ready endpoint 10.244.2.2:3306 (pod db-2) is not programmed",
        ("nat/KUBE-SVC-AAAAAAAAAAAAAAAA leads to 1 of 2",),
        RESTART,
    ),
    (
        "SVN202",
        trace(V.MISSING, fates=(ends(K.PASS, DISPATCH),), reached=()),
        "a share of the packets for 10.96.0.9:3306/TCP passes untranslated",
        (),
        RESTART,
    ),
    (
        "SVN202",
        trace(V.MISSING, fates=(ends(K.PASS, DISPATCH),), reached=(), missing=(at(A), at(B))),
        "ready endpoints 10.244.1.2:3306 (pod db-1), 10.244.2.2:3306 (pod db-2) are not programmed",
        (),
        RESTART,
    ),
    (
        "SVN203",
        STALE,
        "10.96.0.9:3306/TCP still leads to 10.244.3.9:3306, which the API does not list",
        ("nat/KUBE-SVC-AAAAAAAAAAAAAAAA leads to 2 of 2",),
        RESTART,
    ),
    (
        "SVN203",
        trace(V.STALE, fates=(arrives(A),), stale=(at(A),)),
        "10.96.0.9:3306/TCP leads to 10.244.1.2:3306 (pod db-1), which its policies or source "
        "ranges rule out for some client",
        ("nat/KUBE-SVC-AAAAAAAAAAAAAAAA leads to 2 of 2",),
        RESTART,
    ),
    (
        "SVN204",
        trace(V.UNBALANCED, fates=(arrives(A, 0.75), arrives(B, 0.25))),
        "the shares of 10.96.0.9:3306/TCP are not equal",
        (" 75.0%  10.244.1.2:3306", " 25.0%  10.244.2.2:3306"),
        RESTART,
    ),
    (
        "SVN205",
        trace(V.BLOCKED, fates=(ends(K.DROP, DISPATCH, DROP),)),
        "packets for 10.96.0.9:3306/TCP are dropped or refused",
        ("filter/FORWARD:1  -A FORWARD -j DROP",),
        "kubectl -n kube-system exec kube-proxy-x7k2p -c kube-proxy -- iptables-nft-save -t filter",
    ),
    (
        "SVN206",
        trace(
            V.DIVERTED,
            fates=(
                Fate(
                    kind=K.ENDPOINT,
                    endpoint=at(OLD),
                    rules=(FOREIGN, DISPATCH),
                    translated_by=FOREIGN,
                ),
            ),
        ),
        "packets for 10.96.0.9:3306/TCP are translated by a foreign rule",
        ("nat/PREROUTING:1  -A PREROUTING -j DNAT --to-destination 10.244.3.9:3306",),
        "kubectl -n kube-system exec kube-proxy-x7k2p -c kube-proxy -- iptables-nft-save -t nat",
    ),
    (
        "SVN207",
        trace(V.POLICY, fates=(ends(K.DROP, ref("cali-fw-x", "-j DROP", table="filter")),)),
        "packets for 10.96.0.9:3306/TCP are dropped or refused",
        ("filter/cali-fw-x:1  -j DROP",),
        "kubectl -n kube-system exec kube-proxy-x7k2p -c kube-proxy -- iptables-nft-save -t filter",
    ),
    (
        "SVN208",
        trace(
            V.UNKNOWN,
            fates=(ends(K.UNKNOWN, ref("PREROUTING", "-m weird"), DISPATCH, because=WEIRD),),
            reason=WEIRD,
        ),
        "the fate of 10.96.0.9:3306/TCP is not known",
        (WEIRD, "nat/PREROUTING:1  -m weird"),
        "kubectl -n kube-system exec kube-proxy-x7k2p -c kube-proxy -- iptables-nft-save -t nat",
    ),
]


@pytest.mark.parametrize(("code", "node", "message", "evidence", "next"), CASES)
def test_where_it_speaks(
    code: str, node: NodeTrace, message: str, evidence: tuple[str, ...], next: str
) -> None:
    (found,) = findings_of(of(node), {"n3": FACTS})
    assert (found.code, found.message, found.evidence) == (code, message, evidence)
    assert found.next == next
    assert found.level is CODES[code].level
    assert (found.service, found.node) == ("default/db", "n3")


SILENT = [
    ("SVN201", MISSING),
    ("SVN201", UNREFUSED),
    ("SVN222", trace(V.ABSENT, fates=(ends(K.PASS),), reached=())),
    ("SVN202", trace(V.BLOCKED, V.MISSING, missing=(at(B),))),  # what blocks is the cause
    ("SVN202", trace(V.DIVERTED, V.MISSING, missing=(at(B),))),
    ("SVN203", MISSING),
    ("SVN204", trace(V.MISSING, V.UNBALANCED, missing=(at(B),))),  # a rule is gone: the cause
    ("SVN205", trace(V.POLICY)),
    ("SVN206", STALE),
    ("SVN207", trace(V.BLOCKED)),
    ("SVN208", trace(V.UNREAD)),
]


@pytest.mark.parametrize(("code", "node"), SILENT)
def test_where_it_is_silent(code: str, node: NodeTrace) -> None:
    assert code not in [found.code for found in findings_of(of(node), {"n3": FACTS})]


def test_a_healthy_service_has_none() -> None:
    assert findings_of(of(trace(), trace(node="n1")), {"n3": STOPPED}) == ()


def test_every_code_of_the_family_has_both_cases() -> None:
    elsewhere = {"SVN221", "SVN223"}  # test_defects.py, test_strangers.py
    family = {number for number in CODES if number.startswith("SVN2")} - elsewhere
    assert {case[0] for case in CASES} == {case[0] for case in SILENT} == family


def test_an_unsettled_difference_is_info_and_says_so() -> None:
    (found,) = findings_of(of(replace(MISSING, settled=False)), {"n3": FACTS})
    assert found.level is Level.INFO
    assert found.message.endswith("(not settled: the API or the node changed while it was read)")


def test_one_finding_for_all_frontends_that_share_it() -> None:
    ports = [
        FrontendTrace(frontend=frontend(port=port), endpoints=ENDPOINTS, nodes=(trace(V.ABSENT),))
        for port in (1, 2, 3, 4, 5)
    ]
    (found,) = findings_of(replace(of(), frontends=tuple(ports)), {})
    assert found.message == (
        "nothing dispatches 10.96.0.9:1/TCP, 10.96.0.9:2/TCP, 10.96.0.9:3/TCP and 2 more"
    )


def test_one_settled_frontend_is_enough_for_an_error() -> None:
    both = [
        FrontendTrace(
            frontend=frontend(port=port),
            endpoints=ENDPOINTS,
            nodes=(trace(V.ABSENT, settled=settled),),
        )
        for port, settled in ((1, False), (2, True))
    ]
    (found,) = findings_of(replace(of(), frontends=tuple(both)), {})
    assert found.level is Level.ERROR


def test_nodes_and_faults_in_order() -> None:
    both = trace(V.STALE, V.MISSING, stale=(at(OLD),), missing=(at(B),))
    found = findings_of(of(both, replace(both, node="n1")), {})
    assert [(f.node, f.code) for f in found] == [
        ("n1", "SVN203"),
        ("n1", "SVN202"),
        ("n3", "SVN203"),
        ("n3", "SVN202"),
    ]


def test_a_node_of_which_nothing_is_known() -> None:
    (found,) = findings_of(of(MISSING), {})
    assert found.next == ""
    blocked = next(case[1] for case in CASES if case[0] == "SVN205")
    (found,) = findings_of(of(blocked), {"n3": NodeFacts(proxy="kube-system/p")})
    assert found.next == "kubectl svcnet trace db -n default --node n3 --explain"


def test_a_policy_of_a_base_chain_is_no_rule() -> None:
    policy = ends(K.DROP, DISPATCH, because="the policy of filter/FORWARD")
    (found,) = findings_of(of(trace(V.BLOCKED, fates=(policy,))), {"n3": FACTS})
    assert found.evidence == ("the policy of filter/FORWARD",)
    assert found.next == "kubectl svcnet trace db -n default --node n3 --explain"


@pytest.mark.parametrize(
    ("family", "backend", "tail"),
    [
        (Family.IPV4, Backend.LEGACY, "iptables-legacy-save"),  # never with -t
        (Family.IPV6, Backend.NFT, "ip6tables-nft-save -t filter"),
    ],
)
def test_the_listing_that_shows_the_rule(family: Family, backend: Backend, tail: str) -> None:
    rule = replace(DROP, chain=DROP.chain._replace(family=family, backend=backend))
    (found,) = findings_of(of(trace(V.BLOCKED, fates=(ends(K.DROP, rule),))), {"n3": FACTS})
    assert found.next.endswith(f"-- {tail}")


# A kube-proxy that does not run is evidence for the rest


def test_a_stopped_proxy_is_evidence() -> None:
    for each in (of(MISSING), of(STALE, name="web")):
        (named,) = findings_of(each, {"n3": STOPPED})
        assert named.evidence[-1] == "kube-proxy on this node is stopped (State: T)"
        assert named.next == RESTART


@pytest.mark.parametrize(("restarts", "previous"), [(0, ""), (4, " --previous")])
def test_to_start_once_more_what_does_not_run_helps_nothing(restarts: int, previous: str) -> None:
    down = Down(why="CrashLoopBackOff", restarts=restarts)
    (named,) = findings_of(of(MISSING), {"n3": replace(FACTS, state="", down=down)})
    assert named.evidence[-1] == f"kube-proxy does not run on this node ({down})"
    assert named.next == f"kubectl -n kube-system logs kube-proxy-x7k2p{previous}"


ABSENT = trace(V.ABSENT, fates=(ends(K.PASS),), reached=())


def test_a_family_that_is_not_served_is_said_once() -> None:
    facts = {"n3": replace(FACTS, unserved={Family.IPV4: "it says IPv6"})}
    services = [of(ABSENT), of(ABSENT, name="web")]
    assert [findings_of(one, facts) for one in services] == [(), ()]
    (found,) = unserved_of(services, facts)
    assert (found.code, found.level, found.node) == ("SVN316", Level.ERROR, "n3")
    assert found.message == (
        "kube-proxy serves no IPv4 on this node; 2 Services have such an address "
        "(first: default/db)"
    )
    assert found.evidence == ("it says IPv6",)
    assert found.next == "kubectl -n kube-system logs kube-proxy-x7k2p"
    (one,) = unserved_of(services[:1], facts)
    assert one.message.endswith("on this node; default/db has such an address")


@pytest.mark.parametrize(
    ("node", "unserved"),
    [(ABSENT, Family.IPV6), (MISSING, Family.IPV4), (trace(V.UNREAD), Family.IPV4)],
)
def test_what_another_cause_has_is_stated_of_the_service(node: NodeTrace, unserved: Family) -> None:
    facts = {"n3": replace(FACTS, unserved={unserved: "it says so"})}
    assert unserved_of([of(node)], facts) == ()
    assert findings_of(of(node), facts) == findings_of(of(node), {"n3": FACTS})


def test_node_ports_are_named_by_port() -> None:
    dialled = frontend(FrontendKind.NODE_PORT, None, 30080)
    made = FrontendTrace(frontend=dialled, endpoints=(), nodes=(trace(V.ABSENT),))
    (found,) = findings_of(replace(of(), frontends=(made,)), {})
    assert found.message == "nothing dispatches :30080/TCP"


@pytest.mark.parametrize(
    ("problem", "settled", "once", "said"),
    [
        (V.MISSING, True, True, True),
        (V.MISSING, True, False, False),
        (V.MISSING, False, True, False),
        (V.UNKNOWN, True, True, False),  # no difference that could settle
    ],
)
def test_a_difference_that_was_read_once(
    problem: Verdict, settled: bool, once: bool, said: bool
) -> None:
    service = of(trace(problem, missing=(at(A),), settled=settled))
    (found,) = findings_of(service, {"n3": replace(FACTS, once=once)})
    assert found.message.endswith(" (one reading)") is said


def native(chain: str, raw: str) -> RuleRef:
    """A rule of kube-proxy's nft table, or of another one."""
    table = "ip kube-proxy" if "/" in chain else "ip other"
    return RuleRef(ChainId(Family.IPV4, Backend.NFTABLES, table, chain), 1, raw)


def arrives_by(rule: RuleRef, text: str) -> Fate:
    dispatch = native("services", "ip daddr . meta l4proto . th dport vmap @service-ips")
    return Fate(
        kind=K.ENDPOINT,
        endpoint=at(text),
        probability=1.0,
        rules=(dispatch, rule),
        translated_by=rule,
    )


NATIVE = replace(FACTS, own=NFTABLES)
OWN_RULE = native("service-AAAAAAAA-default/db/tcp/mysql", "dnat ip to 10.244.1.2:3306")


def test_evidence_in_nftables_mode() -> None:
    one = trace(V.MISSING, fates=(arrives_by(OWN_RULE, A),), reached=(at(A),), missing=(at(B),))
    (found,) = findings_of(of(one), {"n3": NATIVE})
    leads = "ip kube-proxy/service-AAAAAAAA-default/db/tcp/mysql leads to 1 of 2"
    assert found.evidence == (leads,)


def test_a_modes_own_translation_is_not_to_blame() -> None:
    """That of the first client is right, that of the second is not kube-proxy's."""
    foreign = native("pre", "ip daddr 10.96.0.9 dnat to 10.244.1.2:3306")
    one = trace(V.DIVERTED, fates=(arrives_by(OWN_RULE, A), arrives_by(foreign, A)))
    (found,) = findings_of(of(one), {"n3": NATIVE})
    assert found.evidence == ("ip other/pre:1  ip daddr 10.96.0.9 dnat to 10.244.1.2:3306",)
    assert found.next.endswith("-- nft list table ip other")


def test_what_refuses_where_nothing_dispatches() -> None:
    """nftables mode refuses every other port of a ClusterIP."""
    unserved = native("cluster-ips-check", "ip daddr @cluster-ips reject")
    refused = replace(ends(K.REJECT, unserved), because=f"{unserved}: {unserved.raw}")
    (found,) = findings_of(of(trace(V.ABSENT, fates=(refused,), reached=())), {"n3": NATIVE})
    assert found.evidence == ("ip other/cluster-ips-check:1  ip daddr @cluster-ips reject",)
