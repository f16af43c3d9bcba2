from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.commands import Command, Needs, checked
from kubectl_svcnet.model.fate import IPTABLES, Backend, ChainId
from kubectl_svcnet.node.netfilter import LISTING, Wanted, dumps
from kubectl_svcnet.node.proc import LEGACY_TABLES, STATUS
from kubectl_svcnet.node.rounds import (
    LAST_ROUND,
    Answers,
    first_round,
    merge,
    next_round,
    nft_withheld,
    plain_round,
    proven,
    rules_round,
)
from tests.samples import capture

SVC = "KUBE-SVC-J5FHDC7QFLM3E3EH"
WANTED = Wanted(
    family=Family.IPV4,
    chains=frozenset({SVC}),
    destinations=frozenset({ip_address("10.96.0.9")}),
)
WANTED6 = Wanted(
    family=Family.IPV6, chains=frozenset(), destinations=frozenset({ip_address("fd00:1:2:3::9")})
)
CHAIN = Command("iptables-nft-chain", ("nat", SVC))


def nft(chain: str, table: str = "nat", family: Family = Family.IPV4) -> ChainId:
    return ChainId(family, Backend.NFT, table, chain)


def legacy(chain: str) -> ChainId:
    return ChainId(Family.IPV4, Backend.LEGACY, "nat", chain)


def test_the_first_round_asks_for_hashed_names_and_all_else() -> None:
    commands = first_round([WANTED, WANTED6])
    assert commands.count(CHAIN) == 2  # again at the end: chains are no snapshot
    assert STATUS in commands
    assert LISTING in commands
    assert any(c.name == "ip6tables-nft-chain" for c in commands)
    for command in commands:
        checked(command)


def test_the_plain_round_is_dumps() -> None:
    commands = plain_round(frozenset(Family))
    assert set(dumps(Family, IPTABLES)) <= set(commands)
    assert not [c for c in commands if c.spec.filtered and c != LISTING]


def test_a_chain_that_a_walk_met() -> None:
    answers = merge(Answers(), [capture(CHAIN, f"-N {SVC}\n")])
    sep = nft("KUBE-SEP-AAAAAAAAAAAAAAAA")
    assert next_round(answers, frozenset({sep}), [WANTED]) == (
        Command("iptables-nft-chain", ("nat", "KUBE-SEP-AAAAAAAAAAAAAAAA")),
    )


def test_a_chain_that_would_not_be_listed_alone_takes_the_dump() -> None:
    answers = merge(Answers(), [capture(CHAIN, exit_code=1)])
    commands = next_round(answers, frozenset({nft(SVC)}), [WANTED])
    assert commands == (Command("iptables-nft-save-all"),)


def test_another_table_is_read_whole_and_then_by_the_dump() -> None:
    unread = frozenset({nft("cali-FORWARD", "filter"), nft("cali-INPUT", "filter")})
    whole = Command("iptables-nft-save", ("filter",))
    assert next_round(Answers(rounds=1), unread, [WANTED]) == (whole,)
    answers = merge(Answers(rounds=1), [capture(whole, exit_code=1)])
    assert next_round(answers, unread, [WANTED]) == (Command("iptables-nft-save-all"),)


def test_a_filtered_dump_is_followed_by_the_dump() -> None:
    saved = Command("iptables-nft-save-all-filtered", ("^x",))
    answers = merge(Answers(), [capture(saved, "1:*nat\n")])
    unread = frozenset({nft("KUBE-SEP-AAAAAAAAAAAAAAAA")})
    assert next_round(answers, unread, [WANTED]) == (Command("iptables-nft-save-all"),)


def test_the_legacy_backend_takes_the_dump() -> None:
    commands = next_round(Answers(rounds=1), frozenset({legacy(SVC)}), [WANTED])
    assert commands == (Command("iptables-legacy-save-all"),)


def test_the_dispatch_chain_for_another_address_takes_the_dump() -> None:
    commands = next_round(Answers(rounds=1), frozenset({nft("KUBE-SERVICES")}), [WANTED])
    assert commands == (Command("iptables-nft-save-all"),)


def test_very_many_chains_are_one_dump() -> None:
    many = frozenset(nft(f"KUBE-SEP-{n:016}") for n in range(50))
    assert next_round(Answers(rounds=1), many, [WANTED]) == (Command("iptables-nft-save-all"),)


def test_the_third_question_is_for_the_dump_and_there_is_no_fifth() -> None:
    unread = frozenset({nft("KUBE-SEP-AAAAAAAAAAAAAAAA")})
    assert next_round(Answers(rounds=3), unread, [WANTED]) == (Command("iptables-nft-save-all"),)
    assert next_round(Answers(rounds=LAST_ROUND), unread, [WANTED]) == ()


def test_nothing_is_asked_twice() -> None:
    asked = merge(Answers(rounds=2), [capture(Command("iptables-nft-save-all"), exit_code=1)])
    assert next_round(asked, frozenset({nft("X")}), [WANTED]) == ()


def test_a_chain_that_changed_under_the_reading() -> None:
    """The same round again, and then the dump of both backends."""
    both = [capture(CHAIN, f"-N {SVC}\n"), capture(CHAIN, f"-N {SVC}\n-A {SVC} -j X\n")]
    answers = merge(Answers(), both)
    assert answers.changed
    assert answers.captures[CHAIN].data == both[1].data
    again = next_round(answers, frozenset(), [WANTED])
    assert again == rules_round([WANTED])
    changed = merge(answers, both)
    assert set(next_round(changed, frozenset(), [WANTED])) == set(dumps([Family.IPV4], IPTABLES))
    calm = merge(answers, [both[1], both[1]])
    assert not calm.changed
    assert next_round(calm, frozenset(), [WANTED]) == ()


def test_what_was_asked_in_an_earlier_round_has_not_changed_by_differing() -> None:
    first = merge(Answers(), [capture(CHAIN, "-N A\n")])
    assert not merge(first, [capture(CHAIN, "-N B\n")]).changed


def test_a_command_that_was_first_forbidden_has_not_changed() -> None:
    withheld = capture(CHAIN, failure=Reason.NOT_PRESENT, exit_code=None)
    answers = merge(Answers(), [withheld, capture(CHAIN, "-N A\n")])
    assert not answers.changed
    assert answers.captures[CHAIN].ok


def test_api_captures_are_no_answers() -> None:
    from dataclasses import replace

    assert merge(Answers(), [replace(capture(CHAIN), command=None)]).captures == {}


def test_nft_that_is_built_into_the_kernel() -> None:
    names = LEGACY_TABLES[Family.IPV4]
    held = capture(LISTING, failure=Reason.NOT_PRESENT)
    assert nft_withheld([held, capture(names, "")])
    assert nft_withheld([held, capture(names, "", failure=Reason.NO_TOOL)])
    assert not nft_withheld([held, capture(names, "nat\nfilter\n")])
    assert not nft_withheld([capture(LISTING, ""), capture(names, "")])
    assert not nft_withheld([capture(LISTING, failure=Reason.NO_TOOL)])


SET = ChainId(Family.IPV4, Backend.NFT, "ipset", "KUBE-CLUSTER-IP")


def test_a_set_that_a_rule_names_is_read_once() -> None:
    answers = Answers(rounds=1)
    assert next_round(answers, frozenset({SET}), ()) == (Command("ipset-save"),)
    asked = merge(answers, [capture(Command("ipset-save"), failure=Reason.NO_TOOL)])
    assert next_round(asked, frozenset({SET}), ()) == ()
    assert proven({SET}) == {Needs.IP_SET}
    assert proven(()) == frozenset()
