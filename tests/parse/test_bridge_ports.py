from __future__ import annotations

from kubectl_svcnet.model.bridge import BridgePort
from kubectl_svcnet.parse.bridge_ports import parse_bridge_ports

#: Of kernel 6.18, two ports of one bridge, beside another that has none.
PORTS = """\
/sys/devices/virtual/net/veth1a/brport/hairpin_mode:0
/sys/devices/virtual/net/veth1a/brport/designated_bridge:8000.0aec87b07c21
/sys/devices/virtual/net/veth1a/flags:0x1303
/sys/devices/virtual/net/veth2b/brport/hairpin_mode:1
/sys/devices/virtual/net/veth2b/brport/designated_bridge:8000.0aec87b07c21
/sys/devices/virtual/net/veth2b/flags:0x1303
/sys/devices/virtual/net/lo/flags:0x9
/sys/devices/virtual/net/docker0/bridge/bridge_id:8000.02421f5d3c3a
/sys/devices/virtual/net/docker0/flags:0x1003
/sys/devices/virtual/net/cni0/bridge/bridge_id:8000.0aec87b07c21
/sys/devices/virtual/net/cni0/flags:0x1003
"""


def test_ports_and_their_bridge() -> None:
    assert parse_bridge_ports(PORTS) == (
        BridgePort(name="veth1a", bridge="cni0", hairpin=False),
        BridgePort(name="veth2b", bridge="cni0", hairpin=True),
    )


def test_a_promiscuous_bridge() -> None:
    found = parse_bridge_ports(PORTS.replace("cni0/flags:0x1003", "cni0/flags:0x1103"))
    assert [port.promiscuous for port in found] == [True, True]


def test_what_says_nothing() -> None:
    assert parse_bridge_ports("") == ()
    assert parse_bridge_ports("grep: nonsense\n/sys/devices/virtual/net/v\n/else/v/flags:1") == ()
    strange = PORTS.replace("0x1003", "0xnot").replace("cni0/bridge/bridge_id:8000.", "cni0/x:")
    assert [(p.bridge, p.promiscuous) for p in parse_bridge_ports(strange)] == [("", False)] * 2
    cut = PORTS[: PORTS.index("bridge:8000")]
    assert parse_bridge_ports(cut) == (BridgePort(name="veth1a", bridge="", hairpin=False),)
