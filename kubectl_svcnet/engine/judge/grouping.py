"""Root cause before symptoms, and one statement for what is the same in many places.

A kube-proxy that follows nothing explains why Services lack endpoints on its node; the same
statement about several nodes is one; and where many Services fare alike on the same nodes, their
number says more than their list. Nothing is dropped: every finding lives on among the `objects`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from ...model.finding import Finding, Level

#: What explains that a node's rules lag behind the API; the first that is found explains.
CAUSES = ("SVN301", "SVN317", "SVN308", "SVN304", "SVN307")
#: What rules look like that are older than the API's word.
SYMPTOMS = frozenset(("SVN201", "SVN202", "SVN203", "SVN204", "SVN221", "SVN222", "SVN223"))
#: A node that forwards nothing, and packets that are dropped by that sysctl and no rule.
FORWARDING, BLOCKED = "SVN511", "SVN205"

#: More Services than this that fare alike are one statement.
FEW = 3

_LEVELS = (Level.ERROR, Level.WARNING, Level.INFO)
_FAMILIES = "32541"  # why nothing is followed, what differs, the way there, objects, ranges


def grouped(
    findings: Iterable[Finding],
    *,
    since: Mapping[str, str],
    nodes_read: int,
    levelled: Container[str] = (),
) -> tuple[Finding, ...]:
    """`since`, by node: when the first change was made that it lacks, in words. `levelled`: codes
    whose level the user has chosen; else a cause is as grave as its gravest symptom."""

    def gravest(one: Finding) -> Finding:
        if one.code not in (*CAUSES, FORWARDING) or one.code in levelled:
            return one
        levels = (one.level, *(each.level for each in one.objects))
        return replace(one, level=min(levels, key=_LEVELS.index))

    explained = [gravest(one) for one in _forwarding(_explained(findings, since))]
    everywhere = _over_nodes(explained, nodes_read)
    return tuple(sorted(_over_services(everywhere), key=_rank))


def _rank(one: Finding) -> tuple[object, ...]:
    return (
        _LEVELS.index(one.level),
        _FAMILIES.index(one.code[3]),
        one.code,
        -len(one.objects),
        one.node,
        one.service,
    )


def _explained(findings: Iterable[Finding], since: Mapping[str, str]) -> list[Finding]:
    """Each cause with its node's symptoms inside."""
    findings = list(findings)
    causes: dict[str, Finding] = {}
    for code in reversed(CAUSES):
        causes |= {one.node: one for one in findings if one.code == code and one.node}
    symptoms: dict[str, list[Finding]] = {}
    for one in findings:
        if one.code in SYMPTOMS and one.node in causes:
            symptoms.setdefault(one.node, []).append(one)
    kept: list[Finding] = []
    for one in findings:
        if one is causes.get(one.node) and one.node in symptoms:
            kept.append(_cause(one, symptoms[one.node], since.get(one.node, "")))
        elif one.code not in SYMPTOMS or one.node not in causes:
            kept.append(one)
    return kept


def _forwarding(findings: Sequence[Finding]) -> list[Finding]:
    """The same of a sysctl, by whose name each symptom says what drops its packets."""
    causes = {
        (one.node, one.message.partition(" ")[0]): one for one in findings if one.code == FORWARDING
    }
    symptoms: dict[tuple[str, str], list[Finding]] = {}
    kept: list[Finding] = []
    for one in findings:
        place = (one.node, one.evidence[0].partition(" ")[0] if one.evidence else "")
        if one.code == BLOCKED and place in causes:
            symptoms.setdefault(place, []).append(one)
        else:
            kept.append(one)
    held = {id(causes[place]): each for place, each in symptoms.items()}
    return [_cause(one, held[id(one)], "") if id(one) in held else one for one in kept]


def _cause(one: Finding, symptoms: Sequence[Finding], since: str) -> Finding:
    services = list(dict.fromkeys(each.service for each in symptoms))
    when = f" since {since}" if since and one.code == "SVN301" else ""
    many = f"{len(services)} Services differ (first: {services[0]})"
    differ = f"{services[0]} differs" if len(services) == 1 else many
    return replace(one, message=f"{one.message}{when}; {differ}", objects=tuple(symptoms))


def _over_nodes(findings: Sequence[Finding], nodes_read: int) -> list[Finding]:
    def statement(one: Finding) -> Hashable:
        return (one.code, one.level, one.service, one.message)

    def together(same: Sequence[Finding]) -> Finding:
        many = same[0] if len(same) == 1 else _one_for(same, same[0].message)
        count = len({each.node for each in same})
        if many.code[3] != "2" or nodes_read < 2:
            return many
        differ = "differs" if count == 1 else "differ"
        return replace(
            many, evidence=(*many.evidence, f"{count} of {nodes_read} nodes {differ} so")
        )

    return _together(findings, statement, together)


def _over_services(findings: Sequence[Finding]) -> list[Finding]:
    def likeness(one: Finding) -> Hashable:
        if not one.service:
            return one  # a statement about a node or the cluster
        return (one.code, one.level, one.node, tuple(each.node for each in one.objects))

    def together(same: Sequence[Finding]) -> Finding:
        if len(same) == 1:
            return same[0]
        title = same[0].title[0].lower() + same[0].title[1:]
        return _one_for(same, f"{title}: {len(same)} Services (first: {same[0].service})")

    counts: dict[Hashable, int] = {}
    for one in findings:
        counts[likeness(one)] = counts.get(likeness(one), 0) + 1
    return _together(
        findings, lambda one: likeness(one) if counts[likeness(one)] > FEW else one, together
    )


def _together(
    findings: Sequence[Finding],
    key: Callable[[Finding], Hashable],
    together: Callable[[Sequence[Finding]], Finding],
) -> list[Finding]:
    same: dict[Hashable, list[Finding]] = {}
    for one in findings:
        same.setdefault(
            one if one.objects and one.code in (*CAUSES, FORWARDING) else key(one), []
        ).append(one)
    return [together(each) for each in same.values()]


def _one_for(same: Sequence[Finding], message: str) -> Finding:
    """The first, for all of them."""
    first = same[0]
    return replace(
        first,
        message=message,
        service=first.service if len({one.service for one in same}) == 1 else "",
        node=first.node if len({one.node for one in same}) == 1 else "",
        objects=tuple(each for one in same for each in (one.objects or (one,))),
    )
