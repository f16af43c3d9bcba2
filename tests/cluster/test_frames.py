"""The decoders: each case whole, and cut at every byte, gives the same."""

from __future__ import annotations

import json

import pytest

from kubectl_svcnet.cluster.frames import (
    ExecDecoder,
    ExecStatus,
    ForwardDecoder,
    HttpAnswer,
    parse_http,
    parse_status,
)

SUCCESS = b'{"metadata":{},"status":"Success"}'


def failure(**details: object) -> bytes:
    return json.dumps({"status": "Failure", "message": "m", **details}).encode()


def causes(*pairs: tuple[str, object]) -> dict[str, object]:
    return {"causes": [{"reason": reason, "message": message} for reason, message in pairs]}


STATUSES = {
    "success": (SUCCESS, ExecStatus(0)),
    "exit 3": (failure(details=causes(("ExitCode", "3"))), ExecStatus(3, "m")),
    "second cause": (
        failure(details=causes(("Other", "x"), ("ExitCode", "137"))),
        ExecStatus(137, "m"),
    ),
    "not a number": (failure(details=causes(("ExitCode", "many"))), ExecStatus(None, "m")),
    "no details": (failure(), ExecStatus(None, "m")),
    "details of another kind": (failure(details=[1]), ExecStatus(None, "m")),
    "causes of another kind": (failure(details={"causes": "x"}), ExecStatus(None, "m")),
    "cause of another kind": (failure(details={"causes": ["x", None]}), ExecStatus(None, "m")),
    "only a reason": (
        b'{"status":"Failure","reason":"InternalError"}',
        ExecStatus(None, "InternalError"),
    ),
    "empty object": (b"{}", ExecStatus(None)),
    "not yet whole": (SUCCESS[:-1], None),
    "nothing": (b"", None),
    "a list": (b"[]", None),
    "not UTF-8": (b"\xff\xfe\xfd", None),
}


@pytest.mark.parametrize("name", STATUSES)
def test_statuses(name: str) -> None:
    text, expected = STATUSES[name]
    assert parse_status(text) == expected


CONVERSATION = [
    (1, b"out: \xc3\xa9\n"),
    (2, b"err\n"),
    (1, b"more"),
    (3, failure(details=causes(("ExitCode", "3")))),
]


def exec_decoder(messages: list[bytes]) -> ExecDecoder:
    decoder = ExecDecoder(1000)
    for message in messages:
        decoder.feed(message)
    return decoder


def expect_conversation(decoder: ExecDecoder) -> None:
    assert bytes(decoder.stdout) == b"out: \xc3\xa9\nmore"
    assert bytes(decoder.stderr) == b"err\n"
    assert decoder.status == ExecStatus(3, "m")
    assert (decoder.done, decoder.over, decoder.broken) == (True, False, "")


def test_a_conversation() -> None:
    opening = [bytes([channel]) for channel in (1, 2, 3)]
    expect_conversation(exec_decoder(opening + [bytes([c]) + data for c, data in CONVERSATION]))


def test_cut_at_every_byte() -> None:
    for which, (channel, data) in enumerate(CONVERSATION):
        for at in range(len(data) + 1):
            messages = [bytes([c]) + part for c, part in CONVERSATION]
            pieces = [bytes([channel]) + data[:at], bytes([channel]) + data[at:]]
            expect_conversation(exec_decoder(messages[:which] + pieces + messages[which + 1 :]))


def test_one_byte_at_a_time() -> None:
    expect_conversation(
        exec_decoder([bytes([channel, byte]) for channel, data in CONVERSATION for byte in data])
    )


def test_channels_that_say_nothing() -> None:
    decoder = exec_decoder([b"", b"\x04{}", b"\xff\x01", b"\x00in", b"\x01x"])
    assert (bytes(decoder.stdout), decoder.done) == (b"x", False)


def test_a_channel_that_does_not_exist() -> None:
    decoder = exec_decoder([b"\x01x", b"\x09?", b"\x01y"])
    assert decoder.done
    assert "channel 9" in decoder.broken
    assert bytes(decoder.stdout) == b"x"


@pytest.mark.parametrize("limit", [0, 1, 3, 4])
def test_the_limit_counts_both_streams(limit: int) -> None:
    decoder = ExecDecoder(limit)
    decoder.feed(b"\x01ab")
    decoder.feed(b"\x02cd")
    assert decoder.size == min(limit, 4)
    assert decoder.over is (limit < 4)
    assert decoder.done is (limit < 4)


def test_a_status_without_end() -> None:
    decoder = ExecDecoder(10)
    for _ in range(40):
        decoder.feed(b"\x03" + b" " * 65536)
    assert "no Status" in decoder.broken


# Port-forward

ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\niptables"
FORWARD = [(0, b"\x09\x28"), (1, b"\x09\x28"), (0, ANSWER)]


def forward_decoder(messages: list[bytes], limit: int = 1000) -> ForwardDecoder:
    decoder = ForwardDecoder(10249, limit)
    for message in messages:
        decoder.feed(message)
    return decoder


def test_forward_whole_and_cut() -> None:
    for which, (channel, data) in enumerate(FORWARD):
        for at in range(len(data) + 1):
            messages = [bytes([c]) + part for c, part in FORWARD]
            pieces = [bytes([channel]) + data[:at], bytes([channel]) + data[at:]]
            decoder = forward_decoder(messages[:which] + pieces + messages[which + 1 :])
            assert (decoder.data, decoder.error, decoder.broken) == (ANSWER, "", "")


def test_forward_errors() -> None:
    refused = forward_decoder([b"\x00\x09\x28", b"\x01\x09\x28", b"\x01connection refused"])
    assert refused.error == "connection refused"
    assert "port number" in forward_decoder([b"\x00\x01\x28"]).broken
    assert "channel 2" in forward_decoder([b"\x02\x09\x28"]).broken
    assert forward_decoder([b"", b"\x00\x09\x28abcd"], limit=3).over
    assert not forward_decoder([b"\x00\x09\x28abc"], limit=3).over


def test_http_at_every_byte() -> None:
    head = ANSWER.index(b"\r\n\r\n") + 4
    for at in range(len(ANSWER)):
        answer = parse_http(ANSWER[:at])
        if at < head:
            assert answer is None
        else:
            assert answer == HttpAnswer(200, ANSWER[head:at], whole=False)
    assert parse_http(ANSWER + b"more") == HttpAnswer(200, b"iptables", whole=True)


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0", b"HTTQ", b"HTTP/2 200\r\n\r\n", b"HTTP/1.0 2000\r\n\r\n", b"\x00\x00\x00\x00\x00"],
)
def test_what_is_not_http(data: bytes) -> None:
    with pytest.raises(ValueError, match="HTTP"):
        parse_http(data)


def test_http_without_a_length_is_never_whole() -> None:
    assert parse_http(b"HTTP/1.1 404\r\nx: y\r\n\r\nno") == HttpAnswer(404, b"no", whole=False)
