"""What shows ipvs mode: real nodes of it, and of other modes."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_ipvs import DATAPLANE, OWN, likely
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.nodeview import InterfaceAddress
from kubectl_svcnet.parse.ipset_save import parse_sets
from kubectl_svcnet.parse.ipvs import parse_ipvs
from tests.samples import frontend, node, proxy, service, view

FIXTURES = Path(__file__).parents[1] / "fixtures" / "iptables"
REAL = ["kube-proxy-1.20--ipvs", "kube-proxy-1.36--ipvs", "kube-proxy-1.36-dual--ipvs"]
SAVED = (path.parent.name for path in FIXTURES.glob("*/iptables-save.txt"))
OTHERS = sorted(name for name in SAVED if not name.endswith("--ipvs"))


def saved(case: str, name: str = "iptables-save") -> str:
    return (FIXTURES / case / f"{name}.txt").read_text()


@pytest.mark.parametrize("case", REAL)
def test_its_rules_prove_it(case: str) -> None:
    seen = view(saved(case))
    assert DATAPLANE.programmed(seen) == "nat/KUBE-SERVICES"
    assert DATAPLANE.programmed(seen, Family.IPV6) == ""
    assert likely(seen)


@pytest.mark.parametrize("case", OTHERS)
def test_no_other_rules_do(case: str) -> None:
    seen = view(saved(case))
    assert DATAPLANE.programmed(seen) == ""
    assert not likely(seen)


def test_a_family_without_services_proves_nothing() -> None:
    text = saved("kube-proxy-1.36--ipvs", "ip6tables-save")
    assert DATAPLANE.programmed(view(text, family=Family.IPV6)) == ""


def test_its_device_makes_virtual_servers_likely() -> None:
    bound = InterfaceAddress(ip_address("10.96.0.1"), "kube-ipvs0", 32)
    assert likely(view(addresses=(bound,)))
    assert not likely(view())


@pytest.mark.parametrize("case", REAL)
def test_its_chains_are_its_own(case: str) -> None:
    chains = {line[1:].split()[0] for line in saved(case).splitlines() if line.startswith(":KUBE-")}
    assert chains <= OWN.names


def test_recognised_by_its_pod() -> None:
    owner = DATAPLANE.recognise(node(), (proxy(),))
    assert owner is not None
    assert (owner.name, owner.proven) == ("kube-proxy/ipvs", False)
    assert DATAPLANE.recognise(node(), ()) is None
    assert DATAPLANE.names(service(), frontend(), ()) == frozenset()


PORTS = "create KUBE-NODE-PORT-TCP bitmap:port range 0-65535\nadd KUBE-NODE-PORT-TCP 30080\n"


@pytest.mark.parametrize(
    ("served", "elsewhere"),
    [
        ("192.168.0.1", ""),
        ("10.0.0.7", "kube-proxy serves node ports at 10.0.0.7 only (nodePortAddresses)"),
        ("10.96.0.1", ""),  # a Service's own port that happens to be one of node ports
    ],
)
def test_node_ports_at_some_addresses_alone(served: str, elsewhere: str) -> None:
    devices = {"192.168.0.1": "eth0", "10.0.0.7": "eth1", "10.96.0.1": "kube-ipvs0"}
    seen = view(
        ipvs=parse_ipvs(f"-A -t {served}:30080 -s rr\n"),
        sets=parse_sets(PORTS),
        addresses=tuple(InterfaceAddress(ip_address(a), d, 24) for a, d in devices.items()),
    )
    assert DATAPLANE.node_ports_elsewhere(seen, ip_address("192.168.0.1")) == elsewhere


def test_dispatched() -> None:
    """What its device does not hold is for node ports, and so may be what another holds too."""
    places = ("10.96.0.1:443", "192.168.0.1:30080", "192.168.0.2:30080")
    servers = parse_ipvs("".join(f"-A -t {place} -s rr\n" for place in places))
    bound = InterfaceAddress(ip_address("10.96.0.1"), "kube-ipvs0", 32)
    mine = InterfaceAddress(ip_address("192.168.0.1"), "eth0", 24)
    outer = InterfaceAddress(ip_address("192.168.0.2"), "kube-ipvs0", 32)
    both = replace(outer, interface="eth0")
    seen = view(ipvs=servers, addresses=(bound, mine, outer, both))
    found = [(str(one), one.whose) for one in DATAPLANE.dispatched(seen)]
    assert found == [("10.96.0.1:443/TCP", "")]
    assert [*DATAPLANE.dispatched(view(ipvs=None))] == []
