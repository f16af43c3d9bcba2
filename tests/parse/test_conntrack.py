"""Lines of a real kernel (6.18), made with `conntrack -I` and one datagram that was translated."""

from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.parse.conntrack import parse_connections, parse_counts
from tests.samples import at

TABLE = """\
ipv4     2 tcp      6 299 ESTABLISHED src=10.244.1.3 dst=10.96.0.1 sport=40002 dport=443 [UNREPLIED] src=172.18.0.2 dst=10.244.1.3 sport=6443 dport=40002 mark=0 zone=0 use=2
ipv4     2 udp      17 29 src=10.244.1.4 dst=10.96.0.10 sport=40001 dport=53 [UNREPLIED] src=10.96.0.10 dst=10.244.1.4 sport=53 dport=40001 mark=0 zone=0 use=2
3:ipv6     10 udp      17 299 src=fd00:0000:0000:0000:0000:0000:0000:0003 dst=fd00:0096:0000:0000:0000:0000:0000:000a sport=40000 dport=53 src=fd00:0002:0000:0000:0000:0000:0000:0009 dst=fd00:0000:0000:0000:0000:0000:0000:0003 sport=8053 dport=40000 mark=0 zone=0 use=2
ipv4     2 udp      17 299 src=10.244.1.3 dst=10.96.0.10 sport=40000 dport=53 src=10.244.2.9 dst=10.244.1.3 sport=8053 dport=40000 [ASSURED] mark=0 zone=0 use=2
ipv4     2 icmp     1 29 src=10.244.1.4 dst=10.96.0.10 type=8 code=0 id=1 src=10.96.0.10 dst=10.244.1.4 type=0 code=0 id=1 mark=0 zone=0 use=2
"""  # noqa: E501
COUNTS = """\
entries  clashres found insert insert_failed drop
00000005  00000000 00000000 00000003 0000000a 00000000
00000005  00000000 00000000 00000001 00000001 00000002
"""


def test_connections() -> None:
    found = parse_connections(TABLE)
    assert [(one.protocol, one.dialled, one.answered_by) for one in found] == [
        (Protocol.TCP, at("10.96.0.1:443"), at("172.18.0.2:6443")),
        (Protocol.UDP, at("10.96.0.10:53"), at("10.96.0.10:53")),
        (Protocol.UDP, at("[fd00:96::a]:53"), at("[fd00:2::9]:8053")),
        (Protocol.UDP, at("10.96.0.10:53"), at("10.244.2.9:8053")),
    ]
    assert found[1].source == at("10.244.1.4:40001")
    assert parse_connections("noise\n") == ()


def test_a_strange_address() -> None:
    with pytest.raises(ParseError, match="strange address"):
        parse_connections(TABLE.replace("10.96.0.1 ", "10.96.0.999 "))


def test_counts_are_sums_over_processors() -> None:
    counts = parse_counts(COUNTS)
    assert (counts["entries"], counts["insert"], counts["insert_failed"]) == (5, 4, 11)
    assert parse_counts("") == {}


@pytest.mark.parametrize("line", ["00000001\n", "zz zz zz zz zz zz\n"])
def test_counts_that_are_none(line: str) -> None:
    with pytest.raises(ParseError):
        parse_counts(COUNTS + line)
