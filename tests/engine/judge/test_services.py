"""Fates against expectations: each verdict, their order, and what is listed beside it."""

from __future__ import annotations

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_iptables import OWN
from kubectl_svcnet.dataplanes.kube_proxy_ipvs import OWN as IPVS
from kubectl_svcnet.dataplanes.kube_proxy_nftables import OWN as NFTABLES
from kubectl_svcnet.dataplanes.kube_proxy_userspace import OWN as USERSPACE
from kubectl_svcnet.engine.judge.services import judge_node, judge_walk
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, Fate, FateKind, RuleRef
from kubectl_svcnet.model.nodeview import OwnChains
from kubectl_svcnet.model.report import NodeTrace, Verdict, Walk
from tests.samples import DISPATCH, arrives, asked, at, ends, ref, walk

A, B, C = "10.244.1.2:3306", "10.244.2.2:3306", "10.244.3.2:3306"
OLD = "10.244.3.9:3306"
V, K = Verdict, FateKind

DROP = ref("FORWARD", "-A FORWARD -d 10.244.3.2/32 -j DROP", table="filter")
CALICO = ref("cali-fw-x", "-A cali-fw-x -j DROP", table="filter")
FOREIGN = ref("PREROUTING", "-A PREROUTING -j DNAT --to-destination 10.244.3.9:3306")
REDIRECT = ref("PREROUTING", "-A PREROUTING -p tcp -j REDIRECT --to-ports 15001")
IN_SVC = ref("KUBE-SVC-AAAAAAAAAAAAAAAA", "-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-X")
MARK_DROP = ref("KUBE-FW-AAAAAAAAAAAAAAAA", "-A KUBE-FW-AAAAAAAAAAAAAAAA -j KUBE-MARK-DROP")
UNREAD = ChainId(Family.IPV4, Backend.NFT, "nat", "KUBE-SVC-AAAAAAAAAAAAAAAA")


def judged(*walks: Walk, proven: bool = True, own: OwnChains = OWN) -> NodeTrace:
    return judge_node(walks, node="n1", dataplane="kube-proxy/iptables", own=own, proven=proven)


def even(*texts: str) -> list[Fate]:
    return [arrives(text, 1 / len(texts)) for text in texts]


@pytest.mark.parametrize(
    ("expected", "fates", "problems"),
    [
        ([A, B], even(A, B), []),
        ([A], [arrives(A, 1.0, masquerade=True)], []),
        # asked-for refusals
        ([], [ends(K.REJECT, ref("KUBE-SERVICES", "-j REJECT"))], []),
        ([], [ends(K.DROP, ref("KUBE-EXTERNAL-SERVICES", "-j DROP"))], []),
        ([], [ends(K.PASS, MARK_DROP)], []),
        # unread and unknown
        ([A], [ends(K.UNREAD, unread=frozenset({UNREAD}))], [V.UNREAD]),
        ([A], [ends(K.UNKNOWN, because="nat/X:1: -m weird")], [V.UNKNOWN]),
        # nothing dispatches it
        ([A], [ends(K.PASS)], [V.ABSENT]),
        ([A], [ends(K.LOCAL)], [V.ABSENT]),
        ([], [ends(K.PASS)], [V.ABSENT]),
        ([A], [ends(K.PASS, MARK_DROP)], [V.MISSING]),
        # dispatched, and a share comes back
        ([A], [ends(K.PASS, DISPATCH)], [V.MISSING]),
        ([A, B], [arrives(A, 0.5), ends(K.PASS, DISPATCH, probability=0.5)], [V.MISSING]),
        # refused though the API wants it
        ([A], [ends(K.DROP, DISPATCH, DROP)], [V.BLOCKED, V.MISSING]),
        ([A], [ends(K.REJECT, DROP)], [V.BLOCKED]),
        ([A], [ends(K.DROP)], [V.BLOCKED]),  # a policy of a base chain
        ([A], [ends(K.DROP, CALICO)], [V.POLICY]),
        ([A, B], [arrives(A, 0.5), ends(K.DROP, CALICO, probability=0.5)], [V.POLICY, V.MISSING]),
        # translated by somebody else
        (
            [A],
            [Fate(kind=K.ENDPOINT, endpoint=at(A), rules=(FOREIGN,), translated_by=FOREIGN)],
            [V.DIVERTED],
        ),
        (
            [A],
            [Fate(kind=K.ENDPOINT, endpoint=at(A), rules=(REDIRECT,), translated_by=REDIRECT)],
            [V.DIVERTED],
        ),
        ([A], [Fate(kind=K.ENDPOINT, endpoint=at(A))], [V.DIVERTED]),
        (
            [],
            [Fate(kind=K.ENDPOINT, endpoint=at(A), rules=(FOREIGN,), translated_by=FOREIGN)],
            [V.DIVERTED],
        ),
        # leads where it should not
        ([A], [arrives(OLD)], [V.STALE, V.MISSING]),
        ([A, B], even(A, OLD), [V.STALE, V.MISSING]),
        ([A], even(A, OLD), [V.STALE]),
        ([], [arrives(OLD)], [V.STALE]),
        # an endpoint is not reached
        ([A, B, C], even(A, B), [V.MISSING]),
        # shares
        ([A, B], [arrives(A, 0.6), arrives(B, 0.4)], [V.UNBALANCED]),
        ([A, B, C], [arrives(A, 0.5), arrives(B, 0.5)], [V.MISSING]),
        ([A, B, C], [arrives(A, 0.33), arrives(B, 0.67)], [V.MISSING, V.UNBALANCED]),
    ],
)
def test_verdicts(expected: list[str], fates: list[Fate], problems: list[Verdict]) -> None:
    trace = judged(walk(asked(*expected), *fates))
    assert list(trace.problems) == problems
    assert trace.verdict is (problems[0] if problems else V.OK)


