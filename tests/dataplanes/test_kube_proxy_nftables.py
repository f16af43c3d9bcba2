"""Hash vectors: kubernetes pkg/proxy/nftables/proxier_test.go, and chains of real listings."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from kubectl_svcnet.dataplanes.kube_proxy_nftables import (
    DATAPLANE,
    OWN,
    hashed_name,
    matches_hash,
    port_text,
)
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.service import FrontendKind, ServiceName
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.samples import at, frontend, node, proxy, service, view

FIXTURES = Path(__file__).parent.parent / "fixtures" / "nftables"
VERSIONS = ["1.33.13", "1.36.3"]
UNNAMED = "service-MDRHYNDA-default/db-service/tcp/"


def listing(version: str) -> str:
    return (FIXTURES / f"kube-proxy-{version}" / "nft-ruleset.txt").read_text()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ns1/svc1/tcp/p80", "ULMVA6XW-ns1/svc1/tcp/p80"),
        ("ns1/svc1/tcp/p80__10.180.0.1/80", "5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80"),
        ("default/kubernetes/tcp/https", "2QRHZV4L-default/kubernetes/tcp/https"),
        ("kube-system/kube-dns/udp/dns", "FY5PMXPG-kube-system/kube-dns/udp/dns"),
        ("default/db-service/tcp/", "MDRHYNDA-default/db-service/tcp/"),
    ],
)
def test_vectors(text: str, name: str) -> None:
    assert hashed_name(text) == name


def test_long_names_are_cut() -> None:
    name = hashed_name("n" * 300)
    assert len(name) == 240
    assert name.endswith("n...")


def test_an_unnamed_port() -> None:
    dialled = frontend(port_name="", service=ServiceName("default", "db-service"))
    assert port_text(dialled) == "default/db-service/tcp/"
    assert UNNAMED in DATAPLANE.names(service(), dialled, [])


@pytest.mark.parametrize("version", VERSIONS)
def test_names_are_those_of_real_chains(version: str) -> None:
    dialled = frontend(
        FrontendKind.NODE_PORT,
        port_name="http",
        protocol=Protocol.TCP,
        service=ServiceName("default", "node-port-local"),
    )
    endpoints = [at("10.244.1.2:8080"), at("10.244.2.2:8080"), at("[fd00::1]:8080")]
    names = DATAPLANE.names(service(), dialled, endpoints)
    (table,) = [t for t in parse_ruleset(listing(version)) if t.family == "ip"]
    mine = {name for name in table.chains if "default/node-port-local/" in name}
    assert mine <= names
    wanted = {"service", "local", "external"} | ({"endpoint"} if version == "1.33.13" else set())
    assert {name.partition("-")[0] for name in mine} == wanted
    assert any("__fd00..1/8080" in name for name in names)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_chain_is_its_own(version: str) -> None:
    for table in parse_ruleset(listing(version)):
        assert not [name for name in table.chains if name not in OWN]
        for name in table.chains:
            assert OWN.dispatches(name) is ("/" in name and not name.startswith("endpoint-"))
            assert not (OWN.translates(name) and "/" not in name)


def test_programmed() -> None:
    tables = parse_ruleset(listing("1.36.3"))
    assert DATAPLANE.programmed(view(nft_tables=tables)) == "ip kube-proxy/@service-ips"
    assert DATAPLANE.programmed(view(nft_tables=tables[1:])) == "ip6 kube-proxy/@service-ips"
    assert DATAPLANE.programmed(view()) == ""
    other = listing("1.36.3").replace("table ip kube-proxy", "table ip elsewhere")
    assert DATAPLANE.programmed(view(nft_tables=parse_ruleset(other)[:1])) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_dispatched(version: str) -> None:
    tables = parse_ruleset(listing(version))
    found = {str(one): one.whose for one in DATAPLANE.dispatched(view(nft_tables=tables))}
    count = sum(len(t.sets["service-ips"].elements) for t in tables if t.name == "kube-proxy")
    assert len(found) == count
    assert set(found.values()) >= {"default/kubernetes", "default/db-service"}
    assert all(whose.count("/") == 1 for whose in found.values())
    assert any(place.startswith("[") for place in found)


def test_of_a_map_read_in_part_nothing_is_told() -> None:
    (table, *_) = parse_ruleset(listing("1.36.3"))
    part = replace(table.sets["service-ips"], covers=frozenset())
    table = replace(table, sets={"service-ips": part})
    assert [*DATAPLANE.dispatched(view(nft_tables=(table,)))] == []


def test_a_table_that_sleeps_programs_nothing() -> None:
    text = "\tmap service-ips {\n\t\ttype ipv4_addr : verdict\n"
    text += "\t\telements = { 10.0.0.1 : drop }\n\t}\n"
    for flags, shown in (("", True), ("\tflags dormant\n", False)):
        tables = parse_ruleset(f"table ip kube-proxy {{\n{flags}{text}}}\n")
        assert bool(DATAPLANE.programmed(view(nft_tables=tables))) is shown


@pytest.mark.parametrize(
    ("elements", "address", "elsewhere"),
    [
        ("192.168.50.1", "192.168.50.1", False),
        ("10.0.0.1, 192.168.50.1", "192.168.50.1", False),
        ("10.0.0.1", "192.168.50.1", True),
        ("10.0.0.1", "fd00::1", False),
    ],
)
def test_node_ports_elsewhere(elements: str, address: str, elsewhere: bool) -> None:
    text = "table ip kube-proxy {\n\tset nodeport-ips {\n\t\ttype ipv4_addr\n"
    tables = parse_ruleset(f"{text}\t\telements = {{ {elements} }}\n\t}}\n}}\n")
    told = DATAPLANE.node_ports_elsewhere(view(nft_tables=tables), ip_address(address))
    assert told == (
        "kube-proxy serves node ports at 10.0.0.1 only (nodePortAddresses)" if elsewhere else ""
    )


def test_an_empty_set_of_node_port_addresses_proves_nothing() -> None:
    tables = parse_ruleset(
        "table ip kube-proxy {\n\tset nodeport-ips {\n\t\ttype ipv4_addr\n\t}\n}\n"
    )
    seen = view(nft_tables=tables)
    assert DATAPLANE.node_ports_elsewhere(seen, ip_address("192.168.50.1")) == ""


def test_recognise() -> None:
    assert DATAPLANE.recognise(node(), ()) is None
    owner = DATAPLANE.recognise(node(), (proxy(),))
    assert owner is not None
    assert (owner.name, owner.proven) == ("kube-proxy/nftables", False)


def test_which_service_a_chain_is_of() -> None:
    dialled = frontend(port_name="", service=ServiceName("default", "db-service"))
    assert matches_hash(dialled, UNNAMED)
    assert matches_hash(dialled, UNNAMED.replace("service-M", "external-M"))
    assert not matches_hash(dialled, "service-2QRHZV4L-default/kubernetes/tcp/https")
