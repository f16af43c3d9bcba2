"""Virtual servers on a packet's way: who is scheduled where, and what is met before and behind."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, Fate, FateKind
from kubectl_svcnet.model.ipvs import VirtualServers
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.ip_json import parse_addresses
from kubectl_svcnet.parse.ipset_save import parse_sets
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.parse.ipvs import parse_ipvs

from .conftest import make_packet, make_view

Brief = Callable[[tuple[Fate, ...]], list[str]]
VIP = "10.96.0.10"
NODE: dict[str, Any] = {"hook": Hook.OUTPUT}
LO = InterfaceAddress(ip_address("127.0.0.1"), "lo", 8)
ETH0 = InterfaceAddress(ip_address("192.168.0.1"), "eth0", 24)
CNI0 = InterfaceAddress(ip_address("10.244.1.1"), "cni0", 24)
BOUND = (LO, ETH0, CNI0, InterfaceAddress(ip_address(VIP), "kube-ipvs0", 32))
SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.vs.conntrack": "1",
    "net.ipv4.vs.expire_quiescent_template": "1",
}
HEAD = "IP Virtual Server version 1.2.1 (size=4096)\n"


def servers(scheduler: str = "rr", *reals: str, place: str = "-t 10.96.0.10:80") -> VirtualServers:
    """Each real server as ADDRESS:PORT, or that and its weight."""
    lines = [f"-A {place} -s {scheduler}"]
    for real in reals or ("10.244.1.2:8080", "10.244.2.2:8080"):
        where, _, weight = real.partition(" ")
        lines.append(f"-a {place} -r {where} -m -w {weight or 1}")
    return parse_ipvs("\n".join(lines))


def ask(ipvs: VirtualServers | None, rules: str = "", **fields: Any) -> tuple[Fate, ...]:
    known = {"ipvs": ipvs, "addresses": BOUND, "sysctls": SYSCTLS} | fields.pop("view", {})
    return simulate(make_view(rules, **known), make_packet(VIP, **fields))


@pytest.mark.parametrize("fields", [{}, NODE], ids=["from a pod", "of the node"])
def test_a_share_each(brief: Brief, fields: dict[str, Any]) -> None:
    found = ask(servers(), **fields)
    assert brief(found) == ["endpoint 10.244.1.2:8080 0.5", "endpoint 10.244.2.2:8080 0.5"]
    for fate in found:
        assert str(fate.translated_by) == "ipvs/10.96.0.10:80"
        assert fate.rules[-1] == fate.translated_by


TURNS = [
    ("rr", ("10.244.1.2:80 1", "10.244.1.3:80 3"), [0.5, 0.5]),
    ("wrr", ("10.244.1.2:80 1", "10.244.1.3:80 3"), [0.25, 0.75]),
    ("rr", ("10.244.1.2:80 0", "10.244.1.3:80 1"), [1.0]),
    ("fo", ("10.244.1.2:80 1", "10.244.1.3:80 3"), [1.0]),
    ("fo", ("10.244.1.2:80 3", "10.244.1.3:80 3"), [None, None]),
    ("lc", ("10.244.1.2:80 1", "10.244.1.3:80 1", "10.244.1.4:80 0"), [None, None]),
    ("lc", ("10.244.1.2:80 1", "10.244.1.4:80 0"), [1.0]),
    ("mh", ("10.244.1.2:80 1", "10.244.1.3:80 1"), [None, None]),
    ("sh", ("10.244.1.2:80 1", "10.244.1.3:80 1"), [None, None]),
]


@pytest.mark.parametrize(("scheduler", "reals", "shares"), TURNS)
def test_schedulers(scheduler: str, reals: tuple[str, ...], shares: list[float | None]) -> None:
    found = ask(servers(scheduler, *reals))
    assert [fate.probability for fate in found] == shares
    assert {fate.kind for fate in found} == {FateKind.ENDPOINT}


def test_a_hash_refuses_whom_it_leads_to_a_draining_server() -> None:
    drained = ("10.244.1.2:80 1", "10.244.1.3:80 0")
    kinds = [(fate.kind, fate.probability) for fate in ask(servers("sh", *drained))]
    assert kinds == [(FateKind.ENDPOINT, None), (FateKind.REJECT, None)]
    (only,) = ask(servers("sh -b sh-fallback", *drained))
    assert (only.kind, only.probability) == (FateKind.ENDPOINT, 1.0)


@pytest.mark.parametrize("fields", [{}, NODE], ids=["from a pod", "of the node"])
@pytest.mark.parametrize(
    "ipvs", [servers("rr", "10.244.1.2:80 0"), parse_ipvs(f"-A -t {VIP}:80 -s rr")]
)
def test_without_a_real_server_it_is_refused(ipvs: VirtualServers, fields: dict[str, Any]) -> None:
    (fate,) = ask(ipvs, **fields)
    assert fate.kind is FateKind.REJECT
    assert fate.because.startswith("ipvs/10.96.0.10:80: ")


def test_the_refusal_must_get_through() -> None:
    rules = "*filter\n:OUTPUT ACCEPT\n-A OUTPUT -p icmp -j DROP\nCOMMIT\n"
    (fate,) = ask(parse_ipvs(f"-A -t {VIP}:80 -s rr"), rules)
    assert fate.kind is FateKind.DROP


def test_a_client_that_was_here_stays(brief: Brief) -> None:
    found = ask(servers("rr -p 10800"))
    assert brief(found) == [
        "endpoint 10.244.1.2:8080 0.5",
        "endpoint 10.244.1.2:8080 ?",
        "endpoint 10.244.2.2:8080 0.5",
        "endpoint 10.244.2.2:8080 ?",
    ]


@pytest.mark.parametrize(
    ("expires", "more"),
    [
        ("1", []),
        ("0", ["endpoint 10.244.1.3:80 ?"]),
    ],
)
def test_and_with_a_draining_one_unless_the_kernel_lets_go(
    brief: Brief, expires: str, more: list[str]
) -> None:
    sysctls = SYSCTLS | {"net.ipv4.vs.expire_quiescent_template": expires}
    ipvs = servers("rr -p 10800", "10.244.1.2:80", "10.244.1.3:80 0")
    found = [fate for fate in brief(ask(ipvs, view={"sysctls": sysctls})) if ".1.3" in fate]
    assert found == more


def test_what_was_not_read_of_sysctls_is_not_guessed() -> None:
    ipvs = servers("rr -p 10800", "10.244.1.2:80", "10.244.1.3:80 0")
    found = ask(ipvs, view={"sysctls": {"net.ipv4.vs.conntrack": "1"}})
    assert FateKind.UNKNOWN in {fate.kind for fate in found}


MASQUERADE = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"


@pytest.mark.parametrize(
    ("conntrack", "kind", "masquerade"),
    [
        ("1", FateKind.ENDPOINT, True),
        ("0", FateKind.ENDPOINT, False),
        (None, FateKind.UNKNOWN, None),
    ],
)
def test_masquerading_needs_its_conntrack(
    conntrack: str | None, kind: FateKind, masquerade: bool | None
) -> None:
    sysctls = {"net.ipv4.vs.conntrack": conntrack} if conntrack else {"net.ipv4.ip_forward": "1"}
    found = ask(servers("rr", "10.244.1.2:80"), MASQUERADE, view={"sysctls": sysctls})
    assert {(fate.kind, fate.masquerade) for fate in found} == {(kind, masquerade)}


def test_where_nothing_translates_its_conntrack_does_not_matter() -> None:
    found = ask(servers("rr", "10.244.1.2:80"), view={"sysctls": {"net.ipv4.ip_forward": "1"}})
    assert [fate.kind for fate in found] == [FateKind.ENDPOINT]


def rules(*filters: str, nat: tuple[str, ...] = ()) -> str:
    tables = {"filter": filters, "nat": nat}
    lines = [f"*{t}\n" + "".join(f"-A {r}\n" for r in rs) + "COMMIT" for t, rs in tables.items()]
    return "\n".join(lines) + "\n"


POD, OWN = "from a pod", "of the node"
WAYS: list[tuple[str, str, str, dict[str, Any], str]] = [
    (POD, "INPUT sees the virtual address", rules(f"INPUT -d {VIP}/32 -j DROP"), {}, "drop"),
    (POD, "and not the real one", rules("INPUT -d 10.244.1.2/32 -j DROP"), {}, "endpoint"),
    (POD, "FORWARD sees nothing", rules("FORWARD -j DROP"), {}, "endpoint"),
    (POD, "OUTPUT sees the real one", rules("OUTPUT -d 10.244.1.2/32 -j DROP"), {}, "drop"),
    (POD, "by its device", rules("OUTPUT -o cni0 -j DROP"), {}, "drop"),
    (POD, "which is no packet of a process", rules("OUTPUT -m owner --uid-owner 0 -j DROP"), {},
     "endpoint"),
    (POD, "nat of OUTPUT is over",
     rules(nat=("OUTPUT -j DNAT --to-destination 10.9.9.9",)), {}, "endpoint"),
    (OWN, "nat of OUTPUT sees the virtual address",
     rules(nat=(f"OUTPUT -d {VIP}/32 -j DNAT --to-destination 10.9.9.9",)), NODE, "endpoint"),
    (OWN, "filter of OUTPUT the real one alone",
     rules(f"OUTPUT -d {VIP}/32 -j DROP"), NODE, "endpoint"),
    (OWN, "its source is the virtual address", rules(f"OUTPUT -s {VIP}/32 -j DROP"), NODE, "drop"),
    (POD, "IPVS has it", rules("OUTPUT -m ipvs --ipvs -j DROP"), {}, "drop"),
    (POD, "or has not", rules("INPUT -m ipvs ! --ipvs -j DROP"), {}, "drop"),
    (POD, "for its virtual server",
     rules(f"OUTPUT -m ipvs --vproto 6 --vaddr {VIP} --vport 80 -j DROP"), {}, "drop"),
    (POD, "and no other", rules(f"OUTPUT -m ipvs --vaddr {VIP} --vport 81 -j DROP"), {},
     "endpoint"),
    (POD, "nor before it", rules(f"INPUT -m ipvs ! --vaddr {VIP} -j DROP"), {}, "endpoint"),
    (POD, "in which direction nobody says", rules("OUTPUT -m ipvs --vdir REPLY -j DROP"), {},
     "unknown"),
    (POD, "it is no DNAT", rules("OUTPUT -m conntrack --ctstate DNAT -j DROP"), {}, "endpoint"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fields", "kind"), [w[2:] for w in WAYS], ids=[f"{w[0]}: {w[1]}" for w in WAYS]
)
def test_rules_around_it(text: str, fields: dict[str, Any], kind: str) -> None:
    (fate,) = ask(servers("rr", "10.244.1.2:8080"), text, **fields)
    assert fate.kind.value == kind


@pytest.mark.parametrize("fields", [{}, NODE], ids=["from a pod", "of the node"])
def test_a_real_server_of_the_node_itself(brief: Brief, fields: dict[str, Any]) -> None:
    here = servers("rr", "192.168.0.1:6443")
    assert brief(ask(here, **fields)) == ["endpoint 192.168.0.1:6443 1"]
    through = ask(here, rules("OUTPUT -d 192.168.0.1/32 -j DROP"), **fields)
    assert through[0].kind is (FateKind.DROP if fields else FateKind.ENDPOINT)


def test_from_outside_not_to_loopback() -> None:
    (fate,) = ask(servers("rr", "127.0.0.1:80"))
    assert fate.kind is FateKind.DROP


def test_not_from_loopback_to_elsewhere() -> None:
    source = ip_address("127.0.0.1")
    (fate,) = ask(servers("rr", "10.244.1.2:80"), source=source, **NODE)
    assert fate.kind is FateKind.DROP


def test_an_address_that_is_not_bound_is_passed_on(brief: Brief) -> None:
    """From a pod it never comes to INPUT; the node's own packets IPVS sees all the same."""
    view = {"addresses": BOUND[:3]}
    assert brief(ask(servers("rr", "10.244.1.2:80"), view=view)) == ["pass 1"]
    assert brief(ask(servers("rr", "10.244.1.2:80"), view=view, **NODE)) == [
        "endpoint 10.244.1.2:80 1"
    ]