@pytest.mark.parametrize(
    ("first", "fair"),
    [(0.5, True), (0.5009, True), (0.4991, True), (0.5012, False), (0.498, False)],
)
def test_how_equal_shares_must_be(first: float, fair: bool) -> None:
    trace = judged(walk(asked(A, B), arrives(A, first), arrives(B, 1 - first)))
    assert (trace.verdict is V.OK) is fair


def test_shares_of_one_endpoint_add_up() -> None:
    trace = judged(walk(asked(A, B), arrives(A, 0.25), arrives(B, 0.5), arrives(A, 0.25)))
    assert trace.verdict is V.OK


def test_affinity_decides_by_state_and_is_no_share() -> None:
    trace = judged(walk(asked(A, B), arrives(A, None), arrives(B, None), *even(A, B)))
    assert trace.verdict is V.OK
    assert trace.reached == (at(A), at(B))


def test_affinity_alone_reaches_nobody_new() -> None:
    trace = judged(walk(asked(A, B), arrives(A, None), arrives(B)))
    assert (trace.verdict, trace.missing) == (V.MISSING, (at(A),))


def test_affinity_to_an_endpoint_that_is_gone() -> None:
    trace = judged(walk(asked(A), arrives(OLD, None), arrives(A)))
    assert (trace.verdict, trace.stale) == (V.STALE, (at(OLD),))


def test_state_alone() -> None:
    assert judged(walk(asked(A), arrives(A, None))).verdict is V.OK


def test_what_may_pass_is_not_absent_and_must_not_arrive() -> None:
    question = asked(may_pass=True)
    assert judged(walk(question, ends(K.PASS))).verdict is V.OK
    assert judged(walk(question, arrives(A))).verdict is V.STALE
    assert judged(walk(asked(A, may_pass=True), ends(K.PASS))).verdict is V.ABSENT


def test_alternatives_are_right_too() -> None:
    question = asked(A, B, alternatives=[[A]])
    assert judged(walk(question, *even(A, B))).verdict is V.OK
    assert judged(walk(question, arrives(A))).verdict is V.OK
    assert judged(walk(question, arrives(B))).verdict is not V.OK


def test_an_alternative_may_be_a_refusal() -> None:
    question = asked(A, alternatives=[[]])
    assert judged(walk(question, ends(K.DROP, DROP))).verdict is V.OK


def test_of_two_wrongs_the_lesser_is_told() -> None:
    judgement = judge_walk(walk(asked(A, B, alternatives=[[A]]), *even(A, OLD)), OWN)
    assert judgement.expected == frozenset({at(A)})
    assert judgement.problems == {V.STALE}


def test_the_verdict_is_the_worst_over_the_clients() -> None:
    fine, blocked = walk(asked(A), arrives(A)), walk(asked(A), ends(K.DROP, DROP))
    unbalanced = walk(asked(A, B), arrives(A, 0.9), arrives(B, 0.1))
    trace = judged(fine, unbalanced, blocked)
    assert trace.verdict is V.BLOCKED
    assert trace.problems == (V.BLOCKED, V.UNBALANCED)


def test_the_order_of_verdicts() -> None:
    """That of the contract."""
    words = "unread unknown absent blocked policy diverted stale missing unbalanced ok"
    assert [verdict.value for verdict in Verdict] == words.split()


def test_without_proof_nothing_is_absent() -> None:
    trace = judged(walk(asked(A), ends(K.PASS)), proven=False)
    assert (trace.verdict, trace.problems) == (V.UNREAD, (V.UNREAD,))


def test_without_proof_the_rest_is_judged_all_the_same() -> None:
    assert judged(walk(asked(A), arrives(A)), proven=False).verdict is V.OK
    assert judged(walk(asked(A), arrives(OLD)), proven=False).verdict is V.STALE


