from __future__ import annotations

import pytest

from kubectl_svcnet.engine.judge.settling import settle
from kubectl_svcnet.model.report import Defect, NodeTrace, Verdict
from tests.samples import at

V = Verdict
A, B = at("10.244.1.2:1"), at("10.244.2.2:1")


def trace(*problems: Verdict, **values: object) -> NodeTrace:
    return NodeTrace(
        node="n1",
        dataplane="kube-proxy/iptables",
        verdict=problems[0] if problems else V.OK,
        problems=problems,
        **values,  # type: ignore[arg-type]
    )


MISSING_A, MISSING_B = trace(V.MISSING, missing=(A,)), trace(V.MISSING, missing=(B,))
STALE_A, STALE_B = trace(V.STALE, stale=(A,)), trace(V.STALE, stale=(B,))
UNSTICKY = trace(defects=(Defect.UNSTICKY,))
BOTH = trace(V.STALE, V.MISSING, stale=(A,), missing=(B,))


@pytest.mark.parametrize(
    ("first", "second", "same", "settled"),
    [
        (trace(), trace(), True, True),
        (MISSING_A, trace(), True, True),  # it went away
        (MISSING_A, MISSING_A, True, True),
        (MISSING_A, MISSING_A, False, False),  # the API changed its mind
        (MISSING_A, MISSING_B, True, False),  # another one than before: it moves
        (STALE_A, STALE_A, True, True),
        (STALE_A, STALE_B, True, False),
        (STALE_A, MISSING_A, True, False),
        (BOTH, STALE_A, True, True),
        (BOTH, MISSING_A, True, False),
        (trace(), MISSING_A, True, False),  # new in the second reading
        (trace(V.ABSENT), trace(V.ABSENT), True, True),
        (trace(V.ABSENT), trace(V.BLOCKED), True, False),
        (trace(V.BLOCKED), trace(V.BLOCKED), True, True),
        (trace(V.MISSING), trace(V.MISSING), True, True),  # a share that passes
        (trace(V.UNBALANCED), trace(V.UNBALANCED), True, True),
        # what is no fault has nothing to settle
        (trace(V.UNKNOWN), trace(V.UNKNOWN), False, True),
        # what is wrong with packets that arrive settles likewise
        (UNSTICKY, UNSTICKY, True, True),
        (UNSTICKY, UNSTICKY, False, False),
        (trace(), UNSTICKY, True, False),
        (UNSTICKY, trace(), True, True),
        (trace(V.POLICY), trace(V.POLICY), False, True),
    ],
)
def test_settling(first: NodeTrace, second: NodeTrace, same: bool, settled: bool) -> None:
    shown = settle(first, second, same=same)
    assert shown.settled is settled
    assert shown.problems == second.problems  # the verdict stays what it is
