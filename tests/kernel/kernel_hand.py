"""Rulesets written by hand, of all three tools at once, held against the kernel."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.nft import is_iptables
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.parse.iptables_save import parse_save
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.kernel.kernel_net import FAR_PODS, NODE, OUTSIDE, POD_A, POD_B, TRIES, Net
from tests.kernel.kernel_packets import TCP, UDP, Probe
from tests.kernel.kernel_view import foretold, packet_of, read_view

VIP = "10.96.0.10"
PROBES = (
    Probe("pod-a", TCP, POD_A, VIP, 80),
    Probe("pod-b", TCP, POD_B, POD_A, 80),
    Probe("far", UDP, OUTSIDE, POD_B, 53),
    Probe("far", TCP, FAR_PODS[0], NODE, 80),
    Probe("node", UDP, None, POD_A, 53),
    Probe("node", TCP, None, NODE, 80),
)
TOOLS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_TABLES = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}
_REPEATS = 8


@dataclass(frozen=True)
class Hand:
    """`native`: texts for nft. `iptables`: lines of rules by table, "legacy:" before it or not.
    `surplus`: more is foretold than what a quiet machine shows, as state decides."""

    name: str
    native: tuple[str, ...] = ()
    iptables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sets: str = ""
    probes: tuple[Probe, ...] = PROBES
    setup: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    surplus: bool = False

    @property
    def family(self) -> Family:
        return self.probes[0].family


def native(*chains: str, sets: str = "", family: str = "ip") -> str:
    return f"table {family} beside {{\n{sets}\n" + "\n".join(chains) + "\n}\n"


def chain(hook: str, priority: int, *rules: str, kind: str = "filter", name: str = "") -> str:
    lines = "\n".join(rules)
    head = f"type {kind} hook {hook} priority {priority};"
    return f"chain {name or hook}{priority + 400} {{\n{head}\n{lines}\n}}"


def at_start(priority: int, *rules: str) -> str:
    """Where packets come in and where the node sends its own."""
    return "\n".join(chain(hook, priority, *rules) for hook in ("prerouting", "output"))


def dump(tables: Mapping[str, tuple[str, ...]], backend: str) -> str:
    """All tables, so that what was there before is gone."""
    lines = []
    for table, hooks in _TABLES.items():
        lines += [f"*{table}", *(f":{hook} ACCEPT [0:0]" for hook in hooks)]
        lines += tables.get(f"legacy:{table}" if backend == "legacy" else table, ())
        lines.append("COMMIT")
    return "\n".join([*lines, ""])


def clear(net: Net) -> None:
    net.run("node", "nft", "flush", "ruleset")
    for family in TOOLS:
        net.load({"legacy": dump({}, "legacy")}, family)
    net.run("node", "ipset", "flush")
    for tries_left in reversed(range(40)):  # rules that named a set are freed a little later
        try:
            net.run("node", "ipset", "destroy")
            break
        except RuntimeError:
            if not tries_left:
                raise
            time.sleep(0.05)
    net.run("node", "conntrack", "-F")


def load(net: Net, case: Hand) -> NodeView:
    """The node under these rules, as it is listed."""
    for line in case.setup:
        net.run("node", *line.split())
    if case.sets:
        net.run("node", "ipset", "restore", text=case.sets)
    for backend in ("nft", "legacy"):
        if any(name.startswith("legacy:") is (backend == "legacy") for name in case.iptables):
            net.load({backend: dump(case.iptables, backend)}, case.family)
    for text in case.native:
        net.run("node", "nft", "-f", "-", text=text)
    rulesets = {
        (family, Backend(backend)): parse_save(
            net.run("node", f"{tool}-{backend}-save"), family, Backend(backend)
        )
        for family, tool in TOOLS.items()
        for backend in ("nft", "legacy")
    }
    listed = parse_ruleset(net.run("node", "nft", "list", "ruleset"))
    tables = tuple(one for one in listed if not is_iptables(one.family, one.name))
    return replace(read_view(net, sets=True), rulesets=rulesets, nft_tables=tables)


def disagreements(net: Net, case: Hand) -> list[str]:
    simulator = Simulator(load(net, case))
    wrong = []
    for probe in case.probes:
        expected = foretold(simulator.fates(packet_of(probe)))
        for _ in range(TRIES):
            seen = set(net.send([probe] * _REPEATS))
            if seen == expected or (case.surplus and seen < expected):
                break
        else:
            wrong.append(f"{probe}: seen {sorted(seen)}, foretold {sorted(expected)}")
    return wrong
