"""What shows userspace mode; its rules are written after kube-proxy 1.24's source."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_userspace import DATAPLANE
from kubectl_svcnet.model.address import Family
from tests.samples import frontend, node, proxy, service, view

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


def test_recognised_by_its_pod() -> None:
    owner = DATAPLANE.recognise(node(), (proxy(),))
    assert owner is not None
    assert (owner.name, owner.proven) == ("kube-proxy/userspace", False)
    assert DATAPLANE.recognise(node(), ()) is None


def test_no_names_and_no_addresses() -> None:
    assert DATAPLANE.names(service(), frontend(), ()) == frozenset()
    assert DATAPLANE.node_ports_elsewhere(view(), ip_address("10.0.0.1")) == ""
