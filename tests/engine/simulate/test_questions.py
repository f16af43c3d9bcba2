"""An answer that may be open."""

from __future__ import annotations

from kubectl_svcnet.engine.simulate.questions import NotKnown, either


def test_negation_turns_only_what_is_known() -> None:
    assert (either(True, False, ""), either(True, True, "")) == (True, False)
    assert (either(False, False, ""), either(False, True, "")) == (False, True)
    assert either(None, True, "why") == NotKnown("why")
