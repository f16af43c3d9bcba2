"""What NetworkPolicies say of one pod's packets to another, by the API's words alone.

A pod that a policy isolates lets in what some rule of some policy that isolates it names; any other
pod lets in everything (networking.k8s.io/v1, NetworkPolicySpec). Who enforces that, and whether
anybody does, is not known here. None: it cannot be told, for

- of a namespace only the label is known that every namespace has;
- agents differ in whether a block holds addresses of pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..model.address import Protocol
from ..model.policy import Ingress, NetworkPolicy, Operator, Peer, PortSpan, Requirement, Selector
from ..model.service import Pod

#: Set by the API server to the namespace's name, since 1.21.
_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """From `client`, by its own address, to a port of `server`. None: from an address that is
    not known, as masqueraded packets bear."""

    client: Pod | None
    server: Pod
    port: int
    protocol: Protocol


def isolating(policies: Iterable[NetworkPolicy], pod: Pod) -> tuple[NetworkPolicy, ...]:
    """Those that say who may reach it. For pods with the node's address nothing is defined."""
    if pod.host_network:
        return ()
    return tuple(
        policy
        for policy in policies
        if policy.isolates
        and policy.namespace == pod.namespace
        and selects(policy.pods, pod.labels)
    )


def admits(policies: Sequence[NetworkPolicy], flow: Flow) -> bool | None:
    """`policies`: those that isolate the server."""
    if not policies:
        return True
    return _any(_rule(rule, policy, flow) for policy in policies for rule in policy.ingress)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    return all(_holds(requirement, labels) for requirement in selector)


def _holds(wanted: Requirement, labels: Mapping[str, str]) -> bool:
    """As in the API, NotIn is true of what has no such label."""
    match wanted.operator:
        case Operator.IN:
            return labels.get(wanted.key) in wanted.values
        case Operator.NOT_IN:
            return labels.get(wanted.key) not in wanted.values
        case Operator.EXISTS:
            return wanted.key in labels
        case Operator.DOES_NOT_EXIST:
            return wanted.key not in labels


def _rule(rule: Ingress, policy: NetworkPolicy, flow: Flow) -> bool | None:
    if rule.ports and not any(_covers(span, flow) for span in rule.ports):
        return False
    if not rule.peers:
        return True
    return _any(_is(peer, policy, flow) for peer in rule.peers)


def _covers(span: PortSpan, flow: Flow) -> bool:
    if span.protocol is not flow.protocol:
        return False
    if span.name:
        return any(
            (port.name, port.number, port.protocol) == (span.name, flow.port, flow.protocol)
            for container in flow.server.containers
            for port in container.ports
        )
    return span.first is None or span.first <= flow.port <= (span.last or span.first)


def _is(peer: Peer, policy: NetworkPolicy, flow: Flow) -> bool | None:
    client = flow.client
    if client is None:
        return None
    if peer.block is not None:
        inside = any(
            address in peer.block and not any(address in other for other in peer.without)
            for address in client.addresses
        )
        return None if inside else False
    if not selects(peer.pods, client.labels):
        return False
    if peer.namespaces is None:
        return client.namespace == policy.namespace
    return _within(peer.namespaces, client.namespace)


def _within(selector: Selector, namespace: str) -> bool | None:
    known = [requirement for requirement in selector if requirement.key == _NAME]
    if not selects(tuple(known), {_NAME: namespace}):
        return False
    return True if len(known) == len(selector) else None


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return True if True in found else None if None in found else False
