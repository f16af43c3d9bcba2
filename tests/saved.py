"""The recorded lab, to be altered: single rules, API objects, refusals. Answered by replay."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    LogRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.commands import Command

HEALTHY = Path(__file__).parent / "fixtures" / "lab" / "healthy.tar.gz"

_READ: list[Capture] = []


def recorded() -> list[Capture]:
    if not _READ:
        _READ.extend(stored.capture() for stored in read_bundle(HEALTHY)[1])
    return list(_READ)


@dataclass
class Saved:
    """`Saved().edit("n3", …)` and so on, then `source()`."""

    captures: list[Capture] = field(default_factory=recorded)

    def source(self) -> ReplaySource:
        return ReplaySource.of(self.captures, context="admin@lab")

    def change(self, wanted: Callable[[Capture], bool], how: Callable[[Capture], Capture]) -> Saved:
        found = [wanted(capture) for capture in self.captures]
        assert any(found), "nothing of this kind was recorded"
        pairs = zip(self.captures, found, strict=True)
        self.captures = [how(c) if yes else c for c, yes in pairs]
        return self

    def rules(self, node: str, how: Callable[[str], str], *, last_only: bool = False) -> Saved:
        """Edits a node's IPv4 dumps, which must change for it."""
        changed = 0

        def edit(capture: Capture) -> Capture:
            nonlocal changed
            after = how(capture.text()).encode()
            changed += after != capture.data
            return replace(capture, data=after)

        def wanted(capture: Capture) -> bool:
            name = capture.command.name if capture.command else ""
            return of_node(capture, node) and name in (
                "iptables-nft-save-all",
                "iptables-legacy-save-all",
            )

        if last_only:
            half = next(
                i
                for i, c in enumerate(self.captures)
                if i > 70 and of_resource(c.request, "services")
            )
            rest = Saved(self.captures[half:]).change(wanted, edit)
            self.captures = self.captures[:half] + rest.captures
        else:
            self.change(wanted, edit)
        assert changed, "the edit changed nothing"
        return self

    def without_rule(self, node: str, part: str) -> Saved:
        return self.rules(
            node, lambda text: "".join(x for x in text.splitlines(True) if part not in x)
        )

    def before_rule(self, node: str, part: str, line: str) -> Saved:
        return self.rules(
            node,
            lambda text: "".join(f"{line}\n{x}" if part in x else x for x in text.splitlines(True)),
        )

    def file(self, node: str, path: str, how: Callable[[str], str]) -> Saved:
        return self.change(
            lambda c: of_node(c, node) and c.command == Command("cat", (path,)),
            lambda c: replace(c, data=how(c.text()).encode()),
        )

    def stopped(self, node: str) -> Saved:
        return self.file(node, "/proc/1/status", lambda t: t.replace("S (sleeping)", "T (stopped)"))

    def objects(self, resource: str, how: Callable[[Any], Any]) -> Saved:
        """`how` gets each object of every list of this resource: changed, or None to drop it."""

        def edit(capture: Capture) -> Capture:
            kept = [how(copy.deepcopy(dict(item))) for item in capture.objects]
            return replace(capture, objects=tuple(item for item in kept if item is not None))

        return self.change(lambda c: of_resource(c.request, resource), edit)

    def add(self, resource: str, item: dict[str, Any]) -> Saved:
        return self.change(
            lambda c: of_resource(c.request, resource) and not query(c.request),
            lambda c: replace(c, objects=(*c.objects, item)),
        )

    def refuse(self, wanted: Callable[[Capture], bool], reason: Reason, message: str) -> Saved:
        failure = Failure(reason=reason, message=message)
        return self.change(
            wanted, lambda c: replace(c, failure=failure, data=b"", objects=(), exit_code=None)
        )


def of_node(capture: Capture, node: str) -> bool:
    return isinstance(capture.request, ExecRequest) and capture.request.node == node


def of_resource(request: Request, resource: str) -> bool:
    return isinstance(request, ApiRequest) and request.path.endswith(f"/{resource}")


def query(request: Request) -> bool:
    return isinstance(request, ApiRequest) and bool(request.query)


def is_exec(capture: Capture) -> bool:
    return isinstance(capture.request, ExecRequest)


def is_log(capture: Capture) -> bool:
    return isinstance(capture.request, LogRequest)
