"""Faults of a node's rules, as rows: each is an edit of what the node itself saves, and `check` of
everything names its code on that node and of that Service, and nothing else. What was saved before
is restored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.e2e.nodes import FAMILIES, LEGACY, NFT, Rules
from tests.e2e.test_check import MADE_TO_SHOW
from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.proxy import wait_for_mode
from tests.lab.topology import node_named

pytestmark = [pytest.mark.e2e, pytest.mark.full]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    node: str
    table: str
    edit: str  # a program of sed for what iptables-save prints; {db} and the like are addresses
    codes: tuple[str, ...]
    service: str = ""  # else many fare alike
    family: str = "IPv4"


FIRST = "/^COMMIT/i -I"
#: Untranslated packets for a load balancer's address meet the rules that drop whom its ranges leave
#: out, and so do those for a node port under policy Local.
UNTRANSLATED = ("SVN201", "SVN205")
#: Where the Service that differs is one that changed lately, kube-proxy is thought to be late.
SUPPOSED = "SVN307"

#: Each of these is the fault of one rule, or of those that do one thing.
FAULTS = {
    "masquerade rule deleted": Fault(
        node=NFT, table="nat", edit="/KUBE-POSTROUTING.*MASQUERADE/d", codes=("SVN521",)
    ),
    "mark rule deleted": Fault(
        node=LEGACY, table="nat", edit="/^-A KUBE-MARK-MASQ/d", codes=("SVN521",)
    ),
    "endpoints not masqueraded to themselves": Fault(
        node=NFT,
        table="nat",
        edit="/^-A KUBE-SEP.*db-service.*KUBE-MARK-MASQ/d",
        codes=("SVN521",),
        service="db-service",
    ),
    "all clients masqueraded": Fault(
        node=LEGACY,
        table="nat",
        edit="s/ ! -s 10.244.0.0.16 (.*db-service.*KUBE-MARK-MASQ)/ \\1/",
        codes=("SVN522",),
        service="db-service",
    ),
    "clients under policy Local masqueraded": Fault(
        node=LEGACY,
        table="nat",
        edit=f"{FIRST} POSTROUTING -d {{edge}}/32 -p tcp --dport 8080 -j MASQUERADE",
        codes=("SVN522",),
        service="edge-lb",
    ),
    "affinity deleted": Fault(
        node=NFT,
        table="nat",
        edit="/web-sticky.*--rcheck/d",
        codes=("SVN221",),
        service="web-sticky",
    ),
    "affinity for another time": Fault(
        node=LEGACY,
        table="nat",
        edit="s/(web-sticky.*--seconds )10800/\\1300/",
        codes=("SVN221",),
        service="web-sticky",
    ),
    "refusal deleted": Fault(
        node=LEGACY,
        table="filter",
        edit="/empty:http.*-j REJECT/d",
        codes=("SVN222",),
        service="empty",
    ),
    "no endpoint left": Fault(
        node=NFT,
        table="nat",
        edit="/-A KUBE-SVC.*db-service.*-j KUBE-SEP/d",
        codes=("SVN202",),
        service="db-service",
    ),
    "node port deleted": Fault(
        node=LEGACY,
        table="nat",
        edit="/-A KUBE-NODEPORTS.*web-nodeport/d",
        codes=("SVN201",),
        service="web-nodeport",
    ),
    "external address deleted": Fault(
        node=NFT,
        table="nat",
        edit="/-A KUBE-SERVICES.*web-extip:http external/d",
        codes=("SVN201",),
        service="web-extip",
    ),
    "jump of PREROUTING deleted": Fault(
        node=NFT, table="nat", edit="/-A PREROUTING.*KUBE-SERVICES/d", codes=UNTRANSLATED
    ),
    "jump of OUTPUT deleted": Fault(
        node=LEGACY, table="nat", edit="/-A OUTPUT.*KUBE-SERVICES/d", codes=UNTRANSLATED
    ),
    "source range deleted": Fault(
        node=LEGACY,
        table="nat",
        edit="/-A KUBE-FW.*-s 172.18.0.0.24.*web-lb/d",
        codes=("SVN205",),
        service="web-lb",
    ),
    "shadowed by an ACCEPT": Fault(
        node=NFT,
        table="nat",
        edit=f"{FIRST} PREROUTING -d {{db}}/32 -p tcp -j ACCEPT",
        codes=("SVN201",),
        service="db-service",
    ),
    "shadowed by a RETURN": Fault(
        node=LEGACY,
        table="nat",
        edit=f"{FIRST} KUBE-SERVICES -d {{db}}/32 -p tcp -j RETURN",
        codes=("SVN201",),
        service="db-service",
    ),
    "redirected to a program of the node": Fault(
        node=NFT,
        table="nat",
        edit=f"{FIRST} PREROUTING -d {{db}}/32 -p tcp -j REDIRECT --to-ports 15001",
        codes=("SVN206",),
        service="db-service",
    ),
    "dropped on its way out": Fault(
        node=LEGACY,
        table="filter",
        edit=f"{FIRST} OUTPUT -d {{pod}}/32 -p tcp --dport 3306 -j DROP",
        codes=("SVN205",),
        service="db-service",
    ),
    # Nobody is there who would write it: it is a leftover, too.
    "refused by a network policy": Fault(
        node=NFT,
        table="filter",
        edit="/^:FORWARD/a :KUBE-NWPLCY-E2E - [0:0]\n"
        "/^COMMIT/i -I FORWARD -d {pod}/32 -p tcp --dport 3306 -j KUBE-NWPLCY-E2E\n"
        "/^COMMIT/i -A KUBE-NWPLCY-E2E -j REJECT",
        codes=("SVN207", "SVN313"),
        service="db-service",
    ),
    "endpoint of another port": Fault(
        node=LEGACY,
        table="nat",
        edit="s/(web-udp:dns.*--to-destination [0-9.]+):8080/\\1:8081/",
        codes=("SVN202", "SVN203"),
        service="web-udp",
    ),
    "IPv6 alone: no endpoint left": Fault(
        node=NFT,
        table="nat",
        edit="/-A KUBE-SVC.*web-dual.*-j KUBE-SEP/d",
        codes=("SVN202",),
        service="web-dual",
        family="IPv6",
    ),
    "IPv6 alone: dispatch deleted": Fault(
        node=LEGACY,
        table="nat",
        edit="/-A KUBE-SERVICES.*web-v6/d",
        codes=("SVN201",),
        service="web-v6",
        family="IPv6",
    ),
    "health check node port dropped": Fault(
        node=LEGACY,
        table="filter",
        edit=f"{FIRST} INPUT -p tcp --dport {{health}} -j DROP",
        codes=("SVN525",),
        service="edge-lb",
    ),
    "all of kube-proxy's chains flushed": Fault(
        node=NFT,
        table="nat",
        edit="/^:KUBE-(CANARY|KUBELET)/!{{/KUBE/d}}",
        codes=("SVN304", *UNTRANSLATED),
    ),
}


#: What is stated of the lab as it is; its load balancer asks the health check node port.
HEALTHY = {*MADE_TO_SHOW, ("SVN411", "default/edge-lb")}


@pytest.fixture(scope="module", autouse=True)
def _started_after_its_configuration(lab: Lab, svcnet: Svcnet) -> None:
    """What kube-proxy runs with is not known where its ConfigMap was written since it started,
    as other tests do."""
    lab.kubectl("-n", "kube-system", "delete", "pod", lab.proxy_pod(LEGACY), "--wait")
    wait_for_mode(node_named(LEGACY), "iptables")
    svcnet.healthy(within=120)


@pytest.fixture(scope="module")
def addresses(lab: Lab) -> dict[str, str]:
    def pod(app: str) -> str:
        return str(kube.get("pods", "-l", f"app={app}")["items"][0]["status"]["podIP"])

    return {
        "db": lab.cluster_ip("db-service"),
        "pod": pod("db"),
        "edge": pod("edge"),
        "health": str(kube.get("service", "edge-lb")["spec"]["healthCheckNodePort"]),
    }


@contextmanager
def seeded(lab: Lab, fault: Fault, addresses: dict[str, str]) -> Iterator[None]:
    rules = Rules(lab, fault.node, fault.family)
    program = f"{FAMILIES[fault.family]}-{rules.backend}"
    edit = fault.edit.format(**addresses)
    restore = [f"{program}-restore", "-w", "10", "-T", fault.table]
    before = lab.node_exec(fault.node, [f"{program}-save", "-t", fault.table])
    was = rules.dump()
    change = f"sed -E '{edit}' | {' '.join(restore)}"
    lab.node_exec(fault.node, ["sh", "-ec", change], stdin=before)
    try:
        assert rules.dump() != was, "nothing was seeded"
        yield
    finally:
        lab.node_exec(fault.node, restore, stdin=before)
    assert rules.dump() == was


def stated(answer: Answer) -> set[tuple[str, str, str]]:
    """Code, node and Service of each cause and of each of its symptoms."""
    told = [
        one
        for finding in answer.findings()
        if (finding["code"], finding["service"]) not in HEALTHY
        for one in (finding, *finding.get("objects", ()))
    ]
    return {(one["code"], one["node"] or "", one["service"] or "") for one in told}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_found_and_nothing_else(
    lab: Lab, svcnet: Svcnet, addresses: dict[str, str], fault: Fault
) -> None:
    with seeded(lab, fault, addresses):
        answer = svcnet("check", *ONLY, "--settle", "1s")
    told = stated(answer) - {(SUPPOSED, fault.node, "")}
    assert {code for code, _, _ in told} == set(fault.codes), answer.told()
    assert {node for _, node, _ in told} == {fault.node}, answer.told()
    if fault.service:
        services = {service for _, _, service in told} - {""}
        assert services == {f"default/{fault.service}"}, answer.told()
    assert answer.gaps() == []


#: By what is written to it: a node's setting, how it stands in the lab, the codes. Packets that
#: are not sent on reach no endpoint, whichever Service they are for.
SETTINGS = {
    "IPv6 is not forwarded": (LEGACY, "net.ipv6.conf.all.forwarding", "0", {"SVN511", "SVN205"}),
    "bridged IPv4 passes by": (NFT, "net.bridge.bridge-nf-call-iptables", "0", {"SVN512"}),
    "localhost is not routed": (NFT, "net.ipv4.conf.all.route_localnet", "0", {"SVN524"}),
    "what pods send is not forwarded": (LEGACY, "net.ipv4.conf.cni0.forwarding", "0", {"SVN205"}),
    "bridged IPv6 passes by": (LEGACY, "net.bridge.bridge-nf-call-ip6tables", "0", {"SVN512"}),
}


@pytest.mark.parametrize(("node", "name", "value", "codes"), SETTINGS.values(), ids=SETTINGS)
def test_settings(
    lab: Lab, svcnet: Svcnet, node: str, name: str, value: str, codes: set[str]
) -> None:
    before = lab.node_exec(node, ["sysctl", "-n", name]).strip()
    assert before != value
    lab.node_exec(node, ["sysctl", "-qw", f"{name}={value}"])
    try:
        answer = svcnet("check", *ONLY, "--settle", "1s")
    finally:
        lab.node_exec(node, ["sysctl", "-qw", f"{name}={before}"])
    told = stated(answer)
    assert {code for code, _, _ in told} == codes, answer.told()
    assert {where for _, where, _ in told} == {node}, answer.told()


def test_a_pod_that_cannot_call_itself(lab: Lab, svcnet: Svcnet) -> None:
    """The port of each pod on the bridge, where the plugin had set hairpin mode."""
    listed = json.loads(lab.node_exec(NFT, ["bridge", "-j", "-d", "link", "show"]))
    ports = [one["ifname"] for one in listed if one.get("master") == "cni0" and one["hairpin"]]
    try:
        for port in ports:
            lab.node_exec(NFT, ["bridge", "link", "set", "dev", port, "hairpin", "off"])
        answer = svcnet("check", *ONLY, "--settle", "1s")
    finally:
        for port in ports:
            lab.node_exec(NFT, ["bridge", "link", "set", "dev", port, "hairpin", "on"])
    assert stated(answer) == {("SVN516", NFT, "")}, answer.told()
    [told] = [one for one in answer.findings() if one["code"] == "SVN516"]
    assert f"off on {len(ports)} of {len(ports)} ports of cni0" in told["message"]


def test_an_address_that_no_service_has(lab: Lab, svcnet: Svcnet) -> None:
    """Told where all Services are asked about."""
    rules = Rules(lab, NFT)
    number = rules.find(
        "nat", "KUBE-SERVICES", f"-d {lab.cluster_ip('db-service')}/", "-j KUBE-SVC"
    )
    words = rules.chain("nat", "KUBE-SERVICES")[number - 1].split(maxsplit=4)[4]
    with rules.inserted("nat", "KUBE-SERVICES", f"-d 10.96.250.250/32 {words}"):
        answer = svcnet("check", "-A", *ONLY, "--settle", "1s")
    assert stated(answer) == {("SVN223", NFT, "default/db-service")}, answer.told()
    assert any("10.96.250.250:3306" in one["message"] for one in answer.findings())
