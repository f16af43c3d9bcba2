"""A node for the walks of this folder: eth0 192.168.0.1/24, cni0 10.244.1.1/24, default by eth0."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, TypeAlias

import pytest

from kubectl_svcnet.engine.simulate import simulate
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Backend, Fate
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.parse.iptables_save import parse_save

Ask: TypeAlias = Callable[..., tuple[Fate, ...]]


def make_view(text: str = "", legacy: str = "", **fields: Any) -> NodeView:
    rulesets: dict[tuple[Family, Backend], Ruleset] = {
        (Family.IPV4, backend): parse_save(dump, Family.IPV4, backend)
        for backend, dump in ((Backend.NFT, text), (Backend.LEGACY, legacy))
    }
    known: dict[str, Any] = {
        "node": "n1",
        "rulesets": rulesets,
        "addresses_in_order": True,
        "addresses": (
            InterfaceAddress(ip_address("127.0.0.1"), "lo", 8),
            InterfaceAddress(ip_address("192.168.0.1"), "eth0", 24),
            InterfaceAddress(ip_address("10.244.1.1"), "cni0", 24),
        ),
        "routes": (
            Route(ip_network("192.168.0.0/24"), "eth0"),
            Route(ip_network("10.244.1.0/24"), "cni0"),
            Route(ip_network("0.0.0.0/0"), "eth0", ip_address("192.168.0.254")),
        ),
        "sysctls": {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.route_localnet": "1"},
    }
    return NodeView(**(known | fields))


def make_packet(destination: str = "10.96.0.10", port: int = 80, **fields: Any) -> Packet:
    """From a pod, unless the fields say otherwise."""
    known: dict[str, Any] = {
        "hook": Hook.PREROUTING,
        "protocol": Protocol.TCP,
        "source": ip_address("10.244.1.9"),
        "source_port": 40000,
        "in_interface": "cni0",
    }
    if fields.get("hook") is Hook.OUTPUT:
        known |= {"source": None, "in_interface": None}
    return Packet(destination=ip_address(destination), destination_port=port, **(known | fields))


@pytest.fixture
def view() -> Callable[..., NodeView]:
    return make_view


@pytest.fixture
def packet() -> Callable[..., Packet]:
    return make_packet


@pytest.fixture
def ask() -> Ask:
    """The fates of a packet under a dump: `ask(text, port=80, view={"addresses": None})`."""

    def _ask(text: str, *args: Any, view: dict[str, Any] | None = None, **fields: Any) -> Any:
        extra = dict(view or {})
        legacy = extra.pop("legacy", "")
        explain = fields.pop("explain", False)
        return simulate(
            make_view(text, legacy, **extra), make_packet(*args, **fields), explain=explain
        )

    return _ask


@pytest.fixture
def brief() -> Callable[[tuple[Fate, ...]], list[str]]:
    """Fates as words: `endpoint 10.244.1.2:8080 0.5 masquerade`, sorted."""

    def _brief(fates: tuple[Fate, ...]) -> list[str]:
        words = []
        for fate in fates:
            parts = [fate.kind.value, str(fate.endpoint or "")]
            parts.append("?" if fate.probability is None else f"{fate.probability:.2g}")
            parts.append("masquerade" if fate.masquerade else "")
            words.append(" ".join(part for part in parts if part))
        return sorted(words)

    return _brief
