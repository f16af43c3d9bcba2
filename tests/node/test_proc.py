"""One real namespace, read through /proc and through `ip`: the same node either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture, Reason
from kubectl_svcnet.model.commands import Command, checked
from kubectl_svcnet.node.proc import (
    ADDR,
    DEVICE_SYSCTLS,
    FIB_TRIE,
    IF_INET6,
    IP_ROUTE,
    IP_ROUTE6,
    IPV6_ROUTE,
    LEGACY_TABLES,
    ROUTE,
    RULE,
    RULE6,
    STATUS,
    SYSCTLS,
    process_state,
    read_state,
    state_commands,
)
from tests.samples import capture

FIXTURES = Path(__file__).parents[1] / "fixtures" / "node-state"
FILES = {
    FIB_TRIE: "fib_trie",
    ROUTE: "route",
    IF_INET6: "if_inet6",
    IPV6_ROUTE: "ipv6_route",
    SYSCTLS: "sysctls",
    ADDR: "ip-addr.json",
    RULE: "ip-rule.json",
    RULE6: "ip6-rule.json",
    IP_ROUTE: "ip-route.json",
    IP_ROUTE6: "ip6-route.json",
}
WITH_IP = (ADDR, RULE, RULE6, IP_ROUTE, IP_ROUTE6)


def answers(case: str, *without: Command) -> dict[Command, Capture]:
    return {
        command: capture(command, failure=Reason.NO_TOOL, exit_code=127)
        if command in without
        else capture(command, (FIXTURES / case / name).read_text())
        for command, name in FILES.items()
    }


@pytest.mark.parametrize("case", ["plain", "further-table"])
def test_both_ways_see_the_same_addresses(case: str) -> None:
    by_ip, by_proc = read_state(answers(case)), read_state(answers(case, *WITH_IP))
    assert by_ip.addresses is not None
    assert by_proc.addresses is not None
    shown = {(str(a.address), a.interface) for a in by_proc.addresses}
    assert shown == {(str(a.address), a.interface) for a in by_ip.addresses}
    assert {("172.18.0.3", "eth0"), ("10.244.2.1", "cni0"), ("fd00:172:18::3", "eth0")} <= shown


def test_both_ways_see_the_same_main_table() -> None:
    by_ip, by_proc = read_state(answers("plain")), read_state(answers("plain", *WITH_IP))

    def main(routes: object) -> set[tuple[str, str | None, str | None, str]]:
        return {
            (
                str(r.destination),
                r.interface,
                str(r.gateway) if r.gateway else None,
                r.kind,
            )
            for r in routes  # type: ignore[attr-defined]
            if r.table == "main" and r.destination.version == 4
        }

    assert main(by_proc.routes) >= main(by_ip.routes) - {("10.99.0.0/16", None, None, "blackhole")}
    assert ("0.0.0.0/0", "eth0", "172.18.0.1", "unicast") in main(by_proc.routes)
    assert any(r.kind == "blackhole" for r in by_ip.routes or ())
    assert any(str(r.destination) == "10.99.0.0/16" for r in by_proc.routes or ())


def test_a_further_table_is_a_gap_only_where_its_rule_is_not_seen() -> None:
    by_ip = read_state(answers("further-table"))
    assert [r.table for r in by_ip.routing_rules] == ["local", "100", "main", "default"]
    assert by_ip.further_tables == ()
    assert by_ip.gaps == ()
    by_proc = read_state(answers("further-table", *WITH_IP))
    assert by_proc.further_tables
    (gap,) = by_proc.gaps
    assert gap.what == "routing tables"
    assert not gap.blocking


def test_no_further_table_no_gap() -> None:
    assert read_state(answers("plain", *WITH_IP)).gaps == ()
    assert read_state(answers("plain")).routing_rules == ()


def test_what_was_not_read_is_not_empty() -> None:
    state = read_state({})
    assert state.addresses is None
    assert state.routes is None
    assert state.sysctls == {}


def test_an_answer_that_makes_no_sense_is_a_gap_and_not_read() -> None:
    broken = {**answers("plain", *WITH_IP), FIB_TRIE: capture(FIB_TRIE, "<html>\n")}
    state = read_state(broken)
    assert state.addresses is None
    (gap,) = state.gaps
    assert gap.what == "cat /proc/net/fib_trie"


def test_where_ip_answers_nonsense_proc_is_read() -> None:
    state = read_state({**answers("plain"), ADDR: capture(ADDR, "Object is not JSON")})
    assert state.addresses is not None
    assert state.routing_rules == ()


def test_sysctls_where_grep_misses_a_file() -> None:
    """It exits 2 then, and has printed the others."""
    text = (FIXTURES / "plain" / "sysctls").read_text()
    state = read_state({SYSCTLS: capture(SYSCTLS, text, exit_code=2)})
    assert state.sysctls["net.ipv4.ip_forward"] in ("0", "1")


def test_sysctls_of_devices() -> None:
    of_device = "/proc/sys/net/ipv4/conf/eth0/accept_local:1\n"
    common = capture(SYSCTLS, "/proc/sys/net/ipv4/ip_forward:1\n")
    state = read_state({SYSCTLS: common, DEVICE_SYSCTLS: capture(DEVICE_SYSCTLS, of_device)})
    assert state.sysctls == {"net.ipv4.ip_forward": "1", "net.ipv4.conf.eth0.accept_local": "1"}
    without = capture(DEVICE_SYSCTLS, "", failure=Reason.NO_TOOL, exit_code=127)
    state = read_state({SYSCTLS: common, DEVICE_SYSCTLS: without})
    assert state.sysctls == {"net.ipv4.ip_forward": "1"}


def test_ports_are_told_by_ip_alone() -> None:
    assert read_state(answers("plain", *WITH_IP)).masters is None
    assert read_state(answers("plain")).masters is not None


STATES = [
    ("Name:\tkube-proxy\nState:\tS (sleeping)\n", "S"),
    ("Name:\tkube-proxy\nState:\tT (stopped)\n", "T"),
    ("Name:\tkube-proxy\nX:\tState: x\nState:\tt (tracing stop)\n", "t"),
    ("Name:\tkube-proxy\n", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "letter"), STATES)
def test_process_state(text: str, letter: str) -> None:
    assert process_state({STATUS: capture(STATUS, text)}) == letter


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("kube-proxy", "T"),
        ("hyperkube", "T"),
        ("sh", ""),
        ("systemd", ""),
        ("kube-proxy-watch", ""),
    ],
)
def test_process_one_may_be_another(name: str, letter: str) -> None:
    text = f"Name:\t{name}\nUmask:\t0022\nState:\tT (stopped)\n"
    assert process_state({STATUS: capture(STATUS, text)}) == letter


def test_process_state_that_was_not_read() -> None:
    assert process_state({}) == ""
    assert process_state({STATUS: capture(STATUS, "State:\tT", exit_code=1)}) == ""
    assert process_state({STATUS: capture(STATUS, "State:\tT", failure=Reason.TIMEOUT)}) == ""


def test_commands_by_family() -> None:
    four, both = state_commands(frozenset({Family.IPV4})), state_commands(frozenset(Family))
    assert set(four) < set(both)
    assert IPV6_ROUTE not in four
    assert LEGACY_TABLES[Family.IPV6] in both
    for command in both:
        checked(command)