def test_an_address_without_a_virtual_server_is_local(brief: Brief) -> None:
    assert brief(ask(servers(place=f"-t {VIP}:81"))) == ["local 1"]
    assert brief(ask(servers(place=f"-u {VIP}:80"))) == ["local 1"]


LEFT_BEHIND = rules(
    nat=(
        f"PREROUTING -d {VIP}/32 -j DNAT --to-destination 10.244.1.9:8080",
        f"OUTPUT -d {VIP}/32 -j DNAT --to-destination 10.244.1.9:8080",
    )
)


@pytest.mark.parametrize("fields", [{}, NODE], ids=["from a pod", "of the node"])
def test_what_ipvs_mode_left_behind_comes_too_late(fields: dict[str, Any]) -> None:
    """After a switch to iptables mode: its nat runs before IPVS, and translates."""
    (fate,) = ask(servers("rr", "10.244.1.2:8080"), LEFT_BEHIND, **fields)
    assert str(fate.endpoint) == "10.244.1.9:8080"
    assert fate.translated_by is not None
    assert fate.translated_by.chain.backend is Backend.NFT


@pytest.mark.parametrize("place", [f"-t {VIP}:0", "-f 7"])
def test_other_ways_to_be_found(brief: Brief, place: str) -> None:
    ipvs = servers("rr -p 300", "10.244.1.2:0", place=place)
    mark = "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -j MARK --set-mark 7\nCOMMIT\n"
    assert "endpoint 10.244.1.2:80 1" in brief(ask(ipvs, mark))


