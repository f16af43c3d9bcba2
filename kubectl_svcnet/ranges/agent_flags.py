"""Ranges that network plugins are told in their flags: kube-router's and Kube-OVN's of Services.

kube-router lets traffic to `--service-cluster-ip-range` through its firewall and hands out
`--loadbalancer-ip-range` (docs/user-guide.md of cloudnativelabs/kube-router); kube-ovn-cni keeps
the former in an ipset (pkg/daemon/config.go of kubeovn/kube-ovn). Who tells them and who tells the
API server may be two people.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..model.capture import Capture, Request
from ..model.iprange import Census, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ..parse.flags import find_flags
from ._base import LOAD_BALANCERS, Place, Reading, claims_of, command_of, pod_object, typed
from ._pods import pods_of

#: Label, container.
_AGENTS = (
    ("k8s-app", "kube-router", "kube-router"),
    ("app", "kube-ovn-cni", "cni-server"),
)
#: Flag, kind, statement: a pool is one of several, a Service range is the whole.
_FLAGS = (
    ("service-cluster-ip-range", RangeKind.SERVICE, ""),
    ("loadbalancer-ip-range", RangeKind.LOAD_BALANCER, LOAD_BALANCERS),
)


class _AgentFlags:
    name = "network plugins' flags"
    kinds = frozenset({RangeKind.SERVICE})  # of load balancers kube-router tells beside
    trust = 5

    def recognise(self, census: Census) -> tuple[Place, ...]:
        """One place for all pods of an agent that are told the same."""
        places: dict[tuple[str, ...], Place] = {}
        for key, value, name in _AGENTS:
            for pod in pods_of(census, (key, value)):
                container = pod.container(name)
                if container is not None:
                    place = Place(object=pod_object(pod), pod=pod, container=name)
                    places.setdefault((name, *container.command), place)
        return tuple(places.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return typed(partial(_claims, place), what=self.name, place=place)


def _claims(place: Place) -> tuple[RangeClaim, ...]:
    claims: tuple[RangeClaim, ...] = ()
    for flag, kind, statement in _FLAGS:
        values = find_flags(command_of(place), flag)
        claims += claims_of(
            parse_networks(",".join(values)),
            kind=kind,
            source=f"{place.container} --{flag}",
            object=place.object,
            evidence=" ".join(f"--{flag}={value}" for value in values),
            statement=statement,
        )
    return claims


SOURCE = _AgentFlags()
