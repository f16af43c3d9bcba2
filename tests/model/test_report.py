from __future__ import annotations

import pytest

from kubectl_svcnet.model.report import Defect, NodeTrace, Verdict


@pytest.mark.parametrize(
    ("problems", "defects", "amiss"),
    [
        ((), (), False),
        ((Verdict.MISSING,), (), True),
        ((Verdict.POLICY,), (), False),
        ((Verdict.UNKNOWN,), (), False),
        ((), (Defect.UNSTICKY,), True),
    ],
)
def test_amiss(problems: tuple[Verdict, ...], defects: tuple[Defect, ...], amiss: bool) -> None:
    trace = NodeTrace(
        node="n1",
        dataplane="kube-proxy/iptables",
        verdict=problems[0] if problems else Verdict.OK,
        problems=problems,
        defects=defects,
    )
    assert trace.amiss is amiss
