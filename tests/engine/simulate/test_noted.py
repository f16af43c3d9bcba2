"""What one rule writes of a packet, and a later one asks of the same packet."""

from __future__ import annotations

import pytest

from kubectl_svcnet.parse.ipset_save import parse_sets
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.engine.simulate.conftest import Ask
from tests.engine.simulate.test_chains import forward

SETS = "create S hash:ip maxelem 1\ncreate N hash:net\ncreate L list:set\nadd L S\n"


def _kinds(ask: Ask, *rules: str, sets: str = SETS) -> set[str]:
    text = forward(*(f"FORWARD {rule}" for rule in rules))
    return {fate.kind.value for fate in ask(text, "8.8.8.8", view={"sets": parse_sets(sets)})}


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        (("--set", "--rcheck -j DROP"), {"drop"}),
        (("--set -m ttl --ttl-eq 9 -j ACCEPT", "--rcheck -j DROP"), {"drop", "pass"}),
        (("--set -m mark --mark 0x9 -j ACCEPT", "--rcheck -j DROP"), {"drop"}),
        (("! --set -j ACCEPT", "--rcheck -j DROP"), {"drop"}),
        (("--set", "! --rcheck -j DROP"), {"pass"}),
        (("--set", "--update --seconds 9 --hitcount 1 -j DROP"), {"drop"}),
        (("--set", "--update --seconds 9 --hitcount 2 -j DROP"), {"drop", "pass"}),
        (("--remove", "--rcheck -j DROP"), {"pass"}),
        (("--set", "--remove -j DROP"), {"drop"}),
        (("--set", "--rcheck --name other -j DROP"), {"drop", "pass"}),
        (("--set", "--rcheck --rdest -j DROP"), {"drop", "pass"}),
        (("--set --mask 10.0.0.0", "--rcheck --mask 10.0.0.0 -j DROP"), {"drop"}),
        (("--set --mask 0.0.0.0", "--rcheck --rdest --mask 0.0.0.0 -j DROP"), {"drop"}),
    ],
)
def test_recent(ask: Ask, rules: tuple[str, ...], kinds: set[str]) -> None:
    assert _kinds(ask, *(f"-m recent {rule}" for rule in rules)) == kinds


def test_recent_notes_the_side_that_it_names(ask: Ask) -> None:
    """The source stays what it is where the destination is translated in between."""
    text = (
        "*mangle\n-A PREROUTING -m recent --set\nCOMMIT\n"
        "*nat\n-A PREROUTING -j DNAT --to-destination 10.244.2.2\nCOMMIT\n"
        "*filter\n-A FORWARD -m recent --rcheck -j DROP\nCOMMIT\n"
    )
    assert [fate.kind.value for fate in ask(text, "8.8.8.8")] == ["drop"]


def test_what_is_written_perhaps_is_open(ask: Ask) -> None:
    perhaps = "-m limit --limit 3/min -m recent --set"
    assert _kinds(ask, perhaps, "-m recent --rcheck -j DROP") == {"drop", "pass"}


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        (("-j SET --add-set S src", "-m set --match-set S src -j DROP"), {"drop"}),
        (("-j SET --add-set S src", "-m set ! --match-set S src -j DROP"), {"pass"}),
        (("-j SET --del-set S src", "-m set --match-set S src -j DROP"), {"pass"}),
        (("-j SET --add-set S dst", "-m set --match-set S src -j DROP"), {"drop", "pass"}),
        (("-m set --match-set S src -j DROP", "-j SET --add-set S src"), {"drop", "pass"}),
        (("-j SET --add-set N src", "-m set --match-set N src -j DROP"), {"drop", "pass"}),
        (("-j SET --add-set L src", "-m set --match-set S src -j DROP"), {"drop", "pass"}),
        (("-j SET --add-set S src", "-m set --match-set L src -j DROP"), {"drop", "pass"}),
        (("-j SET --add-set N src", "-m set --match-set S src -j DROP"), {"pass"}),
        (
            (
                "-j SET --add-set S src",
                "-j SET --del-set L src",
                "-m set --match-set S src -j DROP",
            ),
            {"drop", "pass"},
        ),
        (("-j SET --map-set S src --map-mark",), {"unknown"}),
        (("-j SET --add-set S src --del-set N src",), {"unknown"}),
    ],
)
def test_set(ask: Ask, rules: tuple[str, ...], kinds: set[str]) -> None:
    assert _kinds(ask, *rules) == kinds


@pytest.mark.parametrize(("negated", "usual"), [("", "pass"), ("! ", "drop")])
def test_what_others_may_have_written_is_not_usual(ask: Ask, negated: str, usual: str) -> None:
    match = f"FORWARD -m set {negated}--match-set S src -j DROP"
    text = forward(match, "FORWARD -j SET --add-set S src")
    fates = ask(text, "8.8.8.8", view={"sets": parse_sets(SETS)})
    assert {fate.kind.value: fate.probability for fate in fates} == {
        "drop": None,
        "pass": None,
        usual: 1,
    }


