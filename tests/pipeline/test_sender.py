"""PROTO SRC DST:PORT: the words, and on which node the sender's packet is followed."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.options import PacketOptions
from kubectl_svcnet.model.packet import Hook
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.inventory import read_nodes
from kubectl_svcnet.pipeline.sender import Spoken, find_sender, saved_question, spoken
from tests.samples import at
from tests.saved import Saved, of_resource

VIP, VIP6 = "10.96.78.5:3306", "[fd00:10:96::1a17]:80"


def asked(words: str, **values: Any) -> PacketOptions:
    return PacketOptions(words=tuple(words.split()), **values)


@pytest.mark.parametrize(
    ("words", "protocol", "destination", "address", "pod"),
    [
        (f"tcp 10.244.1.9 {VIP}", Protocol.TCP, VIP, "10.244.1.9", None),
        (f"UDP 10.244.1.9 {VIP}", Protocol.UDP, VIP, "10.244.1.9", None),
        (f"sctp default/client {VIP}", Protocol.SCTP, VIP, None, ("default", "client")),
        (f"tcp node {VIP6}", Protocol.TCP, VIP6, None, None),
        (f"tcp fd00::9 {VIP6}", Protocol.TCP, VIP6, "fd00::9", None),
        (f"tcp [fd00::9] {VIP6}", Protocol.TCP, VIP6, "fd00::9", None),
    ],
)
def test_words(
    words: str,
    protocol: Protocol,
    destination: str,
    address: str | None,
    pod: tuple[str, str] | None,
) -> None:
    made = spoken(asked(words))
    assert (made.protocol, made.destination, made.pod) == (protocol, at(destination), pod)
    assert made.address == (ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("words", "values", "why"),
    [
        ("", {}, "three words: packet PROTO SRC DST:PORT"),
        ("tcp 10.0.0.1", {}, "three words"),
        (f"icmp 10.0.0.1 {VIP}", {}, "'icmp' is no protocol that is followed: tcp, udp, sctp"),
        ("tcp 10.0.0.1 10.96.0.1", {}, "no ADDRESS:PORT"),
        ("tcp 10.0.0.1 10.96.0.1:0", {}, "no ADDRESS:PORT"),
        ("tcp 10.0.0.1 10.96.0.1:65536", {}, "no ADDRESS:PORT"),
        ("tcp 10.0.0.1 db-service:80", {}, "no ADDRESS:PORT"),
        ("tcp fd00::1 fd00::2:80", {}, "no ADDRESS:PORT"),
        (f"tcp client {VIP}", {}, "'client' is no sender"),
        (f"tcp fd00::1 {VIP}", {}, "of two families"),
        (f"tcp node {VIP}", {"hook": "prerouting"}, "by the hook output"),
        (f"tcp node {VIP}", {"in_interface": "cni0"}, "by the hook output"),
    ],
)
def test_wrong_words(words: str, values: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        spoken(asked(words, **values))


def test_saved_rules_know_no_pods() -> None:
    with pytest.raises(UsageError, match="give the pod's address"):
        saved_question(spoken(asked(f"tcp default/client {VIP}")))


@pytest.mark.parametrize(
    ("source", "values", "hook", "own_source"),
    [
        ("10.244.1.9", {}, Hook.PREROUTING, True),
        ("10.244.1.9", {"hook": "prerouting"}, Hook.PREROUTING, False),
        ("10.244.1.9", {"hook": "output"}, Hook.OUTPUT, False),
        ("10.244.1.9", {"in_interface": "eth0"}, Hook.PREROUTING, False),
        ("node", {}, Hook.OUTPUT, True),
    ],
)
def test_the_packet(source: str, values: dict[str, Any], hook: Hook, own_source: bool) -> None:
    options = asked(f"tcp {source} {VIP}", source_port=40000, mark=0x4000, **values)
    question = saved_question(spoken(options))
    packet = question.packet
    assert (packet.hook, question.own_source) == (hook, own_source)
    assert (packet.source_port, packet.mark) == (40000, 0x4000)
    assert packet.in_interface == values.get("in_interface")
    assert question.id == f"tcp {source} {VIP}"


def found(words: str, chosen: str = "", saved: Saved | None = None) -> tuple[str, Hook, str]:
    collector = Collector((saved or Saved()).source())
    nodes = read_nodes(collector)[0].nodes or ()
    node, question = find_sender(collector, spoken(asked(words)), nodes, chosen)
    return node, question.packet.hook, str(question.packet.source)


@pytest.mark.parametrize(
    ("words", "chosen", "node", "hook", "source"),
    [
        (f"tcp default/client-n2 {VIP}", "", "n2", Hook.PREROUTING, "10.244.2.4"),
        (f"tcp default/client-n2 {VIP}", "n1", "n1", Hook.PREROUTING, "10.244.2.4"),
        (f"tcp default/client-n2 {VIP6}", "", "n2", Hook.PREROUTING, "fd00:10:244:2::4"),
        (f"tcp 10.244.2.4 {VIP}", "", "n2", Hook.PREROUTING, "10.244.2.4"),
        (f"tcp fd00:10:244:2::4 {VIP6}", "", "n2", Hook.PREROUTING, "fd00:10:244:2::4"),
        (f"tcp 10.244.2.4 {VIP}", "n3", "n3", Hook.PREROUTING, "10.244.2.4"),
        (f"tcp 9.9.9.9 {VIP}", "n3", "n3", Hook.PREROUTING, "9.9.9.9"),
        (f"tcp node {VIP}", "n3", "n3", Hook.OUTPUT, "None"),
        # what is on the node's own network sends as the node does
        (f"tcp kube-system/etcd-n1 {VIP}", "", "n1", Hook.OUTPUT, "None"),
        (f"tcp 172.18.0.3 {VIP}", "", "n2", Hook.PREROUTING, "172.18.0.3"),
    ],
)
def test_who_sends_and_where(words: str, chosen: str, node: str, hook: Hook, source: str) -> None:
    assert found(words, chosen) == (node, hook, source)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (f"tcp 9.9.9.9 {VIP}", "no running pod has the address 9.9.9.9"),
        (f"tcp node {VIP}", "--node NAME"),
        (f"tcp default/nope {VIP}", 'Error from server (NotFound): pods "nope" not found'),
    ],
)
def test_nobody(words: str, why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)):
        found(words)


def test_a_pod_without_an_address_of_the_family() -> None:
    def one_family(item: Any) -> Any:
        item["status"]["podIPs"] = item["status"].get("podIPs", [])[:1]
        return item

    saved = Saved().objects("pods", one_family)
    with pytest.raises(UsageError, match="pod default/client-n1 has no IPv6 address"):
        found(f"tcp default/client-n1 {VIP6}", saved=saved)


def test_pods_that_may_not_be_read() -> None:
    saved = Saved().refuse(
        lambda c: of_resource(c.request, "pods"), Reason.FORBIDDEN, "pods is forbidden"
    )
    with pytest.raises(ClusterError):
        found(f"tcp 10.244.2.4 {VIP}", saved=saved)


def test_nothing_is_asked_where_nothing_is_open() -> None:
    assert isinstance(spoken(asked(f"tcp node {VIP}")), Spoken)
    assert found(f"tcp node {VIP}", "n9")[0] == "n9"  # whether it exists is asked later
