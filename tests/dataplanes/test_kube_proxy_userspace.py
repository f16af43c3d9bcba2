"""What shows userspace mode: a real kube-proxy 1.24, and rules written after its source."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_userspace import DATAPLANE, OWN
from kubectl_svcnet.model.address import Family
from tests.samples import frontend, node, proxy, service, view

REAL = Path(__file__).parents[1] / "fixtures" / "iptables" / "kube-proxy-1.24--userspace"

SAVE = """*nat
:PREROUTING ACCEPT [0:0]
{rule}
COMMIT
"""
JUMP = '-A PREROUTING -m comment --comment "handle ClusterIPs" -j KUBE-PORTALS-CONTAINER'


@pytest.mark.parametrize(
    ("rule", "proof"),
    [
        (JUMP, "nat/KUBE-PORTALS-CONTAINER"),
        (":KUBE-PORTALS-CONTAINER - [0:0]", ""),  # left behind
        ("-A PREROUTING -j KUBE-SERVICES", ""),
    ],
)
def test_what_proves_it(rule: str, proof: str) -> None:
    assert DATAPLANE.programmed(view(SAVE.format(rule=rule))) == proof
    assert DATAPLANE.programmed(view(SAVE.format(rule=rule)), Family.IPV6) == ""


def test_a_real_one_proves_it_in_its_only_family() -> None:
    saved = (REAL / "iptables-save.txt").read_text()
    assert DATAPLANE.programmed(view(saved)) == "nat/KUBE-PORTALS-CONTAINER"
    other = view((REAL / "ip6tables-save.txt").read_text(), family=Family.IPV6)
    assert DATAPLANE.programmed(other, Family.IPV6) == ""


def test_a_real_ones_chains_are_its_own() -> None:
    saved = (REAL / "iptables-save.txt").read_text()
    chains = {line[1:].split()[0] for line in saved.splitlines() if line.startswith(":KUBE-")}
    of_the_kubelet = {"KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY"}
    assert chains - of_the_kubelet <= OWN.names


def test_recognised_by_its_pod() -> None:
    owner = DATAPLANE.recognise(node(), (proxy(),))
    assert owner is not None
    assert (owner.name, owner.proven) == ("kube-proxy/userspace", False)
    assert DATAPLANE.recognise(node(), ()) is None


def test_no_names_and_no_addresses() -> None:
    assert DATAPLANE.names(service(), frontend(), ()) == frozenset()
    assert DATAPLANE.node_ports_elsewhere(view(), ip_address("10.0.0.1")) == ""