def test_reasons() -> None:
    unknown = judged(walk(asked(A), ends(K.UNKNOWN, because="nat/X:1: not understood: -m weird")))
    assert unknown.reason == "nat/X:1: not understood: -m weird"
    unread = judged(walk(asked(A), ends(K.UNREAD, unread=frozenset({UNREAD}))))
    assert unread.reason == "not read: nat/KUBE-SVC-AAAAAAAAAAAAAAAA"
    assert judged(walk(asked(A), arrives(A))).reason == ""


def test_lists_are_sorted_and_of_both_families() -> None:
    v6 = "[fd00::2]:3306"
    trace = judged(walk(asked(v6, B, A), *even(B, v6, A)))
    assert list(map(str, trace.expected)) == [A, B, v6]
    assert trace.expected == trace.reached


def test_nothing_asked_is_nothing_known() -> None:
    assert judged().verdict is V.UNREAD


@pytest.mark.parametrize("open_end", [FateKind.UNKNOWN, FateKind.UNREAD])
def test_what_is_open_may_be_the_endpoint_that_is_not_seen(open_end: FateKind) -> None:
    found = judged(walk(asked(A, B), arrives(A, probability=0.5), ends(open_end, DISPATCH)))
    assert found.problems == (V(open_end.value),)
    assert not found.missing


def test_a_dataplane_without_chains_of_its_own_translates_nothing() -> None:
    assert judged(walk(asked(A), arrives(A)), own=OwnChains()).verdict is V.DIVERTED


def test_what_nothing_dispatches_is_absent_though_it_is_refused() -> None:
    """nftables mode rejects ports of a ClusterIP that no map leads anywhere."""
    refused = ends(K.REJECT, ref("cluster-ips-check", "reject", table="ip kube-proxy"))
    assert judged(walk(asked(A), refused), own=NFTABLES).verdict is V.ABSENT
    service = ref("service-X-a/b/tcp/c", "return", table="ip kube-proxy")
    led = ends(K.REJECT, service, ref("cluster-ips-check", "reject", table="ip kube-proxy"))
    assert judged(walk(asked(A), led), own=NFTABLES).verdict is V.BLOCKED
    assert judged(walk(asked(), refused), own=NFTABLES).verdict is V.OK


def by_ipvs(*texts: str, shares: tuple[float | None, ...] = ()) -> list[Fate]:
    server = RuleRef(ChainId(Family.IPV4, Backend.IPVS, "ipvs", "10.96.0.9:3306"), 1, "TCP … rr")
    found = zip(texts, shares or (1 / len(texts),) * len(texts), strict=True)
    return [
        Fate(kind=K.ENDPOINT, endpoint=at(a), probability=p, rules=(server,), translated_by=server)
        for a, p in found
    ]


@pytest.mark.parametrize(
    ("expected", "fates", "problems"),
    [
        ([A, B], by_ipvs(A, B), []),
        ([A, B], by_ipvs(A, B, shares=(0.25, 0.75)), []),  # as they are weighted
        ([A, B], by_ipvs(A, B, shares=(None, None)), []),
        ([A, B], by_ipvs(A), [V.MISSING]),
        ([A], by_ipvs(A, OLD), [V.STALE]),
        ([A], [ends(K.LOCAL)], [V.ABSENT]),
        ([A], [ends(K.REJECT, ref("KUBE-IPVS-FILTER", "-j REJECT", table="filter"))], [V.BLOCKED]),
        ([A], [ends(K.REJECT, by_ipvs(A)[0].rules[0])], [V.BLOCKED, V.MISSING]),
        ([], [ends(K.REJECT, by_ipvs(A)[0].rules[0])], []),
        ([A], [arrives(A)], [V.DIVERTED]),  # by the chains of another mode
    ],
)
def test_virtual_servers(expected: list[str], fates: list[Fate], problems: list[Verdict]) -> None:
    assert list(judged(walk(asked(*expected), *fates), own=IPVS).problems) == problems


def test_virtual_servers_that_another_mode_left_behind() -> None:
    assert judged(walk(asked(A), *by_ipvs(A))).verdict is V.DIVERTED


def test_what_a_proxy_relays_nobody_sees() -> None:
    rule = ref("KUBE-PORTALS-CONTAINER", "-j REDIRECT --to-ports 60058", number=3)
    fate = Fate(kind=K.ENDPOINT, endpoint=at("10.0.0.1:60058"), rules=(rule,), translated_by=rule)
    for wanted in (asked(A), asked()):
        found = judged(walk(wanted, fate), own=USERSPACE)
        assert found.verdict is V.UNREAD
        assert found.reason.startswith("nat/KUBE-PORTALS-CONTAINER:3 leads to the proxy's own port")
    assert judged(walk(asked(A), ends(K.PASS)), own=USERSPACE).verdict is V.ABSENT
