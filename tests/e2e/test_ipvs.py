"""A node in ipvs mode: a virtual machine, which joins the lab for these tests and leaves again.

kube-proxy puts virtual servers right twice a minute, and a command there takes seconds: it is
stopped while a fault is seeded. Each fault is undone exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.test_traffic import SERVICES
from tests.e2e.tool import Answer, Svcnet
from tests.e2e.traffic import Row, Witness, address_of, reachable, rows
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import GUEST, NODES

pytestmark = [pytest.mark.e2e, pytest.mark.full]

NODE = GUEST.name
PATIENCE = ("--exec-timeout", "60s", "--timeout", "300s", "--settle", "1s")
CONNECTIONS = 200
PORT = 3306
STOPPED = "SVN301"  # … is named as well, for that is what makes room for the faults

MODES = {"n1": "iptables", "n2": "iptables", "n3": "nftables", NODE: "ipvs"}


@pytest.fixture(scope="module", autouse=True)
def every_mode(lab: Lab, svcnet: Svcnet) -> Iterator[None]:
    """One node of each; what was there before is there again afterwards."""
    before = lab.proxy_mode("n3")
    joins = not lab.has_guest()
    try:
        if before != MODES["n3"]:
            lab.switch_mode("n3", MODES["n3"])
        if joins:
            lab.add_guest(MODES[NODE])
        yield
    finally:  # also of a guest that came half way
        if joins:
            lab.remove_guest()
        if before != MODES["n3"]:
            lab.switch_mode("n3", before)


def ask(svcnet: Svcnet, *words: str) -> Answer:
    return svcnet(*words, *PATIENCE, timeout=400)


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Answer:
    return ask(svcnet, "trace")


def test_all_modes_in_one_table(lab: Lab, answer: Answer) -> None:
    assert answer.code == 0, answer.told()
    assert answer.verdicts() == {name: {"ok"} for name in MODES}
    modes = {place.name: place.node["dataplane"] for place in answer.places()}
    assert modes == {name: f"kube-proxy/{mode}" for name, mode in MODES.items()}
    assert lab.backend("n1") == "nft"
    assert lab.backend("n2") == "legacy"


def test_proxy_names_every_mode(svcnet: Svcnet) -> None:
    told = ask(svcnet, "proxy")
    shown = {item["node"]: item for item in told.document["items"]}
    for name, mode in MODES.items():
        assert (shown[name]["configured"], shown[name]["running"]) == (mode, mode)
        assert [word.split()[0] for word in shown[name]["programmed"]] == [mode]
    stated = {(one["code"], one["node"] or "") for one in told.findings()}
    assert stated == {("SVN305", ""), ("SVN310", NODE)}, told.told()


@pytest.fixture(scope="module")
def witness(lab: Lab) -> Witness:
    return Witness(lab, connections=CONNECTIONS, timeout="20s", soon="3s")


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_connections_do_what_the_fates_say(service: str, answer: Answer, witness: Witness) -> None:
    wrong: list[str] = []
    asked: set[str] = set()
    for place in answer.places():
        if place.service == f"default/{service}" and place.name == NODE:
            for row in filter(reachable, rows(place)):
                asked.add(row.client)
                wrong += witness.disagreements(row)[0]
    assert not wrong, "\n".join(wrong)
    assert {"pod", "node"} <= asked <= SERVICES[service]


@dataclass(frozen=True, slots=True)
class Seed:
    """db-service there, and the programs that change what the kernel has of it."""

    lab: Lab
    address: str
    endpoints: tuple[str, ...]

    @property
    def server(self) -> str:
        return f"-t {self.address}:{PORT}"

    def state(self) -> str:
        """All that can be altered here, less what counts."""
        listings = "ipvsadm -Sn; ipset save; iptables-save; ip address show dev kube-ipvs0"
        text = self.lab.node_exec(NODE, ["sh", "-c", listings])
        return "\n".join(sorted(line for line in text.splitlines() if line[:1] not in "#:"))

    @contextmanager
    def changed(self, do: str, undo: str) -> Iterator[None]:
        before = self.state()
        self.lab.node_exec(NODE, ["sh", "-ec", f"pkill -STOP -x kube-proxy\n{self.filled(do)}"])
        try:
            yield
        finally:
            self.lab.node_exec(NODE, ["sh", "-ec", self.filled(undo)])
            after = self.state()
            self.lab.node_exec(NODE, ["pkill", "-CONT", "-x", "kube-proxy"])
        assert after == before

    def filled(self, script: str) -> str:
        first, second, third = (f"{one}:{PORT}" for one in self.endpoints)
        return script.format(
            server=self.server,
            address=self.address,
            port=PORT,
            first=first,
            second=second,
            third=third,
            wrong=third.replace(f":{PORT}", ":3307"),
        )


@pytest.fixture
def seed(lab: Lab) -> Seed:
    pods = kube.get("pods", "-l", "app=db")["items"]
    return Seed(
        lab, lab.cluster_ip("db-service"), tuple(sorted(p["status"]["podIP"] for p in pods))
    )


#: What is done, how it is undone, the verdict and the codes.
FAULTS = {
    "real server deleted": (
        "ipvsadm -d {server} -r {third}",
        "ipvsadm -a {server} -r {third} -m -w 1",
        "missing",
        {"SVN202"},
    ),
    "real server of a wrong port": (
        "ipvsadm -d {server} -r {third}\nipvsadm -a {server} -r {wrong} -m -w 1",
        "ipvsadm -d {server} -r {wrong}\nipvsadm -a {server} -r {third} -m -w 1",
        "stale",
        {"SVN202", "SVN203"},
    ),
    "real server drained": (
        "ipvsadm -e {server} -r {third} -m -w 0",
        "ipvsadm -e {server} -r {third} -m -w 1",
        "missing",
        {"SVN202"},
    ),
    "virtual server deleted": (
        "ipvsadm -D {server}",
        "ipvsadm -A {server} -s rr\n"
        "for real in {first} {second} {third}; do ipvsadm -a {server} -r $real -m -w 1; done",
        "absent",
        {"SVN201"},
    ),
    # Absent; but with which address the node itself would ask, then, no listing says.
    "address taken from kube-ipvs0": (
        "ip address del {address}/32 dev kube-ipvs0",
        "ip address add {address}/32 dev kube-ipvs0",
        "unknown",
        {"SVN201", "SVN208"},
    ),
    "element taken from KUBE-CLUSTER-IP": (
        "ipset del KUBE-CLUSTER-IP {address},tcp:{port}",
        "ipset add KUBE-CLUSTER-IP {address},tcp:{port}",
        "blocked",  # by KUBE-IPVS-FILTER, which refuses what is in none of its sets
        {"SVN205"},
    ),
    "a drop in front of it": (
        "iptables -t mangle -I PREROUTING -d {address} -p tcp --dport {port} -j DROP",
        "iptables -t mangle -D PREROUTING -d {address} -p tcp --dport {port} -j DROP",
        "blocked",
        {"SVN205"},
    ),
}


def place_of(answer: Answer) -> dict[str, Any]:
    [place] = [p for p in answer.places() if p.service == "default/db-service"]
    assert place.name == NODE
    return place.node


def trace_db(svcnet: Svcnet) -> Answer:
    return ask(svcnet, "trace", "db-service", "--node", NODE)


def asked(answer: Answer, *clients: str) -> list[Row]:
    [place] = answer.places()
    return [row for row in rows(place) if row.client in clients]


def disagreements(answer: Answer, witness: Witness, *clients: str) -> list[str]:
    found = asked(answer, *clients)
    assert {row.client for row in found} == set(clients)
    return [words for row in found for words in witness.disagreements(row)[0]]


@pytest.mark.parametrize(("do", "undo", "verdict", "codes"), FAULTS.values(), ids=FAULTS)
def test_faults(
    svcnet: Svcnet,
    seed: Seed,
    witness: Witness,
    do: str,
    undo: str,
    verdict: str,
    codes: set[str],
) -> None:
    with seed.changed(do, undo):
        answer = trace_db(svcnet)
        wrong = disagreements(answer, witness, "pod") if verdict == "blocked" else []
    assert not wrong, "\n".join(wrong)
    assert place_of(answer)["verdict"] == verdict, answer.told()
    assert {f["code"] for f in answer.findings()} == codes | {STOPPED}, answer.told()
    assert {f["node"] for f in answer.findings()} == {NODE}
    assert answer.code == 1


def test_weights_are_shares(svcnet: Svcnet, lab: Lab, seed: Seed, witness: Witness) -> None:
    """They are nobody's fault, but they are told, and true."""
    do = "ipvsadm -E {server} -s wrr\nipvsadm -e {server} -r {third} -m -w 8"
    undo = "ipvsadm -e {server} -r {third} -m -w 1\nipvsadm -E {server} -s rr"
    with seed.changed(do, undo):
        answer = trace_db(svcnet)
        wrong = disagreements(answer, witness, "pod", "node")
    assert answer.code == 0, answer.told()
    assert not wrong, "\n".join(wrong)
    for row in asked(answer, "pod", "node"):
        shares = sorted(fate["probability"] for fate in row.fates)
        assert shares == pytest.approx([0.1, 0.1, 0.8]), row


