"""Fills the lab with Services and empties it again, and waits until every node has followed.

Large sizes go to one node after another, the legacy node first: each restore may then have a core
for itself. What the nft nodes cannot write within an hour is left out, and the result says so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.lab import kube, node
from tests.lab.shell import LabError
from tests.lab.topology import NODES, Node

from . import proxies
from .api import Creator
from .sizes import LABEL, NAMESPACE, Size, endpoint_slice, parse_size, service

DEADLINE = 3600.0  # for all nft nodes together
SMALL_DEADLINE = 900.0
PATIENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """`nodes` that hold all rules; `seconds` that each took, empty where they were there before."""

    size: Size
    nodes: tuple[Node, ...]
    creating: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: tuple[Node, ...] = ()


def load(size: Size) -> Loaded:
    if (found := loaded()) == str(size):
        return as_found(size)
    if found is not None:
        unload()
    done = load_in_turn(size) if size.large else load_at_once(size)
    kube.kubectl("label", "namespace", NAMESPACE, f"{LABEL}={size}")
    return done


def as_found(size: Size) -> Loaded:
    """After a run that kept what it had loaded."""
    full = [one for one in NODES if proxies.wait_for_sync(one, size, PATIENCE) is not None]
    rest = tuple(one for one in NODES if one not in full)
    return Loaded(size=size, nodes=tuple(full), left_out=rest)


def load_at_once(size: Size) -> Loaded:
    started = time.monotonic()
    creating = create(size)
    seconds = {}
    for one in NODES:
        if proxies.wait_for_sync(one, size, SMALL_DEADLINE) is None:
            raise LabError(f"{one.name} did not follow within {SMALL_DEADLINE:g} s.")
        seconds[one.name] = time.monotonic() - started
    return Loaded(size=size, nodes=NODES, creating=creating, seconds=seconds)


def load_in_turn(size: Size) -> Loaded:
    for one in NODES:
        proxies.stop(one)
    creating = create(size)
    print(f"{creating:6.1f} s  {size} created, kube-proxies stopped", flush=True)
    seconds: dict[str, float] = {}
    left = DEADLINE
    for one in sorted(NODES, key=lambda each: node.backend(each) == "nft"):
        nft = node.backend(one) == "nft"
        took = None
        if left > 0:
            proxies.start(one)
            took = proxies.wait_for_sync(one, size, left if nft else DEADLINE)
        if took is None:
            proxies.stop(one)
            left = 0.0
            continue
        print(f"{took:6.1f} s  {one.name} loaded, {node.backend(one)}", flush=True)
        seconds[one.name] = took
        left -= took if nft else 0.0
    return Loaded(
        size=size,
        nodes=tuple(one for one in NODES if one.name in seconds),
        creating=creating,
        seconds=seconds,
        left_out=tuple(one for one in NODES if one.name not in seconds),
    )


def create(size: Size) -> float:
    started = time.monotonic()
    kube.kubectl("create", "namespace", NAMESPACE)
    objects = [made for n in range(size.services) for made in (service(n), endpoint_slice(size, n))]
    Creator().create_all(objects)
    return time.monotonic() - started


def loaded() -> str | None:
    """The size that is there, "" where it was never finished; None where nothing is."""
    text = kube.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "json")
    if not text.strip():
        return None
    return str(json.loads(text)["metadata"]["labels"].get(LABEL, ""))


def unload() -> float:
    """Leaves the lab as it was: no namespace, every kube-proxy at work."""
    started = time.monotonic()
    if (found := loaded()) is None:
        proxies.start_all()
        return 0.0
    large = not found or parse_size(found).large
    if large:
        for one in NODES:
            proxies.stop(one)
    kube.kubectl("delete", "namespace", NAMESPACE, "--wait", timeout=1800)
    if large:
        for one in NODES:
            proxies.forget_services(one)
    proxies.start_all()
    wait_until_forgotten(NODES)
    return time.monotonic() - started


def wait_until_forgotten(nodes: Sequence[Node]) -> None:
    for one in nodes:
        deadline = time.monotonic() + SMALL_DEADLINE
        while f"{NAMESPACE}/" in proxies.nat(one):
            if time.monotonic() > deadline:
                raise LabError(f"{one.name} still has rules of the namespace {NAMESPACE}.")
            time.sleep(1)
