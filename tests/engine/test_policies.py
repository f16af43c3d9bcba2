"""Cases of the API's documentation: networking.k8s.io/v1, NetworkPolicySpec."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

import pytest

from kubectl_svcnet.engine.policies import Flow, admits, isolating, selects
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.policy import (
    Ingress,
    NetworkPolicy,
    Operator,
    Peer,
    PortSpan,
    Requirement,
)
from kubectl_svcnet.model.service import Container, ContainerPort, Pod
from tests.samples import pod

PORTS = (ContainerPort(number=3306, protocol=Protocol.TCP, name="sql"),)
SERVER = pod(
    "db", "10.244.1.2", labels={"app": "db"}, containers=(Container(name="c", ports=PORTS),)
)
CLIENT = pod("web", "10.244.2.9", labels={"app": "web"}, namespace="shop")
DB = Requirement(key="app", operator=Operator.IN, values=("db",))
WEB = Requirement(key="app", operator=Operator.IN, values=("web",))
SHOP = Requirement(key="kubernetes.io/metadata.name", operator=Operator.IN, values=("shop",))
TEAM = Requirement(key="team", operator=Operator.IN, values=("a",))
PODS = ip_network("10.244.0.0/16")


def policy(*ingress: Ingress, **values: object) -> NetworkPolicy:
    return NetworkPolicy(namespace="default", name="p", ingress=ingress, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "server", "isolated"),
    [
        (policy(), SERVER, True),  # an empty podSelector
        (policy(pods=(DB,)), SERVER, True),
        (policy(pods=(WEB,)), SERVER, False),
        (policy(isolates=False), SERVER, False),
        (policy(), pod("db", namespace="shop"), False),
        (policy(), pod("db", host_network=True), False),
    ],
)
def test_who_is_isolated(one: NetworkPolicy, server: Pod, isolated: bool) -> None:
    assert isolating([one], server) == ((one,) if isolated else ())


@pytest.mark.parametrize(
    ("rule", "let_in"),
    [
        (Ingress(), True),
        (Ingress(peers=(Peer(pods=(WEB,)),)), False),  # of the policy's own namespace
        (Ingress(peers=(Peer(pods=(WEB,), namespaces=()),)), True),  # of any
        (Ingress(peers=(Peer(pods=(DB,), namespaces=()),)), False),
        (Ingress(peers=(Peer(namespaces=(SHOP,)),)), True),
        (Ingress(peers=(Peer(namespaces=(SHOP, TEAM)),)), None),
        (Ingress(peers=(Peer(pods=(DB,), namespaces=(TEAM,)),)), False),
        (Ingress(peers=(Peer(namespaces=(TEAM,)), Peer(namespaces=(SHOP,)))), True),
        (Ingress(peers=(Peer(block=PODS),)), None),
        (Ingress(peers=(Peer(block=ip_network("10.9.0.0/16")),)), False),
        (Ingress(peers=(Peer(block=PODS, without=(ip_network("10.244.2.0/24"),)),)), False),
        (Ingress(ports=(PortSpan(protocol=Protocol.TCP),)), True),
        (Ingress(ports=(PortSpan(protocol=Protocol.UDP),)), False),
        (Ingress(ports=(PortSpan(protocol=Protocol.TCP, first=3306, last=3306),)), True),
        (Ingress(ports=(PortSpan(protocol=Protocol.TCP, first=3000, last=3306),)), True),
        (Ingress(ports=(PortSpan(protocol=Protocol.TCP, first=3000, last=3305),)), False),
        (Ingress(ports=(PortSpan(protocol=Protocol.TCP, name="sql"),)), True),
        (Ingress(ports=(PortSpan(protocol=Protocol.TCP, name="web"),)), False),
    ],
)
def test_whom_a_rule_lets_in(rule: Ingress, let_in: bool | None) -> None:
    flow = Flow(client=CLIENT, server=SERVER, port=3306, protocol=Protocol.TCP)
    assert admits([policy(rule)], flow) is let_in
    assert admits([policy(), policy(rule)], flow) is let_in, "rules add up over policies"


def test_no_policy_lets_in_everything_and_one_without_rules_nothing() -> None:
    flow = Flow(client=CLIENT, server=SERVER, port=3306, protocol=Protocol.TCP)
    assert admits([], flow) is True
    assert admits([policy()], flow) is False


@pytest.mark.parametrize(
    ("operator", "of_db", "of_none"),
    [
        (Operator.IN, True, False),
        (Operator.NOT_IN, False, True),
        (Operator.EXISTS, True, False),
        (Operator.DOES_NOT_EXIST, False, True),
    ],
)
def test_operators(operator: Operator, of_db: bool, of_none: bool) -> None:
    selector = (Requirement(key="app", operator=operator, values=("db",)),)
    labels: list[Mapping[str, str]] = [{"app": "db"}, {}]
    assert [selects(selector, each) for each in labels] == [of_db, of_none]
