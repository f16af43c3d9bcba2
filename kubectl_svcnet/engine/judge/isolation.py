"""Endpoints that NetworkPolicies isolate, and which pods those let in.

A policy is an intent, so this is information whatever it refuses. Whether anybody enforces it is
seen by the walk, where chains do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ...model.counted import counted
from ...model.finding import Finding
from ...model.policy import NetworkPolicy
from ...model.service import Endpoint, Pod, Service
from ..codes import finding
from ..policies import Flow, admits, isolating

#: Policies, and clients, that a finding names.
FEW = 5
_ANSWERS = {True: "let in", False: "not let in", None: "let in or not, which is not known"}

_MASKED = ", for its packets are masqueraded on their way"

_Server = tuple[Pod, Endpoint]


def isolated(
    service: Service,
    endpoints: Iterable[Endpoint],
    pods: Iterable[Pod],
    policies: Sequence[NetworkPolicy],
    clients: Iterable[Pod],
    masked: Collection[str] = (),
) -> tuple[Finding, ...]:
    """`pods`: those that the Service selects; `clients`: any, of which endpoints are left out;
    `masked`: nodes whose pods' packets arrive with another source than the pod's address."""
    serving = [endpoint for endpoint in endpoints if endpoint.serving]
    servers = [(pod, e) for pod in pods for e in serving if e.address.address in pod.addresses]
    by = {pod.name: isolating(policies, pod) for pod, _ in servers}
    names = sorted({policy.name for each in by.values() for policy in each})
    if not names:
        return ()
    held = sum(1 for each in by.values() if each)
    taken = {address for pod, _ in servers for address in pod.addresses}
    asked = [client for client in clients if taken.isdisjoint(client.addresses)]
    namespace = service.name.namespace
    return (
        finding(
            "SVN418",
            f"{held} of {counted(len(by), 'endpoint pod')} {'is' if held == 1 else 'are'} "
            f"isolated by {_named(names)}",
            service=str(service.name),
            evidence=tuple(
                f"by their words pod {client} ({client.node}) is "
                + _let_in(client, servers, policies, masked=client.node in masked)
                for client in asked[:FEW]
            ),
            next=f"kubectl -n {namespace} get networkpolicy {names[0]} -o yaml",
        ),
    )


def _let_in(
    client: Pod, servers: Iterable[_Server], policies: Sequence[NetworkPolicy], *, masked: bool
) -> str:
    """To all endpoints alike, or to how many."""
    source = None if masked else client
    answers = [
        admits(
            isolating(policies, pod),
            Flow(client=source, server=pod, port=e.address.port, protocol=e.protocol),
        )
        for pod, e in servers
    ]
    if len(set(answers)) == 1:
        return _ANSWERS[answers[0]] + (_MASKED if masked and answers[0] is None else "")
    unknown = answers.count(None)
    more = f", {unknown} not known" if unknown else ""
    return f"let in at {answers.count(True)} of {counted(len(answers), 'endpoint')}{more}"


def _named(names: Sequence[str]) -> str:
    rest = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    many = "NetworkPolicy" if len(names) == 1 else "NetworkPolicies"
    return f"{many} {', '.join(names[:FEW])}{rest}"
