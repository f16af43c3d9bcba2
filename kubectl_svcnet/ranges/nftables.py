"""The Service range in the rules of a node in nftables mode: what kube-proxy really programs.

Read through one running kube-proxy pod of each configuration, since those that share one share
their mode, and their range comes from the same ServiceCIDR objects. On a node in another mode there
is no such chain, which is an answer, and so is an image without nft: kube-proxy runs the nft of its
own image.

It is observed and contradicts no ServiceCIDR: kube-proxy only notes that they changed, and writes
the rule with a later full sync (OnServiceCIDRsChanged and syncProxyRules of
pkg/proxy/nftables/proxier.go), so that a healthy node may show another range for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..model.address import Family, family_of
from ..model.capture import Capture, Request
from ..model.commands import Command
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..model.service import Node
from ..parse.flags import find_flag
from ..parse.nft_service_range import parse_nft_service_range
from ._base import Place, Reading, claims_of, joined, missed, no_such_chain, pod_object, typed
from ._pods import exec_in
from .kube_proxy import kube_proxy_container

_COMMANDS = {
    Family.IPV4: Command("nft-service-range", ("ip",)),
    Family.IPV6: Command("nft-service-range", ("ip6",)),
}


class _Nftables:
    name = "nftables cluster-ips-check"
    kinds = frozenset({RangeKind.SERVICE})
    trust = 8

    def recognise(self, census: Census) -> tuple[Place, ...]:
        nodes = {node.name: node for node in census.nodes or ()}
        places: dict[object, Place] = {}
        for pod in census.pods or ():
            container = kube_proxy_container(pod)
            node = nodes.get(pod.node)
            if container is None or not (pod.host_network and container.running and node):
                continue
            file = find_flag(container.command, "config")
            mounted = pod.config_at(container, file) if file else None
            said = (pod.namespace, *mounted) if mounted else container.command
            place = Place(
                object=pod_object(pod),
                node=pod.node,
                about=node,
                pod=pod,
                container=container.name,
            )
            places.setdefault(said, place)
        return tuple(places.values())

    def requests(self, place: Place) -> tuple[Request, ...]:
        families = _families(place.about) if place.about is not None else ()
        return exec_in(place, *(_COMMANDS[family] for family in families), shell=True)

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        readings = []
        for capture in captures:
            if capture.ok:
                read = partial(_claims, place, capture.text())
                readings.append(typed(read, what=self.name, place=place))
            elif not no_such_chain(capture):
                gap = missed(capture, self.name, place.node)
                readings.append(Reading(gaps=(gap,)))
        return joined(*readings)


def _families(node: Node) -> tuple[Family, ...]:
    has = {family_of(address) for address in node.addresses}
    return tuple(family for family in _COMMANDS if family in has)


def _claims(place: Place, text: str) -> tuple[RangeClaim, ...]:
    return tuple(
        claim
        for networks, line in parse_nft_service_range(text)
        for claim in claims_of(
            networks,
            kind=RangeKind.SERVICE,
            source="nftables cluster-ips-check",
            object=f"node {place.node} through {place.object}",
            evidence=line,
            confidence=Confidence.OBSERVED,
        )
    )


SOURCE = _Nftables()
