"""Names of rules, in the contract's spelling."""

from __future__ import annotations

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, ChainId, RuleRef


def test_names() -> None:
    nft = ChainId(Family.IPV4, Backend.NFT, "nat", "KUBE-SERVICES")
    legacy = ChainId(Family.IPV6, Backend.LEGACY, "nat", "KUBE-SERVICES")
    assert str(RuleRef(nft, 7, "-A …")) == "nat/KUBE-SERVICES:7"
    assert str(RuleRef(legacy, 7, "-A …")) == "legacy:nat/KUBE-SERVICES:7"
