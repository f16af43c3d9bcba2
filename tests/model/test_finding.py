from __future__ import annotations

import pytest

from kubectl_svcnet.model.finding import Gap


@pytest.mark.parametrize(
    ("blocking", "accepted", "unanswered"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_what_ends_in_exit_4(blocking: bool, accepted: bool, unanswered: bool) -> None:
    gap = Gap(what="rules", why="refused", blocking=blocking, accepted=accepted)
    assert gap.unanswered is unanswered
