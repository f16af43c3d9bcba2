"""What a rule writes of a packet, a later one reads: recent lists, ipsets, nft's dynamic sets,
and the zone of its connection. Held against the kernel."""

from __future__ import annotations

import pytest

from tests.kernel.kernel_hand import Hand, at_start, chain, clear, disagreements, native
from tests.kernel.kernel_net import Net

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools(
        *("ip", "ipset", "nft", "conntrack", "iptables-nft-restore", "iptables-legacy-restore"),
        *("ip6tables-nft-restore", "ip6tables-legacy-restore"),
    ),
]

DYNAMIC = "set s { type ipv4_addr; flags dynamic; size 1000; }"
TIMED = "set s { type ipv4_addr; timeout 1h; }"
FULL = "set s { type ipv4_addr; flags dynamic; size 1; elements = { 192.0.2.1 } }"
BY_SOURCE = "ct zone set ip saddr map { 10.244.1.2 : 7, 192.168.50.2 : 8 }"


def _mangle(*rules: str) -> dict[str, tuple[str, ...]]:
    return {"mangle": tuple(f"-A PREROUTING {rule}" for rule in rules)}


def _recent(*rules: str) -> dict[str, tuple[str, ...]]:
    return _mangle(*(f"-m recent {rule}" for rule in rules))


def _in_zone(*rules: str) -> dict[str, tuple[str, ...]]:
    return {"raw": ("-A PREROUTING -j CT --zone 5", "-A OUTPUT -j CT --zone 5", *rules)}


