"""How virtual servers are called."""

from __future__ import annotations

from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.ipvs import Forwarding, RealServer, VirtualServer
from tests.samples import at


def test_names() -> None:
    tcp = VirtualServer(
        protocol=Protocol.TCP, address=at("[fd00::1]:80"), scheduler="rr", persistent=True
    )
    marked = VirtualServer(mark=7, scheduler="sh", one_packet=True)
    assert (tcp.name, tcp.text) == ("[fd00::1]:80", "TCP [fd00::1]:80 rr persistent")
    assert (marked.name, marked.text) == ("fwmark:7", "FWM fwmark:7 sh ops")
    real = RealServer(at("10.244.1.2:80"), Forwarding.MASQ, 0)
    assert real.text == "-> 10.244.1.2:80 Masq weight 0"
