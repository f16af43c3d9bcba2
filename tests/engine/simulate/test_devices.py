"""tests/kernel/test_devices.py sends packets; this is what is not known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.parse.nftables import parse_ruleset
from kubectl_svcnet.parse.nftables_json import parse_json
from tests.engine.simulate.conftest import Ask

SHOWN = {"net.bridge.bridge-nf-call-iptables": "1", "net.ipv4.ip_forward": "1"}
HIDDEN = SHOWN | {"net.bridge.bridge-nf-call-iptables": "0"}
PORTS, NONE = {"veth1": "cni0"}, dict[str, str]()
NODE, NOWHERE = {"hook": Hook.OUTPUT}, {"in_interface": None}
BY_PORT = {"physical_in": "veth1"}


def table(hook: str, devices: str, family: str = "netdev") -> str:
    head = f"type filter hook {hook} devices = {{ {devices} }} priority 0; policy drop;"
    return f"table {family} t {{\n\tchain a {{\n\t\t{head}\n\t}}\n}}\n"


@pytest.mark.parametrize(
    ("text", "masters", "sysctls", "packet", "kind"),
    [
        (table("ingress", "cni0"), NONE, SHOWN, {}, "drop"),
        (table("ingress", "cni0", "inet"), NONE, SHOWN, {}, "drop"),
        (table("ingress", "eth0, eth1"), NONE, SHOWN, {}, "pass"),
        (table("ingress", "cni0"), NONE, SHOWN, NODE, "pass"),
        (table("ingress", "cni0"), NONE, SHOWN, NOWHERE, "unknown"),
        # cni0 is a bridge, or may be one
        (table("ingress", "cni0"), PORTS, HIDDEN, {}, "drop"),
        (table("ingress", "cni0"), PORTS, SHOWN, {}, "unknown"),
        (table("ingress", "cni0"), None, SHOWN, {}, "unknown"),
        (table("ingress", "veth1"), PORTS, SHOWN, BY_PORT, "drop"),
        (table("ingress", "veth2"), PORTS, SHOWN, BY_PORT, "pass"),
        (table("ingress", "veth1"), PORTS, SHOWN, {}, "unknown"),
        (table("ingress", "veth1"), None, SHOWN, {}, "unknown"),
        (table("ingress", "eth0"), None, SHOWN, {}, "pass"),  # it has an address
        (table("egress", "eth0"), NONE, SHOWN, {}, "drop"),
        (table("egress", "eth0"), None, SHOWN, NODE, "drop"),
        (table("egress", "cni0"), NONE, SHOWN, {}, "pass"),
    ],
)
def test_devices(
    ask: Ask,
    text: str,
    masters: Mapping[str, str] | None,
    sysctls: Mapping[str, str],
    packet: dict[str, Any],
    kind: str,
) -> None:
    view = {"nft_tables": parse_ruleset(text), "masters": masters, "sysctls": sysctls}
    (fate,) = ask("", "8.8.8.8", view=view, **packet)
    assert fate.kind.value == kind, fate.because


def test_json_that_names_no_device(ask: Ask) -> None:
    chain = {"family": "netdev", "table": "t", "name": "a", "type": "filter", "hook": "ingress"}
    listed = [{"table": {"family": "netdev", "name": "t"}}]
    for policy, kind in (("drop", "unknown"), ("accept", "pass")):
        made = {"chain": chain | {"prio": 0, "policy": policy}}
        view = {"nft_tables": parse_json(json.dumps({"nftables": [*listed, made]}))}
        assert [fate.kind.value for fate in ask("", "8.8.8.8", view=view)] == [kind]


def test_one_that_lets_all_go_on_changes_nothing(ask: Ask) -> None:
    text = table("ingress", "cni0").replace("policy drop", "policy accept")
    text = text.replace("accept;\n", "accept;\n\t\tip daddr 9.9.9.9 drop\n")
    view = {"nft_tables": parse_ruleset(text), "masters": None, "sysctls": SHOWN}
    assert [fate.kind.value for fate in ask("", "8.8.8.8", view=view)] == ["pass"]
