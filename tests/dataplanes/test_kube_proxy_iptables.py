"""Hash vectors: kubernetes pkg/proxy/iptables/proxier_test.go, and chains seen on clusters."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_iptables import DATAPLANE, OWN, chain_hash, matches_hash
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.service import FrontendKind, ServiceName
from tests.samples import at, frontend, node, proxy, service, view

VECTORS = [
    ("ns1/svc1:p80tcp", "XPGD46QRK7WJZT7O"),
    ("ns1/svc1:p80tcp10.180.0.1:80", "SXIVWICOYRO3J4NJ"),
    ("default/kubernetes:httpstcp", "NPX46M4PTMTKRN6Y"),
    ("kube-system/kube-dns:dnsudp", "TCOU7JCQXEZGVUNU"),
    ("kube-system/kube-dns:dns-tcptcp", "ERIFXISQEP7F7OF4"),
    ("kube-system/kube-dns:metricstcp", "JD5MR3NA4I4DYORP"),
    ("default/db-service:tcp", "TCHUXVZWN7RJIZ2A"),  # an unnamed port until 1.18
    ("default/db-servicetcp", "PKJNZ2BPYAP7WCVG"),  # and since 1.19
    ("default/db-service:mysqltcp", "J5FHDC7QFLM3E3EH"),
    ("payroll/mysql:tcp", "XA5OGUC7YRHOS3PU"),
    ("payroll/mysql:tcp10.38.0.1:3306", "JBWCWHHQM57V2WN7"),
]


@pytest.mark.parametrize(("text", "hashed"), VECTORS)
def test_vectors(text: str, hashed: str) -> None:
    assert chain_hash(text) == hashed


@pytest.mark.parametrize(
    ("name", "port", "protocol", "chain", "right"),
    [
        ("default/kubernetes", "https", Protocol.TCP, "KUBE-SVC-NPX46M4PTMTKRN6Y", True),
        ("kube-system/kube-dns", "dns", Protocol.UDP, "KUBE-SVC-TCOU7JCQXEZGVUNU", True),
        ("kube-system/kube-dns", "dns", Protocol.TCP, "KUBE-SVC-TCOU7JCQXEZGVUNU", False),
        ("payroll/mysql", "", Protocol.TCP, "KUBE-SVC-XA5OGUC7YRHOS3PU", True),
        ("default/db-service", "", Protocol.TCP, "KUBE-SVC-TCHUXVZWN7RJIZ2A", True),
        ("default/db-service", "", Protocol.TCP, "KUBE-SVC-PKJNZ2BPYAP7WCVG", True),
        # the printed sample that was edited by hand: the chain is that of another Service
        ("default/db-service", "", Protocol.TCP, "KUBE-SVC-XA5OGUC7YRHOS3PU", False),
        ("default/db-service", "mysql", Protocol.TCP, "KUBE-SVC-XA5OGUC7YRHOS3PU", False),
    ],
)
def test_which_service_a_chain_is_of(
    name: str, port: str, protocol: Protocol, chain: str, right: bool
) -> None:
    dialled = frontend(port_name=port, protocol=protocol, service=ServiceName(*name.split("/")))
    assert matches_hash(dialled, chain) is right


HASH = chain_hash("default/db:mysqltcp")


@pytest.mark.parametrize(
    ("kind", "values", "kinds"),
    [
        (FrontendKind.CLUSTER_IP, {}, {"KUBE-SVC-"}),
        (FrontendKind.CLUSTER_IP, {"internal_local": True}, {"KUBE-SVC-", "KUBE-SVL-"}),
        (FrontendKind.NODE_PORT, {}, {"KUBE-SVC-", "KUBE-EXT-"}),
        (
            FrontendKind.NODE_PORT,
            {"external_local": True},
            {"KUBE-SVC-", "KUBE-EXT-", "KUBE-SVL-"},
        ),
        (FrontendKind.LOAD_BALANCER_IP, {}, {"KUBE-SVC-", "KUBE-EXT-"}),
        (
            FrontendKind.LOAD_BALANCER_IP,
            {"source_ranges": (ip_network("10.0.0.0/8"),)},
            {"KUBE-SVC-", "KUBE-EXT-", "KUBE-FW-"},
        ),
        (
            FrontendKind.EXTERNAL_IP,
            {"source_ranges": (ip_network("10.0.0.0/8"),)},
            {"KUBE-SVC-", "KUBE-EXT-"},
        ),
    ],
)
def test_names_by_kind(kind: FrontendKind, values: dict[str, object], kinds: set[str]) -> None:
    names = DATAPLANE.names(service(**values), frontend(kind), [])
    outside = {"KUBE-NODEPORTS"} if kind is not FrontendKind.CLUSTER_IP else set()
    assert names == {one + HASH for one in kinds} | outside


def test_names_of_endpoints() -> None:
    v6 = chain_hash("default/db:mysqltcp[fd00::2]:3306")
    names = DATAPLANE.names(service(), frontend(), [at("10.244.1.2:3306"), at("[fd00::2]:3306")])
    assert names == {
        "KUBE-SVC-" + HASH,
        "KUBE-SEP-" + chain_hash("default/db:mysqltcp10.244.1.2:3306"),
        "KUBE-SEP-" + v6,
    }


SAVE = """*nat
:KUBE-SERVICES - [0:0]
{rules}
COMMIT
"""


@pytest.mark.parametrize(
    ("rules", "proof"),
    [
        ("-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS", "nat/KUBE-SERVICES"),
        ("-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT", ""),  # ipvs
        ("-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-NPX46M4PTMTKRN6Y", ""),
        ("", ""),
    ],
)
def test_what_proves_it(rules: str, proof: str) -> None:
    assert DATAPLANE.programmed(view(SAVE.format(rules=rules))) == proof


def test_nothing_read_proves_nothing() -> None:
    assert DATAPLANE.programmed(view()) == ""


def test_recognised_by_its_pod() -> None:
    owner = DATAPLANE.recognise(node(), (proxy(),))
    assert owner is not None
    assert (owner.name, owner.reader, owner.proven) == ("kube-proxy/iptables", DATAPLANE, False)
    assert DATAPLANE.recognise(node(), ()) is None


@pytest.mark.parametrize("chain", ["KUBE-SERVICES", "KUBE-SVC-X", "KUBE-XLB-X", "KUBE-SEP-X"])
def test_own_chains(chain: str) -> None:
    assert chain in OWN


@pytest.mark.parametrize("chain", ["cali-PREROUTING", "DOCKER", "KUBE-NWPLCY-X", "PREROUTING"])
def test_chains_of_others(chain: str) -> None:
    assert chain not in OWN


DISPATCH = """\
*nat
:KUBE-SERVICES - [0:0]
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" \
-m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SERVICES -d 192.0.2.1/32 -p udp -m comment --comment "a/b external IP" -m udp --dport 53 \
-j KUBE-EXT-TCOU7JCQXEZGVUNU
-A KUBE-SERVICES -d 10.96.0.7/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES ! -s 10.244.0.0/16 -d 10.96.0.8/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SERVICES ! -d 10.96.0.8/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT
"""


def test_dispatched() -> None:
    found = [(str(one), one.whose) for one in DATAPLANE.dispatched(view(DISPATCH))]
    assert found == [
        ("10.96.0.1:443/TCP", "default/kubernetes"),
        ("192.0.2.1:53/UDP", "a/b"),
        ("10.96.0.7:80/TCP", ""),
    ]


def test_of_a_chain_read_in_part_nothing_is_told() -> None:
    seen = view(DISPATCH)
    [(key, ruleset)] = seen.rulesets.items()
    table = ruleset.tables["nat"]
    part = replace(table.chains["KUBE-SERVICES"], covers=frozenset())
    table = replace(table, chains={"KUBE-SERVICES": part})
    cut = replace(seen, rulesets={key: replace(ruleset, tables={"nat": table})})
    assert [*DATAPLANE.dispatched(cut)] == []