def test_how_long_a_client_is_remembered() -> None:
    (fate, *_) = ask(servers("rr -p 300", "10.244.1.2:8080"))
    assert [rule.remembers for rule in fate.rules if rule.remembers] == [(300,)]


def test_any_port_needs_persistence() -> None:
    (fate,) = ask(servers("rr", place=f"-t {VIP}:0"))
    assert fate.kind is FateKind.REJECT


UNKNOWN = [
    f"-A -t {VIP}:80 -s rr\n-a -t {VIP}:80 -r 10.244.1.2:80 -g -w 1",
    f"{HEAD}TCP  0A60000A:0050 rr \n  new words\n",
    f"{HEAD}ESP  0A60000A:0050 rr\n",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_not_understood_is_unknown(text: str) -> None:
    (fate,) = ask(parse_ipvs(text))
    assert fate.kind is FateKind.UNKNOWN
    assert "ipvs" in fate.because


def test_not_read_is_unread() -> None:
    (fate,) = ask(None)
    assert fate.kind is FateKind.UNREAD
    assert [(str(name), name.backend) for name in fate.unread] == [
        ("ipvs/10.96.0.10:80", Backend.IPVS)
    ]


# A real node: kube-proxy 1.36 in ipvs mode, whose pods are elsewhere

FIXTURE = Path(__file__).parents[2] / "fixtures" / "iptables" / "kube-proxy-1.36--ipvs"


def real() -> NodeView:
    text = (FIXTURE / "iptables-save.txt").read_text()
    return make_view(
        text,
        ipvs=parse_ipvs((FIXTURE / "ip_vs.txt").read_text()),
        sets=parse_sets((FIXTURE / "ipset-save.txt").read_text()),
        addresses=parse_addresses((FIXTURE / "ip-j-addr.json").read_text()),
        routes=(
            Route(network("10.0.2.0/24"), "eth0"),
            Route(network("10.244.9.0/24"), "cni0"),
            Route(network("0.0.0.0/0"), "eth0", ip_address("10.0.2.2")),
        ),
        rulesets={(Family.IPV4, Backend.NFT): parse_save(text, Family.IPV4, Backend.NFT)}
        | {(Family.IPV4, Backend.LEGACY): parse_save("", Family.IPV4, Backend.LEGACY)},
        sysctls=SYSCTLS,
    )


def network(text: str) -> Any:
    return ip_network(text)


FROM_POD: dict[str, Any] = {"source": ip_address("10.244.9.9")}
OUTSIDE: dict[str, Any] = {"source": ip_address("8.8.8.8"), "in_interface": "eth0"}
INSIDE: dict[str, Any] = {"source": ip_address("172.18.0.9"), "in_interface": "eth0"}
BOTH = ["endpoint 10.244.1.3:8080 0.5", "endpoint 10.244.2.3:8080 0.5"]
REAL = [
    ("web, from a pod", "10.96.131.246", 80, FROM_POD, BOTH),
    ("web, from the node", "10.96.131.246", 80, NODE, [f"{one} masquerade" for one in BOTH]),
    ("its node port", "10.0.2.15", 30080, OUTSIDE, [f"{one} masquerade" for one in BOTH]),
    ("policy Local", "10.0.2.15", 30082, OUTSIDE, ["endpoint 10.244.2.5:8080 1"]),
    ("no endpoints", "10.96.124.57", 80, FROM_POD, ["reject 1"]),
    ("nor behind its node port", "10.0.2.15", 30081, OUTSIDE, ["reject 1"]),
    ("inside the source ranges", "203.0.113.10", 80, INSIDE, ["endpoint 10.244.2.5:8080 1"]),
    ("outside", "203.0.113.10", 80, OUTSIDE, ["drop 1"]),
    ("the node is outside too", "203.0.113.10", 80, NODE, ["drop 1"]),
    ("another port of a Service", "10.96.131.246", 81, FROM_POD, ["reject 1"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "port", "fields", "fates"), [row[1:] for row in REAL], ids=[row[0] for row in REAL]
)
def test_a_real_node(
    brief: Brief, where: str, port: int, fields: dict[str, Any], fates: list[str]
) -> None:
    assert brief(simulate(real(), make_packet(where, port, **fields))) == fates
