"""Seeded faults: the right node, the right verdict, the rule or pod to look at, and what to type.

Each is seeded with the node's own iptables on a node of either backend and undone exactly.
"""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.e2e.nodes import LEGACY, NFT, Rules
from tests.e2e.tool import Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import NODES, node_named

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("node", [NFT, LEGACY])]

SETTLE = ("--settle", "1s")
PORT = 3306


class Seed:
    """db-service on one node: its rules there, and how each fault is put into them."""

    def __init__(self, lab: Lab, node: str) -> None:
        self.rules = Rules(lab, node)
        self.address = lab.cluster_ip("db-service")
        self.chain = self.rules.service_chain(self.address, PORT)
        self.endpoints = sorted(
            pod["status"]["podIP"] for pod in kube.get("pods", "-l", "app=db")["items"]
        )

    @property
    def to_service(self) -> str:
        return f"-d {self.address}/32 -p tcp -m tcp --dport {PORT}"

    def branches(self) -> list[int]:
        """Numbers of the rules of the Service's chain that lead to endpoints."""
        rules = self.rules.chain("nat", self.chain)
        return [number for number, rule in enumerate(rules, 1) if "-j KUBE-SEP-" in rule]

    def led_to(self, number: int) -> tuple[str, str]:
        """The endpoint's chain and address behind one of them."""
        branch = self.rules.chain("nat", self.chain)[number - 1].split()[-1]
        [translation] = [r for r in self.rules.chain("nat", branch) if "-j DNAT" in r]
        return branch, translation.split()[-1]

    def branch_gone(self, number: int) -> AbstractContextManager[None]:
        return self.rules.without("nat", self.chain, [number])

    def undispatched(self) -> AbstractContextManager[None]:
        rules = self.rules.chain("nat", "KUBE-SERVICES")
        mine = [n for n, rule in enumerate(rules, 1) if f"-d {self.address}/32" in rule]
        return self.rules.without("nat", "KUBE-SERVICES", mine)

    def wrong_port(self, branch: str) -> AbstractContextManager[None]:
        number = self.rules.find("nat", branch, "-j DNAT")
        return self.rules.replaced("nat", branch, number, rf":{PORT}$", ":3307")

    def uneven(self) -> AbstractContextManager[None]:
        first, old, new = self.branches()[0], r"--probability \S+", "--probability 0.9"
        return self.rules.replaced("nat", self.chain, first, old, new)


@pytest.fixture
def seed(lab: Lab, svcnet: Svcnet, node: str) -> Iterator[Seed]:
    assert lab.backend(node) == {NFT: "nft", LEGACY: "legacy"}[node]
    yield Seed(lab, node)
    svcnet.healthy("db-service")


def only(answer: Answer, node: str, verdict: str, code: str) -> dict[str, Any]:
    """The one error that there is: this verdict on this node, all else in order."""
    wanted = {one.name: {verdict if one.name == node else "ok"} for one in NODES}
    assert answer.verdicts("db-service") == wanted, answer.told()
    found = [f for f in answer.findings() if f["code"] == code]
    assert len(found) == 1, answer.told()
    assert {f["node"] for f in answer.findings()} == {node}, answer.told()
    assert found[0]["service"] == "default/db-service"
    assert answer.code == 1, answer.told()
    assert found[0]["level"] == "error"
    return found[0]


def place_on(answer: Answer, node: str) -> dict[str, Any]:
    [place] = [p for p in answer.places() if p.name == node and p.service == "default/db-service"]
    return place.node


def restarts(finding: dict[str, Any], lab: Lab) -> None:
    pod = lab.proxy_pod(finding["node"])
    assert finding["next"] == f"kubectl -n kube-system delete pod {pod}"


