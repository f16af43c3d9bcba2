"""k3s and RKE2: the arguments of each server, in annotations of its node.

k3s.io/node-args and rke2.io/node-args are the command line and the configuration file together, as
a JSON list (k3s pkg/nodeconfig/nodeconfig.go). Only what was given stands there; without, a server
takes 10.42.0.0/16 for pods and 10.43.0.0/16 for Services if its node has IPv4 (pkg/cli/server).
Agents take no ranges. `--kube-apiserver-arg` and its like are passed on and win over these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from types import MappingProxyType

from ..model.capture import Capture, Request
from ..model.iprange import NODE_IPAM, Census, Confidence, RangeClaim, RangeKind
from ..parse.cidr import parse_networks
from ..parse.flags import find_flags
from ..parse.node_args import parse_node_args
from ._base import Place, Reading, claims_of, port_claims, typed

_ANNOTATIONS = ("k3s.io/node-args", "rke2.io/node-args")
_PORTS = "service-node-port-range"
#: Flag: kind, default, and the flags of the components that it becomes.
_RANGES: Mapping[str, tuple[RangeKind, str, tuple[str, str]]] = MappingProxyType(
    {
        "service-cidr": (
            RangeKind.SERVICE,
            "10.43.0.0/16",
            ("kube-apiserver-arg", "service-cluster-ip-range"),
        ),
        "cluster-cidr": (
            RangeKind.POD,
            "10.42.0.0/16",
            ("kube-controller-manager-arg", "cluster-cidr"),
        ),
    }
)


class _NodeArgs:
    name = "k3s and RKE2 node-args"
    kinds = frozenset({RangeKind.SERVICE, RangeKind.POD})
    trust = 3

    def recognise(self, census: Census) -> tuple[Place, ...]:
        return tuple(
            Place(object=f"node {node.name}", about=node, key=annotation)
            for node in census.nodes or ()
            for annotation in _ANNOTATIONS
            if annotation in node.annotations
        )

    def requests(self, place: Place) -> tuple[Request, ...]:
        return ()

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        return typed(partial(_claims, place), what=place.key, place=place)


def _claims(place: Place) -> tuple[RangeClaim, ...]:
    argv = parse_node_args(place.about.annotations.get(place.key, "") if place.about else "")
    if argv[:1] != ("server",):
        return ()
    claims: tuple[RangeClaim, ...] = ()
    for flag, (kind, default, (passed, component_flag)) in _RANGES.items():
        evidence = _passed_on(argv, passed, component_flag)
        value = evidence.partition("=")[2].partition("=")[2]
        if not value and (value := ",".join(find_flags(argv, flag))):
            evidence = f"--{flag}={value}"
        if not value and not _has_ipv4(place):
            continue
        claims += claims_of(
            parse_networks(value or default),
            kind=kind,
            source=f"{place.key} --{flag}" if value else f"{_product(place)} default --{flag}",
            object=place.object,
            evidence=evidence or f"--{flag} is not in {place.key}",
            confidence=Confidence.STATED if value else Confidence.ASSUMED,
            allocator=NODE_IPAM if kind is RangeKind.POD else "",
        )
    return claims + _node_ports(place, argv)


def _passed_on(argv: Sequence[str], flag: str, component_flag: str) -> str:
    """`--kube-apiserver-arg=service-cluster-ip-range=10.9.0.0/16`, "" where it is not there. The
    hyphens of the second flag may be there too (GetArgs of k3s pkg/daemons/config)."""
    start = f"{component_flag}="
    following = (after for word, after in pairwise(argv) if word == f"--{flag}")
    passed = (*find_flags(argv, flag), *following)
    given = [one for one in passed if one.removeprefix("--").startswith(start)]
    return f"--{flag}={given[-1]}" if given else ""


def _node_ports(place: Place, argv: Sequence[str]) -> tuple[RangeClaim, ...]:
    evidence = _passed_on(argv, "kube-apiserver-arg", _PORTS)
    if not evidence and (given := find_flags(argv, _PORTS)):
        evidence = f"--{_PORTS}={given[-1]}"
    return port_claims(
        evidence.rpartition("=")[2],
        source=f"{place.key} --{_PORTS}",
        object=place.object,
        evidence=evidence,
    )


def _has_ipv4(place: Place) -> bool:
    return place.about is not None and any(ip.version == 4 for ip in place.about.addresses)


def _product(place: Place) -> str:
    return place.key.partition(".")[0]


SOURCE = _NodeArgs()
