"""One WebSocket: what is a message, what is an end, and that it is always closed."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.cluster.channel import open_channel
from kubectl_svcnet.cluster.deadline import Deadline
from kubectl_svcnet.cluster.faults import Fault
from kubectl_svcnet.cluster.transport import Transport
from kubectl_svcnet.model.capture import Reason


def received(api: Any, route: Any, seconds: float = 2) -> list[bytes | None]:
    api.routes["/ws"] = route
    found: list[bytes | None] = []
    with open_channel(
        Transport(api.config()), "/ws", [("a", "b c")], ["p"], Deadline(seconds), "x", needs="r"
    ) as channel:
        while not found or found[-1] is not None:
            found.append(channel.receive())
    return found


def test_messages(api: Any) -> None:
    def route(exchange: Any) -> None:
        wire = exchange.upgrade()
        wire.message(b"", opcode=2)
        wire.message(b"ping", opcode=9)
        assert wire.receive() == b"ping"
        wire.raw(b"\x02\x02ab")  # one message in two frames
        wire.raw(b"\x80\x02cd")
        wire.message("é".encode(), opcode=1)
        wire.message(bytes(range(256)) * 300)
        wire.close()

    assert received(api, route) == [b"", b"abcd", "é".encode(), bytes(range(256)) * 300, None]
    assert api.asked[0].query == [("a", "b c")]


def test_the_deadline_holds_for_each_message(api: Any) -> None:
    with pytest.raises(Fault) as caught:
        received(api, lambda e: (e.upgrade(), e.hang()), seconds=0.1)
    assert caught.value.failure.reason is Reason.TIMEOUT


def test_over_before_it_began(api: Any) -> None:
    with pytest.raises(Fault) as caught:
        received(api, lambda e: None, seconds=0)
    assert caught.value.failure.reason is Reason.TIMEOUT
    assert not api.asked


def test_refused_by_name_of_the_right(api: Any) -> None:
    with pytest.raises(Fault, match=r"x: no \(needs r\)"):
        received(api, lambda e: e.refuse(403, "no"))
