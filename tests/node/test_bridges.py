from __future__ import annotations

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.node.bridges import BRIDGE_PORTS, read_bridge_ports
from tests.parse.test_bridge_ports import PORTS
from tests.samples import capture


def test_what_was_read() -> None:
    assert BRIDGE_PORTS.argv()[0] == "grep"
    for code in (0, 2):  # a port that went meanwhile
        ports, gaps = read_bridge_ports(
            {BRIDGE_PORTS: capture(BRIDGE_PORTS, PORTS, exit_code=code)}
        )
        assert ([port.name for port in ports], gaps) == (["veth1a", "veth2b"], ())
    lo = capture(BRIDGE_PORTS, "/sys/devices/virtual/net/lo/flags:0x9\n")
    assert read_bridge_ports({BRIDGE_PORTS: lo}) == ((), ())
    assert read_bridge_ports({}) == ((), ())


def test_what_was_not_read() -> None:
    refused = capture(BRIDGE_PORTS, exit_code=None, failure=Reason.NOT_RECORDED)
    other_grep = capture(BRIDGE_PORTS, exit_code=1)
    for one in (refused, other_grep):
        ports, gaps = read_bridge_ports({BRIDGE_PORTS: one})
        assert ports == ()
        assert [(gap.what, gap.blocking) for gap in gaps] == [("ports of bridges", False)]
