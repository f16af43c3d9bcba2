"""Ranges in the iptables rules of a network plugin, which writes the same on each of its nodes.

Read on the first node where the plugin runs, through its own pod, in both backends, and in a native
table where it may have one: what it does not use has no such chain. That there is no rule is an
answer; that neither backend could be read is a gap, and so is one that may have the rule, where the
other has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network

from ..model import nft
from ..model.address import Family, IPNetwork, family_of
from ..model.capture import Capture, ExecRequest, Reason, Request
from ..model.commands import Command
from ..model.iprange import Census, Confidence, RangeClaim, RangeKind
from ..parse.nft_service_range import parse_nft_service_range
from ..parse.rule_ranges import parse_rule_ranges
from ._base import Place, Reading, claims_of, joined, missed, no_such_chain, pod_object, typed
from ._pods import pods_of

_TOOLS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_NOT_USED = (Reason.NO_TOOL, Reason.NOT_PRESENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSource:
    """`meant`: whether a rule of the chain, with its network, tells the range at this place."""

    name: str
    label: tuple[str, str]
    container: str
    table: str
    chain: str
    kind: RangeKind
    meant: Callable[[Place, IPNetwork, str], bool]
    native: str = ""  # the command that lists its chain in a native table
    shell: bool = True
    confidence: Confidence = Confidence.OBSERVED
    allocator: str = ""
    trust: int = 8

    @property
    def kinds(self) -> frozenset[RangeKind]:
        return frozenset({self.kind})

    def recognise(self, census: Census) -> tuple[Place, ...]:
        nodes = {node.name: node for node in census.nodes or ()}
        for pod in pods_of(census, self.label):
            container = pod.container(self.container)
            if container is not None and container.running and pod.host_network:
                return (
                    Place(
                        object=pod_object(pod),
                        pod=pod,
                        container=self.container,
                        about=nodes.get(pod.node),
                        networks=_first_service(census),
                    ),
                )
        return ()

    def requests(self, place: Place) -> tuple[Request, ...]:
        pod = place.pod
        if pod is None:
            return ()
        commands = tuple(
            command
            for family in _families(place)
            for command in (
                Command(f"{_TOOLS[family]}-legacy-save-all"),
                Command(f"{_TOOLS[family]}-nft-save", (self.table,)),
                *((Command(self.native, (nft.NAMES[family],)),) if self.native else ()),
            )
        )
        return (
            ExecRequest(
                node=pod.node,
                namespace=pod.namespace,
                pod=pod.name,
                container=self.container,
                commands=commands,
                shell=self.shell,
            ),
        )

    def ranges(self, place: Place, captures: Sequence[Capture]) -> Reading:
        answered = [capture for capture in captures if capture.ok]
        found = joined(
            *(typed(partial(self._claims, place, c), what=self.name, place=place) for c in answered)
        )
        harmless = (_NOT_USED if answered else ()) + ((Reason.UNPROVEN,) if found.claims else ())
        failed = [
            capture
            for capture in captures
            if not capture.ok
            and not capture.failed(*harmless)
            and not (capture.failure is None and no_such_chain(capture))
        ]
        gaps = tuple(missed(capture, self.name, place.node) for capture in failed[:1])
        return joined(found, Reading(gaps=gaps))

    def _claims(self, place: Place, capture: Capture) -> tuple[RangeClaim, ...]:
        where = f"node {place.about.name} through {place.object}" if place.about else place.object
        return tuple(
            claim
            for network, line in self._rules(capture)
            if self.meant(place, network, line)
            for claim in claims_of(
                (network,),
                kind=self.kind,
                source=self.name,
                object=where,
                evidence=line,
                confidence=self.confidence,
                allocator=self.allocator,
                statement=self.name,
            )
        )

    def _rules(self, capture: Capture) -> Iterator[tuple[IPNetwork, str]]:
        if capture.command is not None and capture.command.name == self.native:
            for networks, line in parse_nft_service_range(capture.text()):
                yield from ((network, line) for network in networks)
        else:
            yield from parse_rule_ranges(capture.text(), self.chain)


def _families(place: Place) -> tuple[Family, ...]:
    addresses = place.about.addresses if place.about else ()
    families = {family_of(address) for address in addresses} or {Family.IPV4}
    return tuple(family for family in _TOOLS if family in families)


def _first_service(census: Census) -> tuple[IPNetwork, ...]:
    """The ClusterIPs of Service default/kubernetes, by which a rule about Services is known."""
    return tuple(
        ip_network(address)
        for service in census.services or ()
        if (service.name.namespace, service.name.name) == ("default", "kubernetes")
        for address in service.cluster_ips
    )