@pytest.mark.parametrize(("scheduler", "most"), [("sh", 1), ("mh", 1), ("lc", 3)])
def test_a_choice_by_state(
    svcnet: Svcnet, seed: Seed, witness: Witness, scheduler: str, most: int
) -> None:
    """A hash sends a client to one of those told, always the same; the load to whoever has least,
    which spares one that had many: a closed connection counts for two minutes."""
    with seed.changed(f"ipvsadm -E {{server}} -s {scheduler}", "ipvsadm -E {server} -s rr"):
        answer = trace_db(svcnet)
        [row] = asked(answer, "pod")
        seen = witness.connect(row, 30, "-timeout", witness.timeout)
    assert answer.code == 0, answer.told()
    assert {fate["probability"] for fate in row.fates} == {None}
    assert not seen.errors, seen
    reached = {address for host in seen.hosts for address in witness.addresses[host]}
    told = {address_of(fate["endpoint"]) for fate in row.fates}
    assert len(reached & told) == len(seen.hosts) <= most, seen


MASQUERADE = (
    "KUBE-POSTROUTING -m comment --comment 'kubernetes service traffic requiring SNAT'"
    " -j MASQUERADE --random-fully"
)


def test_the_masquerade_rule_deleted(svcnet: Svcnet, seed: Seed) -> None:
    """Such a packet still reaches an endpoint; the fates say with which source, and so do pods."""
    with seed.changed(f"iptables -t nat -D {MASQUERADE}", f"iptables -t nat -A {MASQUERADE}"):
        answer = trace_db(svcnet)
    fates = place_of(answer)["fates"]
    assert {f["masquerade"] for f in fates if f["client"] == "node"} == {False}, answer.told()


