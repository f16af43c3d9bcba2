from __future__ import annotations

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ruleset import Chain, Ruleset, Table

CHAIN = Chain(name="KUBE-SERVICES")
RULESET = Ruleset(
    family=Family.IPV4,
    backend=Backend.LEGACY,
    tables={"nat": Table(name="nat", chains={CHAIN.name: CHAIN})},
)


def test_a_chain_is_found_by_table_and_name() -> None:
    assert RULESET.chain("nat", "KUBE-SERVICES") is CHAIN
    assert RULESET.chain("nat", "OTHER") is None
    assert RULESET.chain("raw", "KUBE-SERVICES") is None


def test_a_chain_is_named_with_its_backend() -> None:
    assert str(RULESET.chain_id("nat", "OTHER")) == "legacy:nat/OTHER"


def test_what_was_not_listed_is_not_complete() -> None:
    assert not Table(name="nat").complete
    assert not Ruleset(family=Family.IPV4, backend=Backend.NFT).complete
