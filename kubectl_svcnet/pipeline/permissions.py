"""`permissions`: which rights the commands need here, and which of them are there.

The table is `model.rights`. What differs from cluster to cluster is read first: its version, where
agents run, what `ranges` would ask for. Then the API server is asked of each right, one
SelfSubjectAccessReview a right, as whoever is impersonated. To try is the only sure answer: a
review does not see what admission plugins refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import UsageError
from ..model.capture import ApiRequest, Capture, ReviewRequest, Source
from ..model.finding import Gap
from ..model.options import Options
from ..model.report import Permission, PermissionsReport
from ..model.rights import NEEDS, Need, Right, Where, rights_of
from .collect import Collector
from .ranges import requests_of

_SYSTEM = "kube-system"
_OTHERWISE = ("trace",)


def run(source: Source, options: Options, commands: Sequence[str] = ()) -> PermissionsReport:
    """Of all commands, or of `commands` alone. Raises ClusterError where nothing could be read."""
    collector = Collector(source, max_parallel=options.max_parallel)
    here = _here(collector, options)
    wanted = _merged(here.permissions(commands))
    captures = collector.map(collector.fetch_one, (_review(one.right) for one in wanted))
    answered = zip(wanted, captures, strict=True)
    unasked = dict.fromkeys(c.failure.message for c in captures if c.failure is not None)
    return PermissionsReport(
        collected=collector.collected(),
        permissions=tuple(replace(one, allowed=_allowed(capture)) for one, capture in answered),
        gaps=(
            *(Gap(what="access reviews", why=why, blocking=True) for why in unasked),
            *here.gaps,
        ),
    )


def require(commands: Iterable[str]) -> None:
    """Raises UsageError for one that needs no rights."""
    known = sorted({_first(command) for need in NEEDS for command in need.commands})
    for command in commands:
        if command not in known:
            needing = ", ".join(known)
            raise UsageError(f"{command!r} is no command that needs rights; these do: {needing}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Here:
    """What of the table applies to this cluster."""

    version: tuple[int, int] | None
    namespace: str  # "": all
    asked: tuple[Right, ...]  # what `ranges` would ask for
    gaps: tuple[Gap, ...]

    def permissions(self, commands: Sequence[str]) -> Iterator[Permission]:
        for need in NEEDS:
            mine = [c for c in need.commands if not commands or _first(c) in commands]
            if not mine or (self.version is not None and self.version < need.since):
                continue
            for right in self._rights(need):
                yield Permission(
                    right=right,
                    needed_for=tuple(mine),
                    shows=need.shows,
                    allowed=None,
                    required=any(c in mine for c in commands or _OTHERWISE),
                    extra=need.extra,
                )

    def _rights(self, need: Need) -> Iterator[Right]:
        if need.product:
            yield from (right for right in self.asked if right in need)
            return
        if need.names:
            found = [right for right in self.asked if right in need]
            missing = [name for name in need.names if name not in {right.name for right in found}]
            found += [Right(need.resource, need.verbs[0], _SYSTEM, name) for name in missing]
            yield from sorted(found)
            return
        for namespace in self._namespaces(need.where):
            yield from (Right(need.resource, verb, namespace) for verb in need.verbs)

    def _namespaces(self, where: Where) -> Sequence[str]:
        match where:
            case Where.CLUSTER:
                return ("",)
            case Where.SERVICES:
                return (self.namespace,)
            case Where.DEFAULT:
                return ("default",)
            case Where.AGENTS:
                of_agents = ("pods/exec", "pods/log")
                found = {right.namespace for right in self.asked if right.resource in of_agents}
                return sorted(found) or (_SYSTEM,)


def _here(collector: Collector, options: Options) -> _Here:
    version = _version(collector.fetch_one(ApiRequest(path="/version", many=False)))
    requests, unread = requests_of(collector, options)
    gaps = []
    if unread:
        lists = " and ".join(gap.what for gap in unread)
        why = f"{lists} cannot be listed, so agents are assumed in {_SYSTEM}, and no products"
        gaps.append(Gap(what="what runs here", why=why))
    if version is None:
        why = "the version is not known, so create is asked for as from Kubernetes 1.35"
        gaps.append(Gap(what="version", why=why))
    return _Here(
        version=version,
        namespace="" if options.all_namespaces else options.namespace,
        asked=tuple(dict.fromkeys(right for one in requests for right in rights_of(one))),
        gaps=tuple(gaps),
    )


def _first(command: str) -> str:
    return command.partition(" ")[0]


def _merged(permissions: Iterable[Permission]) -> list[Permission]:
    """Each right once, with all that needs it, in the order of the table."""
    found: dict[Right, Permission] = {}
    for one in permissions:
        before = found.get(one.right)
        found[one.right] = one if before is None else _joined(before, one)
    return list(found.values())


def _joined(one: Permission, other: Permission) -> Permission:
    return replace(
        one,
        needed_for=tuple(dict.fromkeys((*one.needed_for, *other.needed_for))),
        required=one.required or other.required,
        extra=one.extra and other.extra,
    )


def _review(right: Right) -> ReviewRequest:
    resource, subresource, group = right.parts
    return ReviewRequest(
        verb=right.verb,
        resource=resource,
        subresource=subresource,
        group=group,
        namespace=right.namespace,
        name=right.name,
    )


def _allowed(capture: Capture) -> bool | None:
    status = capture.objects[0].get("status") if capture.ok and capture.objects else None
    allowed = status.get("allowed") if isinstance(status, dict) else None
    return allowed if isinstance(allowed, bool) else None


def _version(capture: Capture) -> tuple[int, int] | None:
    """Of `{"major": "1", "minor": "36+"}`."""
    found = capture.objects[0] if capture.ok and capture.objects else {}
    digits = [re.match(r"\d+", str(found.get(key, ""))) for key in ("major", "minor")]
    major, minor = digits
    return (int(major[0]), int(minor[0])) if major and minor else None
