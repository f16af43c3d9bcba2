from __future__ import annotations

from kubectl_svcnet.engine.simulate.without import is_entered, without
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.engine.simulate.conftest import make_view

SAVE = """\
*nat
:PREROUTING ACCEPT
:KUBE-SERVICES -
:OTHER -
-A PREROUTING -j OTHER
-A PREROUTING -j KUBE-SERVICES
-A PREROUTING -g KUBE-SERVICES
-A PREROUTING -j ACCEPT
-A KUBE-SERVICES -j ACCEPT
COMMIT
*filter
:KUBE-SERVICES -
-A KUBE-SERVICES -j DROP
COMMIT
"""
KEY = (Family.IPV4, Backend.NFT)


def test_a_chain_and_what_leads_to_it() -> None:
    view = make_view(SAVE, SAVE)
    gone = frozenset([view.rulesets[KEY].chain_id("nat", "KUBE-SERVICES")])
    left = without(view, gone, frozenset())
    ruleset = left.rulesets[KEY]
    chain = ruleset.chain("nat", "PREROUTING")
    assert chain is not None
    assert [(rule.number, rule.raw) for rule in chain.rules] == [
        (1, "-A PREROUTING -j OTHER"),
        (4, "-A PREROUTING -j ACCEPT"),
    ]
    assert ruleset.chain("nat", "KUBE-SERVICES") is None
    assert ruleset.chain("filter", "KUBE-SERVICES") is not None  # another table's
    legacy = (Family.IPV4, Backend.LEGACY)
    assert left.rulesets[legacy] == view.rulesets[legacy]


def test_what_stays_is_not_made_anew() -> None:
    view = make_view(SAVE)
    gone = frozenset([view.rulesets[KEY].chain_id("nat", "OTHER")])
    before = view.rulesets[KEY].chain("nat", "KUBE-SERVICES")
    assert without(view, gone, frozenset()).rulesets[KEY].chain("nat", "KUBE-SERVICES") is before


def test_native_tables() -> None:
    tables = parse_ruleset("table ip kube-proxy {\n}\ntable ip6 kube-proxy {\n}\n")
    view = make_view(nft_tables=tables)
    left = without(view, frozenset(), frozenset({"ip kube-proxy"}))
    assert [str(table) for table in left.nft_tables] == ["ip6 kube-proxy"]


def test_which_chains_are_entered() -> None:
    view = make_view(SAVE)
    nat = {name: view.rulesets[KEY].chain_id("nat", name) for name in ("KUBE-SERVICES", "OTHER")}
    assert is_entered(view, frozenset(nat.values()))
    alone = make_view("*nat\n:A -\n:B -\n-A A -j B\n-A B -j A\nCOMMIT\n")
    both = frozenset(alone.rulesets[KEY].chain_id("nat", name) for name in "AB")
    assert not is_entered(alone, both)  # only by each other
    assert is_entered(alone, frozenset([*both][:1]))
