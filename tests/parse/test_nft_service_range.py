from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.nft_service_range import parse_nft_service_range

#: As kube-proxy 1.36 and nft 1.0.6 print it.
CHAIN = """\
table ip kube-proxy {
\tchain cluster-ips-check {
\t\tip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
\t\tip daddr 10.96.0.0/16 drop comment "Drop traffic to unallocated ClusterIPs"
\t}
}
"""


def test_as_kube_proxy_writes_it() -> None:
    (rule,) = parse_nft_service_range(CHAIN)
    assert [str(network) for network in rule[0]] == ["10.96.0.0/16"]
    assert rule[1] == 'ip daddr 10.96.0.0/16 drop comment "Drop traffic to unallocated ClusterIPs"'


@pytest.mark.parametrize(
    ("line", "networks"),
    [
        ("ip daddr { 10.96.0.0/16, 10.98.0.0/24 } drop", ["10.96.0.0/16", "10.98.0.0/24"]),
        ("ip6 daddr fd00:10:96::/112 drop", ["fd00:10:96::/112"]),
        ("ip daddr 10.96.0.1 drop", ["10.96.0.1/32"]),
        ("ip daddr 10.96.0.0/16 counter packets 3 bytes 180 drop", ["10.96.0.0/16"]),
    ],
)
def test_other_forms(line: str, networks: list[str]) -> None:
    (rule,) = parse_nft_service_range(CHAIN.replace("ip daddr 10.96.0.0/16 drop", line))
    assert [str(network) for network in rule[0]] == networks


@pytest.mark.parametrize(
    "line",
    [
        "ip daddr @cluster-ips drop",
        "ip saddr 10.96.0.0/16 drop",
        "ip daddr 10.96.0.0/16 accept",
        "",
    ],
)
def test_other_rules_say_nothing(line: str) -> None:
    assert parse_nft_service_range(line) == ()


def test_what_is_no_range_is_an_error() -> None:
    with pytest.raises(ParseError):
        parse_nft_service_range("ip daddr 10.96.0.0-10.97.0.9 drop")
