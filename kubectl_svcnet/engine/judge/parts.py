"""The nodes' parts of the pod range: SVN105, SVN109 and SVN110.

Compared is only what the same allocator cuts. Whether pods live in their node's part is asked only
where all that is known is of `NODE_IPAM`, and most of them do: plugins with an allocator of their
own, and bridges as wide as the cluster's range, leave node.spec.podCIDRs standing and unused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from ...model.address import Family, IPNetwork, family_of
from ...model.finding import Finding
from ...model.iprange import (
    NODE_IPAM,
    Census,
    Confidence,
    IPRange,
    RangeClaim,
    RangeKind,
    holds_address,
)
from ..codes import finding
from ..usage import limited, overlap


def judge_parts(ranges: Sequence[IPRange], census: Census) -> Iterator[Finding]:
    claims = [
        claim
        for range in ranges
        if range.kind is RangeKind.POD
        for claim in range.claims
        if claim.allocator and claim.network is not None
    ]
    split = _split(claims)
    yield from _disagreements(split)
    # Where sources disagree, that is the news: the others are right then.
    yield from _nodes_outside([c for c in claims if c.node not in split])
    yield from _pods_astray(claims, census)


def _split(claims: Sequence[RangeClaim]) -> dict[str, list[RangeClaim]]:
    """By node, all that is said of its part, where that cannot be true together."""
    said: dict[tuple[str, Family | None, str], dict[tuple[str, str], list[RangeClaim]]] = {}
    for claim in claims:
        if claim.node and claim.network is not None:
            key = (claim.node, family_of(claim.network), claim.allocator)
            said.setdefault(key, {}).setdefault((claim.source, claim.object), []).append(claim)
    split: dict[str, list[RangeClaim]] = {}
    for (node, _, _), statements in said.items():
        values = {frozenset(claim.text for claim in parts) for parts in statements.values()}
        if any(not (a <= b or b <= a) for a, b in combinations(values, 2)):
            split.setdefault(node, []).extend(c for parts in statements.values() for c in parts)
    return split


def _disagreements(split: dict[str, list[RangeClaim]]) -> Iterator[Finding]:
    """SVN109, one for all nodes."""
    if not split:
        return
    one = next(iter(split))
    sources: dict[str, dict[str, None]] = {}
    for claim in split[one]:
        sources.setdefault(claim.text, {})[claim.source] = None
    said = "; ".join(f"{text} ({', '.join(by)})" for text, by in sources.items())
    yield finding(
        "SVN109",
        f"sources of the pod range of node {one} disagree: {said}"
        if len(split) == 1
        else f"sources of the pod ranges of {len(split)} nodes disagree, first {one}: {said}",
        node=one if len(split) == 1 else "",
        evidence=limited(
            f"{claim.object}: {claim.evidence.strip()}"
            for found in split.values()
            for claim in found
        ),
        next=f"kubectl svcnet ranges -o wide --node {one}",
    )


def _nodes_outside(claims: Sequence[RangeClaim]) -> Iterator[Finding]:
    """SVN105: compared only with the ranges out of which the same allocator cuts them."""
    wholes: dict[str, list[IPNetwork]] = {}
    for claim in claims:
        if not claim.node and claim.network and claim.confidence is not Confidence.ASSUMED:
            wholes.setdefault(claim.allocator, []).append(claim.network)
    outside = [
        claim
        for claim in claims
        if claim.node and claim.network and _strays(claim.network, wholes.get(claim.allocator, ()))
    ]
    if outside:
        nodes = {claim.node for claim in outside}
        yield finding(
            "SVN105",
            f"pod range {outside[0].text} of node {outside[0].node} is outside the cluster's"
            if len(outside) == 1
            else f"{len(outside)} pod ranges of {len(nodes)} nodes are outside the cluster's",
            node=next(iter(nodes)) if len(nodes) == 1 else "",
            evidence=limited(f"{claim.object}: {claim.evidence.strip()}" for claim in outside),
            next=f"kubectl get node {outside[0].node} -o yaml",
        )


def _strays(network: IPNetwork, wholes: Sequence[IPNetwork]) -> bool:
    same = [whole for whole in wholes if whole.version == network.version]
    return bool(same) and not any(
        overlap(whole, network) and whole.prefixlen <= network.prefixlen for whole in same
    )


def _pods_astray(claims: Sequence[RangeClaim], census: Census) -> Iterator[Finding]:
    """SVN110. What is in no pod range at all is SVN102's."""
    if any(claim.allocator != NODE_IPAM for claim in claims):
        return
    parts: dict[tuple[str, int], list[IPNetwork]] = {}
    wholes: list[IPNetwork] = []
    for claim in claims:
        if claim.network is not None and claim.node:
            parts.setdefault((claim.node, claim.network.version), []).append(claim.network)
        elif claim.network is not None:
            wholes.append(claim.network)
    obedient, astray = 0, []
    for pod in filter(holds_address, census.pods or ()):
        for address in pod.addresses:
            own = parts.get((pod.node, address.version))
            if own and any(address in network for network in own):
                obedient += 1
            elif own and any(address in network for network in wholes):
                text = f"pod {pod} on {pod.node}: {address}"
                astray.append((pod, f"{text}, not in {', '.join(map(str, dict.fromkeys(own)))}"))
    if not astray or obedient <= len(astray):
        return
    pods = {(pod.namespace, pod.name): pod.node for pod, _ in astray}
    nodes = set(pods.values())
    one, _ = astray[0]
    yield finding(
        "SVN110",
        f"pod {one} has an address outside the pod range of its node"
        if len(pods) == 1
        else f"{len(pods)} pods have addresses outside the pod ranges of their nodes",
        node=one.node if len(nodes) == 1 else "",
        evidence=limited(line for _, line in astray),
        next=f"kubectl get pods -A -o wide --field-selector spec.nodeName={one.node}",
    )
