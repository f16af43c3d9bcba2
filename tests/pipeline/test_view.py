"""What answers amount to: nothing of a node is guessed."""

from __future__ import annotations

import pytest

from kubectl_svcnet.dataplanes import DATAPLANES, Owner
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture, Reason
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.node.netfilter import LISTING, Wanted
from kubectl_svcnet.node.rounds import Answers, merge
from kubectl_svcnet.pipeline.nodes import NodeReading
from kubectl_svcnet.pipeline.view import view_of, walk
from tests.samples import capture

READING = NodeReading(
    node=Node(name="n1"), owner=Owner(name="kube-proxy/iptables", reader=DATAPLANES[0])
)
WANTED = Wanted(family=Family.IPV4, chains=frozenset(), destinations=frozenset())


def test_no_answers_leave_everything_open() -> None:
    view, gaps = view_of(READING, Answers(), (WANTED,))
    assert (view.node, view.addresses, view.routes) == ("n1", None, None)
    assert not any(each.complete or each.tables for each in view.rulesets.values())
    assert [(gap.what, gap.node, gap.blocking) for gap in gaps] == [
        ("native nft tables", "n1", True)
    ]


def test_what_the_kernel_does_not_have_is_empty() -> None:
    answers = merge(Answers(), [capture(LISTING, failure=Reason.NOT_PRESENT)])
    view, gaps = view_of(READING, answers, (WANTED,))
    assert gaps == ()
    assert [each.complete for each in view.rulesets.values()] == [True]
    assert view.own == DATAPLANES[0].own


@pytest.mark.parametrize(
    ("answer", "why", "blocking"),
    [
        (capture(LISTING, failure=Reason.NO_TOOL), "the image has no nft, so", False),
        (capture(LISTING, failure=Reason.TIMEOUT), "timeout, so", True),
        (capture(LISTING, exit_code=1), "nft list chains: exit 1, so", True),
    ],
)
def test_why_native_tables_were_not_seen(answer: Capture, why: str, blocking: bool) -> None:
    _, [gap] = view_of(READING, merge(Answers(), [answer]), (WANTED,))
    assert (gap.what, gap.node, gap.blocking) == ("native nft tables", "n1", blocking)
    assert gap.why.startswith(why), gap.why


def test_no_question_is_no_walk() -> None:
    view, _ = view_of(READING, Answers(), (WANTED,))
    walked = walk(view, {}, explain=False)
    assert (walked.fates, dict(walked.walks), walked.gaps) == ((), {}, ())
