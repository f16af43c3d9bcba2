from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.policy import Ingress, Operator, Peer, PortSpan, Requirement
from kubectl_svcnet.parse.network_policy import parse_network_policy

#: The example of kubernetes.io/docs/concepts/services-networking/network-policies, shortened.
EXAMPLE: dict[str, Any] = {
    "podSelector": {"matchLabels": {"role": "db"}},
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [
        {
            "from": [
                {"ipBlock": {"cidr": "172.17.0.0/16", "except": ["172.17.1.0/24"]}},
                {"namespaceSelector": {"matchLabels": {"project": "myproject"}}},
                {"podSelector": {"matchLabels": {"role": "frontend"}}},
            ],
            "ports": [{"protocol": "TCP", "port": 6379}],
        }
    ],
}


def policy(**spec: Any) -> Any:
    return parse_network_policy({"metadata": {"namespace": "default", "name": "db"}, "spec": spec})


def equals(key: str, value: str) -> Requirement:
    return Requirement(key=key, operator=Operator.IN, values=(value,))


def test_the_example_of_the_documentation() -> None:
    found = policy(**EXAMPLE)
    assert (found.namespace, found.name, found.isolates) == ("default", "db", True)
    assert found.pods == (equals("role", "db"),)
    block = ip_network("172.17.0.0/16")
    assert found.ingress == (
        Ingress(
            peers=(
                Peer(block=block, without=(ip_network("172.17.1.0/24"),)),
                Peer(namespaces=(equals("project", "myproject"),)),
                Peer(pods=(equals("role", "frontend"),)),
            ),
            ports=(PortSpan(protocol=Protocol.TCP, first=6379, last=6379),),
        ),
    )


@pytest.mark.parametrize(
    ("types", "isolates"),
    [
        (None, True),
        ([], True),
        (["Ingress"], True),
        (["Egress"], False),
        (["Egress", "Ingress"], True),
    ],
)
def test_which_of_them_isolate(types: list[str] | None, isolates: bool) -> None:
    assert policy(policyTypes=types).isolates is isolates


@pytest.mark.parametrize(
    ("port", "span"),
    [
        ({}, PortSpan(protocol=Protocol.TCP)),
        ({"protocol": "UDP"}, PortSpan(protocol=Protocol.UDP)),
        ({"port": "sql"}, PortSpan(protocol=Protocol.TCP, name="sql")),
        ({"port": 80, "endPort": 90}, PortSpan(protocol=Protocol.TCP, first=80, last=90)),
    ],
)
def test_ports(port: dict[str, Any], span: PortSpan) -> None:
    assert policy(ingress=[{"ports": [port]}]).ingress == (Ingress(ports=(span,)),)


def test_expressions_are_requirements_too() -> None:
    wanted = [
        {"key": "app", "operator": "NotIn", "values": ["a", "b"]},
        {"key": "x", "operator": "Exists"},
    ]
    assert policy(podSelector={"matchExpressions": wanted}).pods == (
        Requirement(key="app", operator=Operator.NOT_IN, values=("a", "b")),
        Requirement(key="x", operator=Operator.EXISTS),
    )


def test_an_empty_rule_lets_in_everything_and_none_nothing() -> None:
    assert policy(ingress=[{}]).ingress == (Ingress(),)
    assert policy(ingress=[]).ingress == policy().ingress == ()


@pytest.mark.parametrize(
    "spec",
    [
        {"podSelector": "db"},
        {"podSelector": {"matchLabels": {"app": 1}}},
        {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
        {"podSelector": {"matchExpressions": ["a"]}},
        {"policyTypes": "Ingress"},
        {"ingress": {}, "policyTypes": [1]},
        {"ingress": ["all"]},
        {"ingress": [{"from": [{}]}]},
        {"ingress": [{"from": [{"serviceSelector": {}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "all"}}]}]},
        {"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": [7]}}]}]},
        {"ingress": [{"ports": [{"port": []}]}]},
        {"ingress": [{"ports": [{"port": 80, "endPort": "x"}]}]},
        {"ingress": [{"ports": [{"protocol": "QUIC"}]}]},
    ],
)
def test_what_cannot_be_read_whole_is_not_read(spec: dict[str, Any]) -> None:
    with pytest.raises(ParseError):
        policy(**spec)