def test_a_full_set_may_take_no_more(ask: Ask) -> None:
    rules = "-j SET --add-set S src", "-m set --match-set S src -j DROP"
    assert _kinds(ask, *rules, sets=SETS + "add S 192.0.2.1\n") == {"drop", "pass"}


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        ("add @s { ip saddr }\nip saddr @s drop", {"drop"}),
        ("update @s { ip saddr timeout 9s }\nip saddr @s drop", {"drop"}),
        ("add @s { ip saddr }\nip saddr != @s drop", {"pass"}),
        ("delete @s { ip saddr }\nip saddr @s drop", {"pass"}),
        ("add @s { ip daddr }\nip saddr @s drop", {"drop", "pass"}),
        ("ip daddr @s drop", {"drop", "pass"}),
        ("add @f { ip saddr } drop", {"drop", "pass"}),
        ("delete @f { ip saddr } drop", {"drop"}),
        ("add @s { ip saddr . tcp dport }\nip saddr @s drop", {"drop", "pass"}),
        ("add @s { udp dport } drop", {"pass"}),
    ],
)
def test_nft(ask: Ask, rules: str, kinds: set[str]) -> None:
    lines = rules.replace("\n", "\n\t\t")
    text = f"""table ip t {{
	set s {{
		type ipv4_addr
		size 65535
		flags dynamic
		elements = {{ 8.8.8.8 }}
	}}

	set f {{
		type ipv4_addr
		size 1
		flags dynamic
		elements = {{ 192.0.2.1 }}
	}}

	chain c {{
		type filter hook forward priority filter; policy accept;
		{lines}
	}}
}}
"""
    fates = ask("", "8.8.8.8", view={"nft_tables": parse_ruleset(text)})
    assert {fate.kind.value for fate in fates} == kinds


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        ("ct zone set 5|ct zone 5 drop", {"drop"}),
        ("ct zone set 5|ct zone 0 drop", {"pass"}),
        ("ct zone set meta mark|ct zone 0 drop", {"drop"}),
        ("ct zone set numgen random mod 2|ct zone 1 drop", {"drop", "pass"}),
        ("ct zone set ip saddr map { 10.244.1.9 : 3 }|ct zone { 1-3 } drop", {"drop"}),
        ("ct zone set ip saddr map { 10.244.1.8 : 3 }|ct zone 0 drop", {"drop"}),
        ("ct original zone set 5|ct reply zone 5 drop", {"pass"}),
        ("ct original zone set 5|ct original zone 5 drop", {"drop"}),
        ("ct zone set 5\n\t\tct zone 5 drop|accept", {"pass"}),
        ("ct zone set 5\n\t\tct state new drop|accept", {"drop"}),
        ("ct zone set 5\n\t\tnotrack|ct zone 5 drop", {"drop"}),
        ("notrack|ct zone 0 drop", {"pass"}),
        ("accept|ct zone set 5\n\t\tct zone 0 drop", {"drop"}),
        ("ct zone set ct helper|accept", {"unknown"}),
    ],
)
def test_zone(ask: Ask, rules: str, kinds: set[str]) -> None:
    before, after = rules.split("|")
    text = f"""table ip t {{
	chain a {{
		type filter hook prerouting priority raw; policy accept;
		{before}
	}}

	chain b {{
		type filter hook forward priority filter; policy accept;
		{after}
	}}
}}
"""
    fates = ask("", "8.8.8.8", view={"nft_tables": parse_ruleset(text)})
    assert {fate.kind.value for fate in fates} == kinds


@pytest.mark.parametrize(
    ("template", "kinds"),
    [
        ("--zone 7", {"drop"}),
        ("--zone-orig 7", {"drop"}),
        ("--zone-reply 7", {"pass"}),
        ("--zone mark", {"pass"}),
        ("--helper ftp", {"pass"}),
    ],
)
def test_zone_of_a_template(ask: Ask, template: str, kinds: set[str]) -> None:
    text = f"*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j CT {template}\nCOMMIT\n"
    table = parse_ruleset(
        "table ip t {\n\tchain b {\n\t\ttype filter hook forward priority 0; policy accept;\n"
        "\t\tct original zone 7 drop\n\t}\n}\n"
    )
    fates = ask(text, "8.8.8.8", view={"nft_tables": table})
    assert {fate.kind.value for fate in fates} == kinds


@pytest.mark.parametrize(
    ("match", "kinds"),
    [
        ("-m conntrack --ctstate NEW", {"drop"}),
        ("-m connmark --mark 0", {"drop"}),
        ("-m conntrack --ctproto 6", {"pass"}),
        ("-m conntrack ! --ctorigdst 8.8.8.8/32", {"drop"}),
        ("-m conntrack --ctorigdstport 80", {"pass"}),
    ],
)
def test_words_of_a_template(ask: Ask, match: str, kinds: set[str]) -> None:
    rules = "-A PREROUTING -j CT --zone 7", f"-A PREROUTING {match} -j DROP"
    text = "\n".join(("*raw", ":PREROUTING ACCEPT [0:0]", *rules, "COMMIT", ""))
    assert {fate.kind.value for fate in ask(text, "8.8.8.8")} == kinds
