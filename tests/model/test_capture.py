from __future__ import annotations

import pytest

from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason

REQUEST = ApiRequest(path="/api/v1/nodes")
FAILURE = Failure(reason=Reason.TIMEOUT, message="no answer in 10s")


@pytest.mark.parametrize(
    ("exit_code", "failure", "ok"),
    [(None, None, True), (0, None, True), (1, None, False), (0, FAILURE, False)],
)
def test_ok(exit_code: int | None, failure: Failure | None, ok: bool) -> None:
    assert Capture(request=REQUEST, exit_code=exit_code, failure=failure).ok is ok


def test_text_takes_any_bytes() -> None:
    assert Capture(request=REQUEST, data=b"caf\xc3\xa9 \xff").text() == "café \ufffd"