CASES = [
    Hand("zone", (native(at_start(-310, "ct zone set 5"), at_start(0, "ct zone 5 drop")),)),
    Hand("zone by source", (native(at_start(-310, BY_SOURCE), at_start(0, "ct zone 7 drop")),)),
    Hand("zone none", (native(at_start(0, "ct zone 5 drop"), at_start(1, "ct zone 0 drop")),)),
    Hand("zone before tracking", (native(at_start(-310, "ct zone != 7 drop")),)),
    Hand("zone of a template", (native(at_start(-310, "ct zone set 5", "ct zone 5 drop")),)),
    Hand("mark of a template", (native(at_start(-310, "ct zone set 5", "ct mark 0 drop")),)),
    Hand("state of a template", (native(at_start(-310, "ct zone set 5", "ct state new drop")),)),
    Hand(
        "zone of one direction",
        (native(at_start(-310, "ct original zone set 5"), at_start(0, "ct reply zone 5 drop")),),
    ),
    Hand(
        "zone of the other direction",
        (native(at_start(-310, "ct original zone set 5"), at_start(0, "ct original zone 5 drop")),),
    ),
    Hand("zone untracked", (native(at_start(-310, "notrack"), at_start(0, "ct zone != 5 drop")),)),
    Hand(
        "zone after notrack",
        (native(at_start(-310, "notrack", "ct zone set 5"), at_start(0, "ct zone 5 drop")),),
    ),
    Hand("zone of iptables", (native(at_start(0, "ct zone 5 drop")),), _in_zone()),
    Hand(
        "zone by mark",
        (native(at_start(-310, "meta mark set 9"), at_start(0, "ct zone 9 drop")),),
        {"raw": ("-A PREROUTING -j CT --zone mark", "-A OUTPUT -j CT --zone-orig mark")},
    ),
    *(
        Hand(f"template {words}", (), _in_zone(f"-A PREROUTING {words} -j DROP"))
        for words in (
            "-m connmark --mark 0",
            "-m conntrack --ctstate NEW",
            "-m conntrack --ctproto 6",
            "-m conntrack --ctorigdst 10.0.0.0/8",
        )
    ),
    Hand("recent", (), _recent("--set --name A", "--rcheck --name A -j DROP")),
    Hand("recent not", (), _recent("--set --name B", "! --rcheck --name B -j DROP")),
    Hand("recent removed", (), _recent(*(f"--{do} --name C" for do in ("set", "remove")))),
    Hand("recent remove says yes", (), _recent("--set --name D", "--remove --name D -j DROP")),
    Hand(
        "recent removed again",
        (),
        _recent("--set --name E", "--remove --name E", "--rcheck --name E -j DROP"),
    ),
    Hand(
        "recent updated",
        (),
        _recent("--set --name F", "--update --seconds 60 --name F -j DROP"),
    ),
    Hand(
        "recent set says no", (), _recent("! --set --name G -j DROP", "--rcheck --name G -j DROP")
    ),
    Hand(
        "recent of both backends",
        (),
        {
            **_recent("--set --name H"),
            "legacy:filter": ("-A FORWARD -m recent --rcheck --name H -j DROP",),
        },
    ),
    Hand(
        "recent by destination",
        (),
        _recent("--set --name I --rdest", "--rcheck --name I --rsource -j DROP"),
        surplus=True,
    ),
    Hand(
        "recent hits",
        (),
        _recent("--set --name J", "--update --seconds 60 --hitcount 3 --name J -j DROP"),
        surplus=True,
    ),
    *(
        Hand(f"nft {name}", (native(chain("prerouting", 0, *rules), sets=sets),))
        for name, sets, rules in (
            ("add", DYNAMIC, ("add @s { ip saddr }", "ip saddr @s drop")),
            ("add with timeout", TIMED, ("add @s { ip saddr }", "ip saddr @s drop")),
            ("update", TIMED, ("update @s { ip saddr }", "ip saddr @s drop")),
            ("not yet", DYNAMIC, ("add @s { ip saddr }", "ip saddr != @s drop")),
            (
                "delete",
                DYNAMIC,
                ("add @s { ip saddr }", "delete @s { ip saddr }", "ip saddr @s drop"),
            ),
            ("delete goes on", DYNAMIC, ("delete @s { ip saddr } drop",)),
            ("add twice", DYNAMIC, ("add @s { ip saddr } add @s { ip saddr } drop",)),
        )
    ),
    Hand(
        "nft other key",
        (native(chain("prerouting", 0, "add @s { ip daddr }", "ip saddr @s drop"), sets=DYNAMIC),),
        surplus=True,
    ),
    Hand(
        "nft full",
        (native(chain("prerouting", 0, "add @s { ip saddr } drop"), sets=FULL),),
        surplus=True,
    ),
    *(
        Hand(f"ipset {name}", (), _mangle(*rules), f"create S {kind}\n")
        for name, kind, rules in (
            ("add", "hash:ip", ("-j SET --add-set S src", "-m set --match-set S src -j DROP")),
            ("not", "hash:ip", ("-j SET --add-set S src", "-m set ! --match-set S src -j DROP")),
            (
                "del",
                "hash:ip\nadd S 10.244.1.2",
                ("-j SET --del-set S src", "-m set --match-set S src -j DROP"),
            ),
            (
                "timeout",
                "hash:ip timeout 0",
                ("-j SET --add-set S src --exist --timeout 60", "-m set --match-set S src -j DROP"),
            ),
            (
                "port",
                "hash:ip,port",
                ("-j SET --add-set S src,dst", "-m set --match-set S src,dst -j DROP"),
            ),
        )
    ),
    *(
        Hand(f"ipset {name}", (), _mangle(*rules), sets, surplus=True)
        for name, sets, rules in (
            (
                "later",
                "create S hash:ip\n",
                ("-m set --match-set S src -j DROP", "-j SET --add-set S src"),
            ),
            (
                "net",
                "create S hash:net\nadd S 192.0.2.0/24\n",
                ("-j SET --add-set S src", "-m set --match-set S src -j DROP"),
            ),
            (
                "list",
                "create S hash:ip\ncreate L list:set\nadd L S\n",
                ("-j SET --add-set L src", "-m set --match-set S src -j DROP"),
            ),
            (
                "by a list",
                "create S hash:ip\ncreate L list:set\nadd L S\n",
                ("-j SET --add-set S src", "-m set --match-set L src -j DROP"),
            ),
        )
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_noted(net: Net, case: Hand) -> None:
    clear(net)
    assert not disagreements(net, case)