def shows(finding: dict[str, Any], lab: Lab, rule: str) -> None:
    """The next command, run, prints the rule that is to blame, which the evidence quotes."""
    assert any(rule in line for line in finding["evidence"]), finding
    words = shlex.split(finding["next"])
    assert words[0] == "kubectl"
    assert lab.proxy_pod(finding["node"]) in words
    assert rule in lab.kubectl(*words[1:]).splitlines()


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_an_endpoint_rule_deleted(
    svcnet: Svcnet, lab: Lab, seed: Seed, node: str, which: int
) -> None:
    """The others share its part; the last one's passes untranslated."""
    number = seed.branches()[which]
    _, endpoint = seed.led_to(number)
    with seed.branch_gone(number):
        answer = svcnet("trace", "db-service", *SETTLE)
    finding = only(answer, node, "missing", "SVN202")
    assert endpoint in finding["message"]
    assert place_on(answer, node)["missing"] == [endpoint]
    assert place_on(answer, node)["stale"] == []
    assert any(seed.chain in line for line in finding["evidence"])
    restarts(finding, lab)


def test_the_service_flushed_from_dispatch(svcnet: Svcnet, lab: Lab, seed: Seed, node: str) -> None:
    with seed.undispatched():
        answer = svcnet("trace", "db-service", *SETTLE)
    finding = only(answer, node, "absent", "SVN201")
    assert place_on(answer, node)["problems"] == ["absent"]
    assert f"{seed.address}:{PORT}" in finding["message"]
    restarts(finding, lab)


def test_an_endpoint_at_a_wrong_port(svcnet: Svcnet, lab: Lab, seed: Seed, node: str) -> None:
    branch, endpoint = seed.led_to(seed.branches()[1])
    wrong = endpoint.replace(f":{PORT}", ":3307")
    with seed.wrong_port(branch):
        answer = svcnet("trace", "db-service", *SETTLE)
    assert place_on(answer, node)["problems"] == ["stale", "missing"], answer.told()
    assert place_on(answer, node)["stale"] == [wrong]
    assert place_on(answer, node)["missing"] == [endpoint]
    stale = only(answer, node, "stale", "SVN203")
    assert wrong in stale["message"]
    restarts(stale, lab)
    assert endpoint in only(answer, node, "stale", "SVN202")["message"]


def test_shares_changed(svcnet: Svcnet, lab: Lab, seed: Seed, node: str) -> None:
    _, endpoint = seed.led_to(seed.branches()[0])
    with seed.uneven():
        answer = svcnet("trace", "db-service", *SETTLE)
    finding = only(answer, node, "unbalanced", "SVN204")
    assert any("90.0%" in line and endpoint in line for line in finding["evidence"])
    restarts(finding, lab)
    shares = {
        fate["endpoint"]: fate["probability"]
        for fate in place_on(answer, node)["fates"]
        if fate["client"] == "pod"
    }
    assert sorted(shares.values()) == pytest.approx([0.05, 0.05, 0.9], abs=1e-3)


@contextmanager
def table_left_as_found(seed: Seed, table: str) -> Iterator[None]:
    """A table that only the fault brought in goes again; the legacy backend keeps it, empty."""
    there = any(chain.startswith(f"{table}/") for chain in seed.rules.dump())
    yield
    if not there and seed.rules.backend == "nft":
        seed.rules.lab.node_exec(seed.rules.node, ["nft", "delete", "table", "ip", table])


@pytest.mark.parametrize("table", ["raw", "mangle"])
def test_a_drop_before_dispatch(
    svcnet: Svcnet, lab: Lab, seed: Seed, node: str, table: str
) -> None:
    words = f"{seed.to_service} -j DROP"
    with table_left_as_found(seed, table), seed.rules.inserted(table, "PREROUTING", words) as rule:
        answer = svcnet("trace", "db-service", *SETTLE)
        finding = only(answer, node, "blocked", "SVN205")
        shows(finding, lab, rule)
    fates = {fate["client"]: fate["fate"] for fate in place_on(answer, node)["fates"]}
    assert fates["pod"] == "drop"
    assert fates["node"] == "endpoint"


