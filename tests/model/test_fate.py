from __future__ import annotations

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, RuleRef


def test_rules_are_written_as_in_the_contract() -> None:
    nft = ChainId(Family.IPV4, Backend.NFT, "nat", "KUBE-SERVICES")
    legacy = ChainId(Family.IPV4, Backend.LEGACY, "nat", "KUBE-SERVICES")
    assert str(RuleRef(nft, 3, "-A KUBE-SERVICES -j X")) == "nat/KUBE-SERVICES:3"
    assert str(RuleRef(legacy, 3, "")) == "legacy:nat/KUBE-SERVICES:3"
