"""What is wrong with a cluster's IP ranges: SVN1xx, and SVN501.

Only what was read is judged: addresses are called outside only where a range of their kind and
family is known at all, and an assumed default neither disagrees nor overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from ...model.address import Family, IPAddress, IPNetwork, family_of
from ...model.finding import Finding, Level
from ...model.iprange import (
    CLOUD_NETWORK,
    Census,
    CNIFiles,
    Confidence,
    IPRange,
    RangeClaim,
    RangeKind,
    holds_address,
)
from ..codes import finding
from ..usage import NAMED, limited, overlap, widest_ranges
from .capacity import judge_capacity
from .parts import judge_parts
from .plugins import judge_plugins

_WIDE = "kubectl svcnet ranges -o wide"
#: Kinds that may share no address. Load balancers' lie among the nodes' by design, and a tunnel's
#: end in the pods', but not the networks between routers (`_overlaps`).
_EXCLUSIVE = (
    (RangeKind.SERVICE, RangeKind.POD),
    (RangeKind.SERVICE, RangeKind.NODE),
    (RangeKind.POD, RangeKind.NODE),
    (RangeKind.LOAD_BALANCER, RangeKind.SERVICE),
    (RangeKind.LOAD_BALANCER, RangeKind.POD),
    (RangeKind.TUNNEL, RangeKind.SERVICE),
    (RangeKind.TUNNEL, RangeKind.POD),
    (RangeKind.TUNNEL, RangeKind.NODE),
    (RangeKind.TUNNEL, RangeKind.LOAD_BALANCER),
    *(
        (RangeKind.GIVEN, kind)
        for kind in RangeKind
        if kind not in (RangeKind.GIVEN, RangeKind.NODE_PORT)
    ),
)


def judge_ranges(
    ranges: Sequence[IPRange], census: Census, files: Sequence[CNIFiles] = ()
) -> tuple[Finding, ...]:
    return (
        *_disagreements(ranges),
        *_pods_outside(ranges, census),
        *_services_outside(ranges, census),
        *_overlaps(ranges, census),
        *judge_parts(ranges, census),
        *judge_capacity(ranges, census),
        *_one_family(ranges, census),
        *_strangers(ranges, census),
        *judge_plugins(files, census),
    )


def _disagreements(ranges: Sequence[IPRange]) -> Iterator[Finding]:
    """SVN101. Statements agree when one is part of the other: ServiceCIDRs may be added to the
    API server's flag, and a source of one family says nothing of the other."""
    said: dict[tuple[RangeKind, Family | None], dict[str, list[RangeClaim]]] = {}
    for range in ranges:
        for claim in range.claims:
            if claim.confidence is Confidence.STATED and not claim.node:
                statements = said.setdefault((range.kind, range.family), {})
                statements.setdefault(claim.statement, []).append(claim)
    for (kind, _), statements in said.items():
        values: dict[frozenset[str], list[RangeClaim]] = {}
        for claims in statements.values():
            values.setdefault(frozenset(claim.text for claim in claims), []).extend(claims)
        if any(not (a <= b or b <= a) for a, b in combinations(values, 2)):
            yield finding(
                "SVN101",
                f"sources of the {kind.value} range disagree: "
                + "; ".join(_statement(value, claims) for value, claims in values.items()),
                evidence=limited(
                    f"{claim.object}: {claim.evidence.strip()}"
                    for claims in values.values()
                    for claim in claims
                ),
                next=_WIDE,
            )


def _statement(value: frozenset[str], claims: Sequence[RangeClaim]) -> str:
    sources = list(dict.fromkeys(claim.source for claim in claims))
    return f"{', '.join(sorted(value))} ({', '.join(sources)})"