@pytest.mark.parametrize("target", ["DROP", "REJECT --reject-with icmp-port-unreachable"])
def test_a_refusal_behind_the_translation(
    svcnet: Svcnet, lab: Lab, seed: Seed, node: str, target: str
) -> None:
    """In filter/FORWARD, of one endpoint only; clients that do not pass there are not struck."""
    words = f"-d {seed.endpoints[2]}/32 -p tcp -m tcp --dport {PORT} -j {target}"
    with seed.rules.inserted("filter", "FORWARD", words) as rule:
        answer = svcnet("trace", "db-service", *SETTLE)
        finding = only(answer, node, "blocked", "SVN205")
        shows(finding, lab, rule)


def explains(finding: dict[str, Any], node: str) -> None:
    """Where no rule is to blame, the next command shows the whole walk."""
    service = finding["service"].partition("/")[2]
    command = f"kubectl svcnet trace {service} -n default --node {node} --explain"
    assert finding["next"] == command


def test_a_drop_beside_refusals_that_are_asked_for(
    svcnet: Svcnet, lab: Lab, seed: Seed, node: str
) -> None:
    """web-lb refuses pods at its load balancer address by its source ranges; not to blame."""
    words = "-s 172.18.0.0/24 -d 203.0.113.20/32 -p tcp -m tcp --dport 80 -j DROP"
    with seed.rules.inserted("mangle", "PREROUTING", words) as rule:
        answer = svcnet("trace", "web-lb", *SETTLE)
        [finding] = answer.findings()
        assert (finding["code"], finding["node"]) == ("SVN205", node), answer.told()
        shows(finding, lab, rule)
    bad = [(p.frontend["kind"], p.name, p.verdict) for p in answer.places() if p.verdict != "ok"]
    assert bad == [("LoadBalancerIP", node, "blocked")]
    svcnet.healthy("web-lb")


def test_forward_policy(svcnet: Svcnet, seed: Seed, node: str) -> None:
    seed.rules.run("-P", "FORWARD", "DROP")
    try:
        answer = svcnet("trace", "db-service", *SETTLE)
    finally:
        seed.rules.run("-P", "FORWARD", "ACCEPT")
    finding = only(answer, node, "blocked", "SVN205")
    assert any("the policy of" in line and "filter/FORWARD" in line for line in finding["evidence"])
    explains(finding, node)


