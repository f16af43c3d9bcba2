"""Which native rules belong to a Service: on real listings of both generations."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_nftables import OWN
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import RuleRef
from kubectl_svcnet.parse.nftables import parse_ruleset
from kubectl_svcnet.pipeline.own_nft_rules import own_nft_rules

FIXTURES = Path(__file__).parent.parent / "fixtures" / "nftables"
EXTERNAL = "external-G52DPNUD-default/node-port/tcp/http"


@pytest.mark.parametrize(("version", "rules"), [("1.33.13", 8), ("1.36.3", 3)])
@pytest.mark.parametrize("by_hash", [True, False])
def test_chains_and_those_they_lead_to(version: str, rules: int, by_hash: bool) -> None:
    text = (FIXTURES / f"kube-proxy-{version}" / "nft-ruleset.txt").read_text()
    tables = parse_ruleset(text)
    services = tables[0].chain_id(Family.IPV4, "services")
    met = RuleRef(services, 3, "… vmap @service-nodeports", into=EXTERNAL)
    found = own_nft_rules(tables, OWN, [EXTERNAL] if by_hash else [], [] if by_hash else [met])
    lines = [str(ref) for ref in found]
    if not by_hash:
        assert lines.pop(0) == "ip kube-proxy/services:3"
    assert len(lines) == rules
    assert all("default/node-port/" in line for line in lines)
    if version == "1.33.13":
        assert lines[-1].startswith("ip kube-proxy/endpoint-")
