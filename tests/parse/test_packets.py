"""One packet a line: what may be left out, and what a bad line says."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.parse.packets import parse_packets

PLAIN = {
    "id": "a",
    "hook": "prerouting",
    "in": "cni0",
    "proto": "tcp",
    "src": "10.244.1.9",
    "dst": "10.96.0.10",
    "dport": 53,
}


def lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_plain() -> None:
    (question,) = parse_packets(lines(PLAIN))
    assert question.id == "a"
    assert not question.own_source
    assert question.packet == Packet(
        hook=Hook.PREROUTING,
        protocol=Protocol.TCP,
        source=ip_address("10.244.1.9"),
        destination=ip_address("10.96.0.10"),
        destination_port=53,
        in_interface="cni0",
    )


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"in": None}, "in_interface", None),
        ({"physin": "veth1"}, "physical_in", "veth1"),
        ({"sport": 40000}, "source_port", 40000),
        ({"sport": None}, "source_port", None),
        ({"sport": 40000.0}, "source_port", 40000),
        ({"mark": 16384}, "mark", 0x4000),
        ({"mark": "0x4000"}, "mark", 0x4000),
        ({"proto": "UDP"}, "protocol", Protocol.UDP),
        ({"proto": "sctp"}, "protocol", Protocol.SCTP),
        ({"proto": 17}, "protocol", Protocol.UDP),
        ({"src": "fd00::1", "dst": "fd00::2"}, "destination", ip_address("fd00::2")),
        ({"hook": "output", "src": None}, "source", None),
        ({"hook": "output", "in": "cni0"}, "in_interface", None),
        ({"more": [1]}, "destination_port", 53),
        ({"dst": "::ffff:10.96.0.11"}, "destination", ip_address("10.96.0.11")),
        ({"src": "fe80::1%eth0", "dst": "fe80::2%eth0"}, "source", ip_address("fe80::1")),
    ],
)
def test_fields(change: dict[str, object], field: str, value: object) -> None:
    (question,) = parse_packets(lines(PLAIN | change))
    assert getattr(question.packet, field) == value


@pytest.mark.parametrize("protocol", ["icmp", "ICMPv6", "udplite", 1])
def test_what_is_not_followed_is_no_reason_to_refuse_the_rest(protocol: object) -> None:
    entry = {key: value for key, value in PLAIN.items() if key != "dport"}
    odd, plain = parse_packets(lines(entry | {"proto": protocol}, PLAIN))
    assert odd.unfollowed == f"no packet of protocol {str(protocol).lower()} is followed"
    assert not plain.unfollowed


def test_order_and_ids() -> None:
    bare = {key: value for key, value in PLAIN.items() if key != "id"}
    text = lines(PLAIN | {"id": 7}) + "\n" + lines(bare, PLAIN | {"id": 1.5}, PLAIN | {"id": None})
    assert [question.id for question in parse_packets(text)] == [7, 3, 1.5, None]
    assert parse_packets("") == ()


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ([], "no object"),
        (PLAIN | {"id": {}}, "id is neither text nor number"),
        (PLAIN | {"hook": "forward"}, "hook is not one of prerouting, output"),
        (PLAIN | {"hook": None}, "hook is not one of"),
        (PLAIN | {"proto": "xyz"}, "proto is not one of tcp, udp, sctp"),
        (PLAIN | {"src": None}, "src is missing"),
        (PLAIN | {"src": 1}, "src is no address"),
        (PLAIN | {"src": "pod"}, "src is no address"),
        (PLAIN | {"src": "fd00::1"}, "src and dst are of two families"),
        (PLAIN | {"dst": None}, "dst is missing"),
        (PLAIN | {"dst": "10.96.0.10:53"}, "dst is no address"),
        (PLAIN | {"dport": None}, "dport is missing"),
        (PLAIN | {"dport": 65536}, "dport is no number from 0 to 65535"),
        (PLAIN | {"dport": "http"}, "dport is no number"),
        (PLAIN | {"dport": True}, "dport is no number"),
        (PLAIN | {"mark": -1}, "mark is no number"),
        (PLAIN | {"mark": 1.5}, "mark is no number"),
        (PLAIN | {"in": 3}, "in is no name"),
        (PLAIN | {"id": float("inf")}, "Infinity is no number of JSON"),
        (PLAIN | {"id": float("nan")}, "NaN is no number of JSON"),
    ],
)
def test_a_bad_line_is_named(entry: object, why: str) -> None:
    with pytest.raises(ParseError, match=why) as caught:
        parse_packets(lines(PLAIN) + "\n" + lines(entry))
    assert caught.value.line == 3


def test_a_number_that_json_cannot_print() -> None:
    with pytest.raises(ParseError, match="inf is no number of JSON"):
        parse_packets(lines(PLAIN).replace('"a"', "1e999"))


@pytest.mark.parametrize("text", ["{", "nonsense", "\x00", "[" * 100_000])
def test_no_json(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_packets(text)
    assert caught.value.line == 1