def test_forwarding_switched_off(svcnet: Svcnet, lab: Lab, seed: Seed, node: str) -> None:
    lab.node_exec(node, ["sysctl", "-qw", "net.ipv4.ip_forward=0"])
    try:
        answer = svcnet("trace", "db-service", *SETTLE)
    finally:
        lab.node_exec(node, ["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    finding = only(answer, node, "blocked", "SVN205")
    assert "net.ipv4.ip_forward is 0" in finding["evidence"]
    explains(finding, node)


@pytest.mark.usefixtures("seed")
def test_a_native_nft_table_on_the_path(svcnet: Svcnet, lab: Lab, node: str) -> None:
    """Walked beside iptables' rules of either backend, and named."""
    lines = "type filter hook prerouting priority -300;\n  ip daddr 10.96.0.0/16 drop\n"
    table = f"table inet e2e {{\n chain first {{\n  {lines} }}\n}}\n"
    lab.node_exec(node, ["nft", "-f", "-"], stdin=table)
    try:
        answer = svcnet("trace", "db-service", *SETTLE)
    finally:
        lab.node_exec(node, ["nft", "delete", "table", "inet", "e2e"])
    finding = only(answer, node, "blocked", "SVN205")
    assert any("inet e2e/first:1" in line for line in finding["evidence"]), finding
    assert finding["next"].endswith("-- nft list table inet e2e")


def test_a_foreign_translation(svcnet: Svcnet, lab: Lab, seed: Seed, node: str) -> None:
    """Even to an address that kube-proxy would choose too."""
    words = f"{seed.to_service} -j DNAT --to-destination {seed.endpoints[0]}:{PORT}"
    with seed.rules.inserted("nat", "PREROUTING", words) as rule:
        answer = svcnet("trace", "db-service", *SETTLE)
        finding = only(answer, node, "diverted", "SVN206")
        shows(finding, lab, rule)


@pytest.mark.parametrize(
    "match", ["-m string --string x --algo bm", "-m u32 --u32 0x6&0xff=0x6"], ids=["string", "u32"]
)
@pytest.mark.parametrize("target", ["DROP", "ACCEPT"])
def test_a_match_that_is_not_understood(
    svcnet: Svcnet, lab: Lab, seed: Seed, node: str, match: str, target: str
) -> None:
    """A DROP that may apply makes the fate unknown; an ACCEPT in mangle changes nothing."""
    words = f"{seed.to_service} {match} -j {target}"
    with seed.rules.inserted("mangle", "PREROUTING", words) as rule:
        answer = svcnet("trace", "db-service", *SETTLE)
        if target == "ACCEPT":
            assert answer.code == 0, answer.told()
            return
        [finding] = answer.findings()
        assert finding["code"] == "SVN208"
        assert finding["node"] == node
        shows(finding, lab, rule)
    assert answer.code == 4, answer.told()
    assert place_on(answer, node)["verdict"] == "unknown"
    assert "mangle/PREROUTING:1" in place_on(answer, node)["reason"]
    others = {one.name: {"ok"} for one in NODES if one.name != node}
    assert {name: v for name, v in answer.verdicts().items() if name != node} == others


def test_other_services_are_not_struck(svcnet: Svcnet, seed: Seed, node: str) -> None:
    with seed.branch_gone(seed.branches()[0]):
        answer = svcnet("trace", *SETTLE)
    assert answer.code == 1
    bad = {(p.service, p.name) for p in answer.places() if p.verdict != "ok"}
    assert bad == {("default/db-service", node)}, answer.told()


def test_the_next_command_heals(svcnet: Svcnet, lab: Lab, seed: Seed, node: str) -> None:
    branch, _ = seed.led_to(seed.branches()[0])
    number = seed.rules.find("nat", branch, "-j DNAT")
    before = seed.rules.chain("nat", branch)[number - 1]
    changed = before.replace(f":{PORT}", ":3307")
    seed.rules.run("-t", "nat", "-R", branch, str(number), *shlex.split(changed)[2:])
    answer = svcnet("trace", "db-service", *SETTLE)
    finding = only(answer, node, "stale", "SVN203")
    words = shlex.split(finding["next"])
    assert words[0] == "kubectl"
    lab.kubectl(*words[1:])
    svcnet.healthy("db-service")
    assert seed.rules.chain("nat", branch)[number - 1] == before


@pytest.fixture
def stopped(lab: Lab, node: str) -> Iterator[int]:
    """kube-proxy of the node, halted; it goes on afterwards."""
    [pid] = lab.processes(node, "kube-proxy")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def replace_pod(lab: Lab, node: str) -> tuple[str, str]:
    """Old and new address of the db pod on a node, when the new one is ready."""

    def there() -> list[Any]:
        pods = kube.get("pods", "-l", "app=db", "--field-selector", f"spec.nodeName={node}")
        return [pod for pod in pods["items"] if kube.is_ready(pod)]

    [old] = there()
    name = old["metadata"]["name"]
    lab.kubectl("delete", "pod", name, "--wait")
    wait_until(
        "a new db pod is ready",
        lambda: any(pod["metadata"]["name"] != name for pod in there()),
        timeout=60,
    )
    [new] = there()
    return f"{old['status']['podIP']}:{PORT}", f"{new['status']['podIP']}:{PORT}"


@pytest.mark.usefixtures("seed", "stopped")
def test_kube_proxy_stopped_while_a_pod_is_replaced(svcnet: Svcnet, lab: Lab, node: str) -> None:
    """On the stopped node only; at the default --settle, because the others must follow first."""
    old, new = replace_pod(lab, node_named("n3").name)
    answer = svcnet("trace", "db-service")
    place = place_on(answer, node)
    assert place["problems"] == ["stale", "missing"], answer.told()
    assert (place["stale"], place["missing"]) == ([old], [new])
    stale, missing = only(answer, node, "stale", "SVN203"), only(answer, node, "stale", "SVN202")
    assert old in stale["message"]
    assert new in missing["message"]
    for finding in (stale, missing):
        assert any("stopped" in line for line in finding["evidence"]), finding
        restarts(finding, lab)
