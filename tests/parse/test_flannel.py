from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.flannel import (
    FlannelNode,
    parse_flannel_log,
    parse_net_conf,
    parse_subnet_env,
)

REAL = Path(__file__).parents[1] / "fixtures" / "ranges" / "flannel-0.28--vxlan"
ENV = (REAL / "exec/kube-flannel-ds-a1/run/flannel/subnet.env").read_text()
LOG = (REAL / "logs/kube-flannel-ds-a1/kube-flannel.log").read_text()


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ('{"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan"}}', ["10.244.0.0/16"]),
        (
            '{"Network": "10.42.0.0/16", "EnableIPv6": true, "IPv6Network": "fd00:42::/56"}',
            ["10.42.0.0/16", "fd00:42::/56"],
        ),
        ('{"Network":"10.42.0.0/16","EnableIPv6":false,"IPv6Network":"::/0"}', ["10.42.0.0/16"]),
        ('{"EnableIPv4": false, "Network": "0.0.0.0/0"}', []),
        ("{}", []),
    ],
)
def test_net_conf(text: str, networks: list[str]) -> None:
    assert [str(network) for network in parse_net_conf(text)] == networks


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Network": "ten"}', "[" * 100_000])
def test_what_is_no_net_conf(text: str) -> None:
    with pytest.raises(ParseError):
        parse_net_conf(text)


def test_a_real_subnet_env() -> None:
    told = parse_subnet_env(ENV)
    ((network,), (subnet,)) = (told.networks, told.subnets)
    assert (str(network.network), network.gateway) == ("10.244.0.0/16", None)
    assert (str(subnet.network), str(subnet.gateway)) == ("10.244.1.0/24", "10.244.1.1")
    assert subnet.line == "FLANNEL_SUBNET=10.244.1.1/24"


def test_both_families() -> None:
    told = parse_subnet_env(
        "FLANNEL_IPV6_NETWORK=fd00::/56\nFLANNEL_IPV6_SUBNET=fd00:0:0:1::1/64\n"
    )
    assert [str(range.network) for range in told.networks] == ["fd00::/56"]
    assert [str(range.network) for range in told.subnets] == ["fd00:0:0:1::/64"]


def test_a_line_cut_on_the_way_says_nothing() -> None:
    assert parse_subnet_env("FLANNEL_NETWORK=10.244.0.0/1") == FlannelNode()
    assert parse_subnet_env("") == FlannelNode()


def test_a_range_that_is_none() -> None:
    with pytest.raises(ParseError):
        parse_subnet_env("FLANNEL_SUBNET=ten\n")


def test_a_real_log_names_this_nodes_part_and_no_other() -> None:
    told = parse_flannel_log(LOG)
    assert [str(range.network) for range in told.networks] == ["10.244.0.0/16"]
    assert [(str(r.network), r.gateway) for r in told.subnets] == [("10.244.1.0/24", None)]
    assert "n.Spec.PodCIDRs: [10.244.2.0/24" in LOG


#: Of flannel 0.28.10 on a dual-stack node.
TWO_FAMILIES = """\
I1125 03:17:10.069529       1 iptables.go:101] Current network or subnet \
(10.244.0.0/16, 10.244.2.0/24) is not equal to previous one (0.0.0.0/0, 0.0.0.0/0), \
trying to recycle old iptables rules
I1125 03:17:10.332877       1 iptables.go:358] bootstrap done
I1125 03:17:10.333075       1 iptables.go:118] Current network or subnet \
(fd00:10:244::/48, fd00:10:244:2::/64) is not equal to previous one (::/0, ::/0), \
trying to recycle old iptables rules
"""


def test_a_log_of_both_families() -> None:
    told = parse_flannel_log(TWO_FAMILIES + LOG.replace("10.244.1.0", "10.244.8.0"))
    assert [str(r.network) for r in told.networks] == ["10.244.0.0/16", "fd00:10:244::/48"]
    assert [str(r.network) for r in told.subnets] == ["10.244.8.0/24", "fd00:10:244:2::/64"]


@pytest.mark.parametrize(
    "text", ["", "x] Current network or subnet (a, b) is not equal to previous"]
)
def test_a_log_without_it(text: str) -> None:
    assert parse_flannel_log(text) == FlannelNode()
