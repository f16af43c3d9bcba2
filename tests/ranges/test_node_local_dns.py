from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census
from kubectl_svcnet.model.service import Service, ServiceName
from kubectl_svcnet.ranges.node_local_dns import SOURCE

DNS = Service(
    name=ServiceName("kube-system", "kube-dns"),
    type="ClusterIP",
    cluster_ips=(ip_address("10.96.0.10"),),
)


def census(agent: Any, *command: str) -> Census:
    pod = agent("node-cache", labels={"k8s-app": "node-local-dns"}, command=command)
    return Census(pods=(pod, pod), services=(DNS,))


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (("-localip", "169.254.20.10,10.96.0.10", "-conf", "x"), ["169.254.20.10/32"]),
        (("/node-cache", "--localip=169.254.20.10,fd00::a"), ["169.254.20.10/32", "fd00::a/128"]),
        (("-localip", "10.96.0.10"), []),
        (("-conf", "localip"), []),
        (("-localip",), []),
        ((), []),
    ],
)
def test_its_own_addresses(
    ask: Any, agent: Any, command: tuple[str, ...], found: list[str]
) -> None:
    claims = ask(SOURCE, census(agent, *command)).claims
    assert [claim.text for claim in claims] == found
    assert {claim.kind.value for claim in claims} <= {"Node"}


def test_no_address_is_a_gap(ask: Any, agent: Any) -> None:
    (gap,) = ask(SOURCE, census(agent, "-localip", "169.254.20.10,x")).gaps
    assert gap.next == "kubectl get -n kube-system pod node-cache-n1 -o yaml"


def test_other_pods(agent: Any) -> None:
    other = agent("x", command=("-localip", "169.254.20.10"))
    assert SOURCE.recognise(Census(pods=(other,))) == ()