def _pods_outside(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """SVN102."""
    outside = _outside(_pod_holders(census), _networks(ranges, RangeKind.POD))
    if outside:
        nodes = {node for _, node, _ in outside}
        yield finding(
            "SVN102",
            _counted(outside, "pods") + " outside every known pod range",
            node=next(iter(nodes)) if len(nodes) == 1 else "",
            evidence=limited(f"{who} on {node or '-'}: {ip}" for who, node, ip in outside),
            next="kubectl get pods -A -o wide",
        )


def _pod_holders(census: Census) -> Iterator[tuple[str, str, IPAddress]]:
    for pod in filter(holds_address, census.pods or ()):
        for address in pod.addresses:
            yield f"pod {pod}", pod.node, address


def _services_outside(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """SVN103."""
    holders = (
        (f"Service {service.name}", "", address)
        for service in census.services or ()
        for address in service.cluster_ips
    )
    outside = _outside(holders, _networks(ranges, RangeKind.SERVICE))
    if outside:
        names = {name for name, _, _ in outside}
        yield finding(
            "SVN103",
            _counted(outside, "Services") + " outside every known Service range",
            service=next(iter(names)).removeprefix("Service ") if len(names) == 1 else "",
            evidence=limited(f"{name}: {ip}" for name, _, ip in outside),
            next="kubectl get services -A",
        )


def _networks(ranges: Sequence[IPRange], kind: RangeKind) -> dict[Family, list[IPNetwork]]:
    """By family, widest first: most addresses are found in the first."""
    found: dict[Family, list[IPNetwork]] = {}
    for range in ranges:
        if range.kind is kind and range.network is not None:
            found.setdefault(family_of(range.network), []).append(range.network)
    for networks in found.values():
        networks.sort(key=lambda network: network.prefixlen)
    return found


def _outside(
    holders: Iterable[tuple[str, str, IPAddress]], known: dict[Family, list[IPNetwork]]
) -> list[tuple[str, str, IPAddress]]:
    return [
        (who, node, address)
        for who, node, address in holders
        if (networks := known.get(family_of(address)))
        and not any(address in network for network in networks)
    ]


def _overlaps(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """SVN104, of the widest ranges that overlap. Pods that live in the nodes' own network are a
    design (cloud CNIs without overlay), and so is a pool that nobody is given addresses of (by it
    Calico leaves packets to a network untranslated): these are only told."""
    widest = {kind: _widest(ranges, kind) for kind in RangeKind}
    widest[RangeKind.TUNNEL] = [r for r in widest[RangeKind.TUNNEL] if not _is_end(r.network)]
    for one, other in _EXCLUSIVE:
        pairs = [
            (a, b)
            for a in widest[one]
            for b in widest[other]
            if a.network is not None and b.network is not None and overlap(a.network, b.network)
        ]
        together = _together(pairs)
        if len(together) > NAMED:
            yield finding(
                "SVN104",
                f"{one.value} ranges overlap {other.value} ranges in {len(pairs)} places",
                evidence=limited(f"{a.text} overlaps {b.text}" for a, b in pairs),
                next=_WIDE,
            )
            continue
        for group, b in together:
            flat = (one, other) == (RangeKind.POD, RangeKind.NODE) and (
                _pods_in(census, b.network)
                or any(claim.allocator == CLOUD_NETWORK for a in group for claim in a.claims)
            )
            idle = any(range.closed and range.used == 0 for range in (*group, b))
            overlaps = "range {} overlaps" if len(group) == 1 else "ranges {} overlap"
            yield finding(
                "SVN104",
                f"{one.value} {overlaps.format(', '.join(limited(a.text for a in group)))} "
                f"{other.value} range {b.text}"
                + (", as pods have addresses of the nodes' network" if flat else "")
                + (", which is not given out" if idle and not flat else ""),
                evidence=limited(
                    f"{claim.object}: {claim.evidence.strip()}"
                    for range in (*group, b)
                    for claim in range.claims[:2]
                ),
                next=_WIDE,
                level=Level.INFO if flat or idle else None,
            )


def _widest(ranges: Sequence[IPRange], kind: RangeKind) -> list[IPRange]:
    """And those that are given out inside of one that is not."""
    found = widest_ranges(ranges, kind)
    idle = [range.network for range in found if range.closed and range.network is not None]
    if not idle:
        return found
    given = widest_ranges([range for range in ranges if not (range.node or range.closed)], kind)
    inside = (
        range
        for range in given
        if range.network is not None and any(overlap(network, range.network) for network in idle)
    )
    return [*found, *inside]


def _together(pairs: Sequence[tuple[IPRange, IPRange]]) -> list[tuple[list[IPRange], IPRange]]:
    """The pieces of one load balancer's pool, or the addresses of one Service, are one thing."""
    found: dict[tuple[str, ...], tuple[list[IPRange], IPRange]] = {}
    for a, b in pairs:
        first = a.claims[0]
        pool = a.kind is RangeKind.LOAD_BALANCER
        key = (first.source, first.object, b.text) if pool else (a.text, b.text)
        found.setdefault(key, ([], b))[0].append(a)
    return list(found.values())


def _is_end(network: IPNetwork | None) -> bool:
    """One address, out of a pool of the pods, which is compared itself."""
    return network is not None and network.num_addresses == 1


def _pods_in(census: Census, network: IPNetwork | None) -> bool:
    return network is not None and any(
        address.version == network.version and address in network
        for pod in filter(holds_address, census.pods or ())
        for address in pod.addresses
    )


def _one_family(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """SVN108, of the kinds of range that are known, and of nodes that have podCIDRs at all."""
    families: dict[str, set[Family]] = {}
    for range in ranges:
        stated = any(claim.confidence is not Confidence.ASSUMED for claim in range.claims)
        if range.kind in (RangeKind.SERVICE, RangeKind.POD) and range.family and stated:
            families.setdefault(f"{range.kind.value} ranges", set()).add(range.family)
    for node in census.nodes or ():
        if node.pod_cidrs:
            families[f"podCIDRs of node {node.name}"] = set(map(family_of, node.pod_cidrs))
    whole: set[Family] = set().union(*families.values())
    lacking = [who for who, found in families.items() if found != whole]
    if lacking:
        texts = {who: " and ".join(sorted(found)) for who, found in families.items()}
        one = lacking[0]
        other = next(who for who in families if families[who] != families[one])
        rest = f", and {len(lacking) - 1} more lack one" if len(lacking) > 1 else ""
        yield finding(
            "SVN108",
            f"{one} are of {texts[one]}, {other} of {texts[other]}{rest}",
            evidence=limited(f"{who}: {texts[who]}" for who in (*lacking, *families)),
            next=_WIDE,
        )


def _strangers(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    """SVN501, by each kube-proxy configuration. Of a family that it does not state kube-proxy
    detects nothing, and masquerades nothing for it."""
    configured: dict[str, list[RangeClaim]] = {}
    for claim in (claim for range in ranges for claim in range.claims if claim.local):
        configured.setdefault(claim.statement, []).append(claim)
    for claims in configured.values():
        known: dict[Family, list[IPNetwork]] = {}
        for network in (claim.network for claim in claims if claim.network is not None):
            known.setdefault(family_of(network), []).append(network)
        outside = _outside(_pod_holders(census), known)
        if outside:
            nodes = {node for _, node, _ in outside}
            yield finding(
                "SVN501",
                f"{_counted(outside, 'pods')} that {claims[0].source} "
                f"{', '.join(claim.text for claim in claims)} does not cover",
                node=next(iter(nodes)) if len(nodes) == 1 else "",
                evidence=limited(
                    (
                        f"{claims[0].object}: {claims[0].evidence.strip()}",
                        *(f"{who} on {node or '-'}: {ip}" for who, node, ip in outside),
                    )
                ),
                next="kubectl svcnet proxy",
            )


def _counted(found: Sequence[tuple[str, str, IPAddress]], kinds: str) -> str:
    """`pod a/b has an address`, or `3 pods have addresses`."""
    holders = {who for who, _, _ in found}
    if len(holders) == 1:
        return f"{found[0][0]} has an address"
    return f"{len(holders)} {kinds} have addresses"