def test_kube_proxy_stopped_while_a_pod_is_replaced(svcnet: Svcnet, lab: Lab, seed: Seed) -> None:
    [old] = [p for p in kube.get("pods", "-l", "app=db")["items"] if p["spec"]["nodeName"] == "n3"]
    lab.node_exec(NODE, ["pkill", "-STOP", "-x", "kube-proxy"])
    try:
        lab.kubectl("delete", "pod", old["metadata"]["name"], "--wait")
        wait_until("a new db pod is ready", lambda: len(ready()) == len(NODES), timeout=120)
        answer = svcnet("trace", "db-service", "--node", NODE, *PATIENCE[:-2], timeout=400)
    finally:
        lab.node_exec(NODE, ["pkill", "-CONT", "-x", "kube-proxy"])
    place = place_of(answer)
    [new] = ready() - set(seed.endpoints)
    gone = old["status"]["podIP"]
    assert place["problems"] == ["stale", "missing"], answer.told()
    assert (place["stale"], place["missing"]) == ([f"{gone}:{PORT}"], [f"{new}:{PORT}"])
    found = {f["code"]: f for f in answer.findings()}
    assert set(found) == {"SVN202", "SVN203", STOPPED}
    for code in ("SVN202", "SVN203"):
        assert any("stopped" in line for line in found[code]["evidence"]), found[code]
    wait_until("it has caught up", lambda: trace_db(svcnet).code == 0, timeout=300)


def ready() -> set[str]:
    pods = kube.get("pods", "-l", "app=db")["items"]
    return {pod["status"]["podIP"] for pod in pods if kube.is_ready(pod)}
