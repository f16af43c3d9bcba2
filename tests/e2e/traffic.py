"""Real connections of each client that the tool names, and what they say of its fates."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.e2e.tool import Place
from tests.lab import fabric, kube
from tests.lab.client import Lab, Traffic
from tests.lab.shell import run
from tests.lab.topology import EXTERNAL, EXTERNAL_IPV4, EXTERNAL_IPV6, POD_RANGE, node_named

CONNECTIONS = 1000
REFUSED = 4  # connections per try where nothing may answer: each costs its timeout
SOME = 64  # … and where a part of them is not answered
SILENCE = "no answer"
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
    if not total:
        return 0.0
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
    translated on the pod's own node already. Nobody outside can have a pod's address."""
    if row.client == "external":
        return not any(ip_address(row.source or "") in network for network in _PODS)
    return row.client != "pod-elsewhere" or row.place.frontend["kind"] == "NodePort"


_PODS = tuple(map(ip_network, POD_RANGE.split(",")))


def silent(row: Row) -> frozenset[str]:
    """Endpoints where the first packet arrives and whose answer does not: it leaves their node
    directly, from an address that was not dialled or to one that is not the client's alone.

    kube-proxy masquerades no pod that dials a node under policy Local ("pod traffic for … external
    destinations"); in ipvs mode it sends whoever dials a node without an endpoint under that
    policy to one elsewhere, unmasqueraded, and kube-ipvs0 lends its addresses to the node itself.
    """
    if row.client == "node":
        if not (in_ipvs_mode(row) and row.place.frontend["address"]):
            return frozenset()
    elif row.client not in ("pod-elsewhere", "external"):
        return frozenset()
    places = {e["address"]: e["node"] for e in row.place.frontend["endpoints"]}
    addresses = {address_of(fate["endpoint"]): fate["masquerade"] for fate in row.fates}
    elsewhere = (a for a in addresses if places[a] != row.place.name)
    return frozenset(a for a in elsewhere if addresses[a] is False)


def in_ipvs_mode(row: Row) -> bool:
    return bool(row.place.node["dataplane"] == "kube-proxy/ipvs")


@dataclass(slots=True)
class Witness:
    """Pods by address and addresses by pod, and connections from where a row says."""

    lab: Lab
    connections: int = CONNECTIONS
    timeout: str = "2s"
    soon: str = "400ms"  # where some or all are not answered
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
        if kinds == {"endpoint"}:
            return self._arrivals(row)
        if len(kinds) == 1 and kinds <= {"reject", "drop"}:
            return self._refusals(row, kinds.pop()), None
        return [f"{row}: fates {sorted(kinds)} of a healthy node"], None

    def _refusals(self, row: Row, kind: str) -> list[str]:
        """REJECT is refused, unless the kernel sent its share of ICMP errors already; DROP never
        is."""
        for attempt in range(TRIES):
            seen = self.connect(row, REFUSED, "-timeout", self.soon)
            wanted = {"timeout"} if kind == "drop" else {"refused", "timeout"}
            if seen.answers or not set(seen.errors) <= wanted:
                return [f"{row}: {kind}, but {seen}"]
            if kind == "drop" or "refused" in seen.errors:
                return []
            time.sleep(attempt + 0.5)
        return [f"{row}: {kind}, but never refused"]

    def _arrivals(self, row: Row) -> tuple[list[str], float | None]:
        mute = silent(row)
        seen = self._connect_all(row, quick=bool(mute))
        counts = {self._address(row, host): n for host, n in seen.hosts.items()}
        shares: dict[str, float] = {}
        for fate in row.fates:
            if fate["probability"] is not None:
                address = address_of(fate["endpoint"])
                address = SILENCE if address in mute else address
                shares[address] = shares.get(address, 0.0) + fate["probability"]
        wrong = self._sources(row, seen)
        errors = dict(seen.errors)
        if mute:
            counts[SILENCE] = errors.pop("timeout", 0)
            counts = {name: n for name, n in counts.items() if n}
        elif errors.get("timeout", 0) <= self.connections * LOST:
            errors.pop("timeout", None)
        if errors:
            wrong.append(f"{row}: {errors}")
        if not shares or not set(counts) <= set(shares):
            return [*wrong, f"{row}: {counts} instead of {shares}"], None
        if self._sticky(row):
            return wrong + ([] if len(counts) == 1 else [f"{row}: sticky, but {counts}"]), None
        chance = likelihood(counts, shares)
        if set(counts) != set(shares) or chance < 1e-6:
            wrong.append(f"{row}: {counts} instead of {shares}, p = {chance:.2g}")
        return wrong, chance

    def _connect_all(self, row: Row, *, quick: bool) -> Traffic:
        if self._sticky(row):  # connections at the very same time may each choose for themselves
            self.connect(row, 1, "-timeout", self.soon)
        if quick:
            return self.connect(row, SOME, "-timeout", self.soon)
        return self.connect(row, self.connections, "-timeout", self.timeout)

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
        if row.client == "node" and in_ipvs_mode(row):
            own = {row.place.target}  # kube-ipvs0 has it, so that the node dials it from itself
        told = {address_of(f["endpoint"]): f["masquerade"] for f in row.fates}
        wrong = []
        for answer in seen.answers:
            host, source = answer.split()
            masquerade = told.get(self._address(row, host))
            if masquerade is None and in_ipvs_mode(row):
                continue  # not told: which source the node takes there is not known before
            if masquerade is not (source not in own):
                wrong.append(f"{row}: {host} saw {source}, masquerade {masquerade}")
        return wrong


def address_of(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


@contextmanager
def standing_at(source: str, target: str, node: str) -> Iterator[None]:
    """Gives the client outside this address, and a way to the target through this node."""
    where = node_named(node)
    family, via, bits = ("-6", where.ipv6, 128) if ":" in source else ("-4", where.ipv4, 32)
    way = ["via", via] if target != via else ["dev", "eth0"]
    address = (f"{source}/{bits}", "dev", "lo")
    with ExitStack() as undo:
        if source not in (EXTERNAL_IPV4, EXTERNAL_IPV6):
            outside(family, "address", "add", *address)
            undo.callback(outside, family, "address", "del", *address)
        before = outside(family, "route", "show", f"{target}/{bits}").split()
        if before:
            undo.callback(outside, family, "route", "add", *before)
            outside(family, "route", "del", f"{target}/{bits}")
        outside(family, "route", "add", f"{target}/{bits}", *way, "src", source)
        undo.callback(outside, family, "route", "del", f"{target}/{bits}")
        yield


def outside(*words: str) -> str:
    return run([*fabric.inside(EXTERNAL), "ip", *words])
