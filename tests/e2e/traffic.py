"""Real connections of each client that the tool names, and what they say of its fates."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.tool import Place
from tests.lab import fabric, kube
from tests.lab.client import Lab, Traffic
from tests.lab.shell import run
from tests.lab.topology import EXTERNAL, EXTERNAL_IPV4, NODES, node_named

CONNECTIONS = 1000
REFUSED = 4  # connections per try where nothing may answer: each costs its timeout
TRIES = 4  # the kernel sends one ICMP error a second and destination, after a burst of six

#: A connection in so many may be lost without a fault while pods were replaced shortly before.
LOST = 0.004


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X >= statistic) for chi-square, by Q(a+1, x) = Q(a, x) + x^a e^-x / gamma(a+1)."""
    if freedom == 0:
        return 1.0 if statistic == 0 else 0.0
    x = statistic / 2
    a, tail = (0.5, math.erfc(math.sqrt(x))) if freedom % 2 else (1.0, math.exp(-x))
    while a < freedom / 2:
        tail += x**a * math.exp(-x) / math.gamma(a + 1)
        a += 1
    return tail


def likelihood(seen: dict[str, int], shares: dict[str, float]) -> float:
    total = sum(seen.values())
    statistic = sum(
        (seen.get(name, 0) - total * share) ** 2 / (total * share) for name, share in shares.items()
    )
    return chi_square_tail(statistic, len(shares) - 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One client of one frontend on one node, with its fates."""

    place: Place
    client: str
    source: str | None
    fates: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.place} from {self.client} {self.source or ''}"


def rows(place: Place) -> list[Row]:
    grouped: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for fate in place.node["fates"]:
        grouped.setdefault((fate["client"], fate["source"]), []).append(fate)
    return [Row(place, client, source, fates) for (client, source), fates in grouped.items()]


def reachable(row: Row) -> bool:
    """Only what a node has itself can be dialled there from another node's pod; all else is
    translated on the pod's own node already."""
    return row.client != "pod-elsewhere" or row.place.frontend["kind"] == "NodePort"


def bypassed(row: Row) -> bool:
    """A first packet that arrives and whose answer does not: kube-proxy does not masquerade pods
    that dial a node under policy Local ("pod traffic for … external destinations"), so a pod of
    another node is answered by the endpoint directly, from an address that it did not dial."""
    places = {e["address"]: e["node"] for e in row.place.frontend["endpoints"]}
    return row.client == "pod-elsewhere" and all(
        not fate["masquerade"] and places.get(address_of(fate["endpoint"])) != row.place.name
        for fate in row.fates
    )


@dataclass(slots=True)
class Witness:
    """Pods by address and addresses by pod, and connections from where a row says."""

    lab: Lab
    pods: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pod in kube.get("pods")["items"]:
            name = pod["metadata"]["name"]
            self.addresses[name] = [one["ip"] for one in pod["status"].get("podIPs", ())]
            self.pods |= dict.fromkeys(self.addresses[name], name)

    def connect(self, row: Row, count: int, *flags: str) -> Traffic:
        place = row.place
        port, protocol = int(place.frontend["port"]), place.frontend["protocol"].lower()
        where = (place.target, port, count, protocol, *flags)
        if row.client == "node":
            return self.lab.node_client(place.name, *where)
        assert row.source is not None, f"{row}: no source"
        if row.client == "external":
            with standing_at(row.source, place.target, place.name):
                return self.lab.external_client(*where)
        return self.lab.pod_client(self.pods[row.source], *where)

    def disagreements(self, row: Row) -> tuple[list[str], float | None]:
        """What the network did otherwise than the row says, and the chance of the shares."""
        kinds = {fate["fate"] for fate in row.fates}
        if kinds == {"endpoint"} and bypassed(row):
            return self._one_way(row), None
        if kinds == {"endpoint"}:
            return self._arrivals(row)
        if len(kinds) == 1 and kinds <= {"reject", "drop"}:
            return self._refusals(row, kinds.pop()), None
        return [f"{row}: fates {sorted(kinds)} of a healthy node"], None

    def _refusals(self, row: Row, kind: str) -> list[str]:
        """REJECT is refused, unless the kernel sent its share of ICMP errors already; DROP never
        is."""
        for attempt in range(TRIES):
            seen = self.connect(row, REFUSED, "-timeout", "400ms")
            wanted = {"timeout"} if kind == "drop" else {"refused", "timeout"}
            if seen.answers or not set(seen.errors) <= wanted:
                return [f"{row}: {kind}, but {seen}"]
            if kind == "drop" or "refused" in seen.errors:
                return []
            time.sleep(attempt + 0.5)
        return [f"{row}: {kind}, but never refused"]

    def _one_way(self, row: Row) -> list[str]:
        seen = self.connect(row, REFUSED, "-timeout", "400ms")
        if seen.answers or set(seen.errors) != {"timeout"}:
            return [f"{row}: answers go around the node, but {seen}"]
        return []

    def _arrivals(self, row: Row) -> tuple[list[str], float | None]:
        seen = self.connect(row, CONNECTIONS)
        wrong = []
        lost = {kind: n for kind, n in seen.errors.items() if kind != "timeout"}
        if lost or seen.errors.get("timeout", 0) > CONNECTIONS * LOST:
            wrong.append(f"{row}: {seen.errors}")
        counts = {self._address(row, host): n for host, n in seen.hosts.items()}
        shares: dict[str, float] = {}
        for fate in row.fates:
            if fate["probability"] is not None:
                address = address_of(fate["endpoint"])
                shares[address] = shares.get(address, 0.0) + fate["probability"]
        wrong += self._sources(row, seen)
        if not shares or not set(counts) <= set(shares):
            return [*wrong, f"{row}: {counts} instead of {shares}"], None
        if self._sticky(row):
            return wrong + ([] if len(counts) == 1 else [f"{row}: sticky, but {counts}"]), None
        chance = likelihood(counts, shares)
        if set(counts) != set(shares) or chance < 1e-6:
            wrong.append(f"{row}: {counts} instead of {shares}, p = {chance:.2g}")
        return wrong, chance

    def _sticky(self, row: Row) -> bool:
        return any(fate["probability"] is None for fate in row.fates)

    def _address(self, row: Row, host: str) -> str:
        """The address of the pod that answered, of the frontend's family."""
        colon = row.place.frontend["family"] == "IPv6"
        [address] = [a for a in self.addresses[host] if (":" in a) is colon]
        return address

    def _sources(self, row: Row, seen: Traffic) -> list[str]:
        """A server sees the client's own address if and only if it is not masqueraded: what a
        node sends out of eth0 has the address already that the rule would give it."""
        node = node_named(row.place.name)
        own = {node.ipv4, node.ipv6} if row.client == "node" else {row.source}
        told = {address_of(f["endpoint"]): f["masquerade"] for f in row.fates}
        wrong = []
        for answer in seen.answers:
            host, source = answer.split()
            masquerade = told.get(self._address(row, host))
            if masquerade is not (source not in own):
                wrong.append(f"{row}: {host} saw {source}, masquerade {masquerade}")
        return wrong


def address_of(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


@contextmanager
def standing_at(source: str, target: str, node: str) -> Iterator[None]:
    """Gives the client outside this address, and a way to the target through this node."""
    via = next(one for one in NODES if one.name == node).ipv4
    way = ["via", via] if target != via else ["dev", "eth0"]
    with ExitStack() as undo:
        if source != EXTERNAL_IPV4:
            outside("address", "add", f"{source}/32", "dev", "lo")
            undo.callback(outside, "address", "del", f"{source}/32", "dev", "lo")
        before = outside("route", "show", f"{target}/32").split()
        outside("route", "replace", f"{target}/32", *way, "src", source)
        if before:
            undo.callback(outside, "route", "replace", *before)
        else:
            undo.callback(outside, "route", "del", f"{target}/32")
        yield


def outside(*words: str) -> str:
    return run([*fabric.inside(EXTERNAL), "ip", *words])
