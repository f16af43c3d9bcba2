"""Chains by table and name."""

from __future__ import annotations

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ruleset import Chain, Ruleset, Table


def test_chains_are_found_by_table_and_name() -> None:
    chain = Chain(name="A")
    ruleset = Ruleset(
        family=Family.IPV4,
        backend=Backend.LEGACY,
        tables={"nat": Table(name="nat", chains={"A": chain})},
    )
    assert ruleset.chain("nat", "A") is chain
    assert ruleset.chain("nat", "B") is ruleset.chain("raw", "A") is None
    assert str(ruleset.chain_id("nat", "A")) == "legacy:nat/A"
