"""How native nftables is named in fates."""

from __future__ import annotations

from kubectl_svcnet.model import nft
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import RuleRef


def test_names() -> None:
    table = nft.Table(family="ip", name="kube-proxy")
    chain = table.chain_id(Family.IPV4, "services")
    assert str(RuleRef(chain, 2, "drop")) == "ip kube-proxy/services:2"
    assert str(table.set_id(Family.IPV4, "service-ips")) == "ip kube-proxy/@service-ips"
    both = nft.Table(family="inet", name="firewalld").chain_id(Family.IPV6, "in")
    assert (str(both), both.family) == ("inet firewalld/in", Family.IPV6)
