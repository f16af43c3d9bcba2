"""The recorded lab, to be altered: single rules, API objects, refusals. Answered by replay."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from kubectl_svcnet.cluster.bundle import read_bundle
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    Reason,
    Request,
)
from kubectl_svcnet.model.commands import Command

LAB = Path(__file__).parent / "fixtures" / "lab"
HEALTHY = LAB / "healthy.tar.gz"
#: The same with n3 in nftables mode, and what each kube-proxy answers.
PROXY = LAB / "proxy.tar.gz"


@cache
def _read(file: Path) -> tuple[Capture, ...]:
    found: list[Capture] = []
    for stored in read_bundle(file)[1]:
        capture = stored.capture()
        found.append(capture)
        if capture.command == Command("cat", ("/proc/1/status",)):
            found.extend(_not_yet_asked(capture))
        if capture.request == ApiRequest(path="/api/v1/services"):
            policies = ApiRequest(path="/apis/networking.k8s.io/v1/networkpolicies")
            found.append(replace(capture, request=policies, objects=()))  # it had none
    return tuple(found)


def recorded(file: Path = HEALTHY) -> list[Capture]:
    return list(_read(file))


def _not_yet_asked(beside: Capture) -> tuple[Capture, ...]:
    """What the lab was recorded without, as a node answers that has none of it."""
    why = Failure(reason=Reason.NOT_PRESENT, message="ipvsadm: not run, ip_vs is not loaded")
    said = b"cat: /proc/net/ip_vs: No such file or directory\n"
    return (
        replace(beside, command=Command("ip-vs"), data=b"", stderr=said, exit_code=1),
        replace(beside, command=Command("ipvsadm-save"), data=b"", exit_code=None, failure=why),
        replace(beside, command=Command("device-sysctls"), data=b""),
    )


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
            first, second = readings(self.captures)
            self.captures = [*first, *Saved(second).change(wanted, edit).captures]
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

    def answer(
        self, node: str, path: str, how: Callable[[str], str], status: int | None = None
    ) -> Saved:
        """What a node's kube-proxy answers to a GET."""

        def wanted(capture: Capture) -> bool:
            request = capture.request
            asked = isinstance(request, ForwardRequest) and request.path == path
            return asked and getattr(request, "node", "") == node

        return self.change(
            wanted, lambda c: replace(c, data=how(c.text()).encode(), exit_code=status)
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


def readings(captures: list[Capture]) -> tuple[list[Capture], list[Capture]]:
    """A snapshot's two readings of the nodes, which `trace` takes for its own two."""
    seen = set()
    for index, capture in enumerate(captures):
        if is_exec(capture) and capture.command == Command("cat", ("/proc/1/status",)):
            node = getattr(capture.request, "node", "")
            if node in seen:
                return captures[:index], captures[index:]
            seen.add(node)
    raise AssertionError("one reading only")


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


class Watched:
    """A source that remembers what was asked, and how long it was to wait."""

    context = "admin@lab"

    def __init__(self, saved: Saved) -> None:
        self._inner = saved.source()
        self.asked: list[Request] = []
        self.waited: list[float] = []

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        self.asked.append(request)
        return self._inner.fetch(request)

    def now(self) -> float:
        return self._inner.now()

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


class Narrow:
    """A cluster that answers narrow questions narrowly, as live nodes do: single chains, single
    tables, filtered listings. All are cut out of the recorded dumps.

    Images have `nft` or not; what the script would not run then is not answered either.
    """

    def __init__(self, saved: Saved, *, nft: bool = True) -> None:
        self.inner = saved.source()
        self.nft = nft
        self.asked: list[ExecRequest] = []
        self.hook: Callable[[Command, str], str] = lambda command, text: text

    @property
    def context(self) -> str:
        return self.inner.context

    def now(self) -> float:
        return self.inner.now()

    def wait(self, seconds: float) -> None:
        self.inner.wait(seconds)

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        captures = self.inner.fetch(request)
        if not isinstance(request, ExecRequest):
            return captures
        self.asked.append(request)
        pairs = zip(request.commands, captures, strict=True)
        listed = [c.text() for c in captures if c.command and c.command.spec.listing]
        return tuple(
            self._narrow(command, self._refused(command, capture, listed) or capture)
            for command, capture in pairs
        )

    def _refused(self, command: Command, capture: Capture, listed: list[str]) -> Capture | None:
        """`cluster.batch`, "Exit codes": no such tool, or a precondition of the table says no."""
        spec = command.spec
        table = f"table {spec.within} {command.arguments[0]} {{" if spec.within else ""
        unknown = bool(table and listed) and (not self.nft or table not in listed[0])
        if spec.listing and not self.nft:
            reason = Reason.NO_TOOL
        elif unknown or (spec.unless == ("nft",) and self.nft):
            reason = Reason.NOT_PRESENT
        else:
            return None
        failure = Failure(reason=reason, message=reason.value)
        return replace(capture, command=command, data=b"", exit_code=None, failure=failure)

    def _narrow(self, command: Command, capture: Capture) -> Capture:
        if capture.failure is not None or capture.command == command:
            return capture
        text = cut(command, capture.text())
        if text is None:
            return replace(capture, command=command, data=b"", exit_code=1)
        data = self.hook(command, text).encode()
        return replace(capture, command=command, data=data, size=len(data))


def cut(command: Command, dump: str) -> str | None:
    """The part of a dump that this command prints; None: there is no such chain."""
    kind = command.name.partition("-")[2]
    if kind.endswith("-first-rule"):
        table, chain = command.arguments
        lines = [x for x in numbered(dump) if re.match(rf"\d+:(\*|-A {chain} )", x)]
        plain = [x.partition(":")[2].rstrip() for x in lines]
        at = plain.index(f"*{table}") if f"*{table}" in plain else len(plain)
        return "".join(lines[at : at + 2])
    if kind.endswith("-save-all-filtered"):
        return filtered(dump, "|".join(command.arguments))
    table = command.arguments[0]
    part = re.search(rf"^\*{table}\n(?s:.*?)^COMMIT\n", dump, re.MULTILINE)
    body = part[0] if part else empty(table)
    if kind == "nft-save":
        return body
    if kind == "nft-table":
        lines = body.splitlines(True)
        heads = [x[1:].split() for x in lines if x.startswith(":")]
        said = [f"-N {h[0]}\n" if h[1] == "-" else f"-P {h[0]} {h[1]}\n" for h in heads]
        return "".join([*said, *(x for x in lines if x.startswith("-A "))])
    if kind == "nft-save-filtered":
        return filtered(body, command.arguments[1])
    chain = command.arguments[1]
    head = re.search(rf"^:{re.escape(chain)} (\S+)", body, re.MULTILINE)
    if head is None:
        return None
    first = f"-N {chain}\n" if head[1] == "-" else f"-P {chain} {head[1]}\n"
    listing = first + "".join(x for x in body.splitlines(True) if x.startswith(f"-A {chain} "))
    return filtered(listing, command.arguments[2]) if kind == "nft-chain-filtered" else listing


#: iptables-nft shows these chains even where the kernel has no such table.
BASE = {
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "raw": ("PREROUTING", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}


def empty(table: str) -> str:
    chains = "".join(f":{chain} ACCEPT [0:0]\n" for chain in BASE[table])
    return f"*{table}\n{chains}COMMIT\n"


def numbered(text: str) -> list[str]:
    return [f"{n}:{line}" for n, line in enumerate(text.splitlines(True), 1)]


def filtered(text: str, leave: str) -> str:
    return "".join(x for x in numbered(text) if not re.search(leave, x.partition(":")[2].rstrip()))
