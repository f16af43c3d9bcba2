"""Settings of kube-proxy that change its rules: a healthy one stays healthy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubectl_svcnet.model.service import FrontendKind
from tests.proxies.control_plane import ControlPlane, Object
from tests.proxies.node import proxy_node
from tests.proxies.objects import every_kind
from tests.proxies.reading import look, places, told
from tests.proxies.topology import HERE, pod

pytestmark = [pytest.mark.e2e, pytest.mark.full]

VERSION = "v1.36.3"
BRIDGE = {"detectLocal": {"bridgeInterface": "cni0"}}
PREFIX = {"detectLocal": {"interfaceNamePrefix": "veth"}}
NO_RANGE = {"clusterCIDR": ""}

#: The mode is known only when a test runs.
SETTINGS: dict[str, Callable[[str], Object]] = {
    "masquerade-all": lambda mode: {mode: {"syncPeriod": "1h", "masqueradeAll": True}},
    "masquerade-bit": lambda mode: {mode: {"syncPeriod": "1h", "masqueradeBit": 15}},
    "local-by-node-range": lambda _: {"detectLocalMode": "NodeCIDR", **NO_RANGE},
    "local-by-bridge": lambda _: {"detectLocalMode": "BridgeInterface", **BRIDGE, **NO_RANGE},
    "local-by-prefix": lambda _: {"detectLocalMode": "InterfaceNamePrefix", **PREFIX, **NO_RANGE},
    "local-unknown": lambda _: NO_RANGE,
    "node-ports-primary": lambda _: {"nodePortAddresses": ["primary"]},
    "node-ports-of-network": lambda _: {"nodePortAddresses": ["172.21.0.0/16"]},
    "no-localhost": lambda _: {"iptables": {"syncPeriod": "1h", "localhostNodePorts": False}},
}
MODES = pytest.mark.parametrize("mode", ["iptables", "nftables"])


@MODES
@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_amiss(plane: ControlPlane, mode: str, name: str) -> None:
    plane.replace(every_kind())
    with proxy_node(plane, VERSION, mode, SETTINGS[name](mode)) as node:
        report = look(node)
    assert not report.findings, told(report)
    assert {place.verdict.value for _, place in places(report)} == {"ok"}


@MODES
def test_node_ports_nowhere(plane: ControlPlane, mode: str) -> None:
    """As far as its rules go somebody may have deleted them; its configuration says no."""
    plane.replace(every_kind())
    settings = {"nodePortAddresses": ["192.0.2.0/24"]}
    with proxy_node(plane, VERSION, mode, settings) as node:
        report = look(node)
    assert not report.findings, told(report)
    verdicts = set()
    for frontend, place in places(report):
        here = frontend.frontend.kind is not FrontendKind.NODE_PORT
        if here or frontend.frontend.family.value == "IPv6":
            assert place.verdict.value == "ok"
        else:
            assert not place.reached
            verdicts.add(place.verdict.value)
    assert "unread" in verdicts
    assert verdicts <= {"unread", "ok"}  # where nobody is expected, no answer is right
    assert not [gap for gap in report.gaps if gap.blocking]
    assert any("192.0.2.0/24 only" in gap.why for gap in report.gaps)


@MODES
def test_node_ports_at_another_address(plane: ControlPlane, mode: str) -> None:
    """They are served at cni0 only, so nothing is said of the address that is dialled."""
    plane.replace(every_kind())
    settings = {"nodePortAddresses": [f"{pod(HERE, 0)}/24"]}
    with proxy_node(plane, VERSION, mode, settings) as node:
        report = look(node)
    assert not report.findings, told(report)
    for frontend, place in places(report):
        here = frontend.frontend.kind is not FrontendKind.NODE_PORT
        six = frontend.frontend.family.value == "IPv6"
        assert place.verdict.value == ("ok" if here or six else "unread")
    assert not [gap for gap in report.gaps if gap.blocking]
    assert any("nodePortAddresses" in gap.why for gap in report.gaps)
