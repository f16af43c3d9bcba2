"""All that a person may call a Service, in kubectl's grammar and with kubectl's sentences."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from kubectl_svcnet.errors import UsageError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.service import ServiceName, ServicePort
from kubectl_svcnet.pipeline.inventory import Scope, ServicesRead
from kubectl_svcnet.pipeline.names import Named, find_scopes, parse_names, picked
from tests.samples import service


def named(*words: str, namespace: str = "default") -> list[Named]:
    return list(parse_names(Options(services=words, namespace=namespace)))


DB = Named(name=ServiceName("default", "db"))
PAY = Named(name=ServiceName("pay", "db"))
VIP, VIP6 = ip_address("10.96.0.10"), ip_address("fd00::1")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("db",), [DB]),
        (("svc/db",), [DB]),
        (("service/db",), [DB]),
        (("services/db",), [DB]),
        (("Service/db",), [DB]),
        (("services.v1/db",), [DB]),
        (("service", "db"), [DB]),
        (("svc", "db", "db.pay"), [DB, PAY]),
        (("svc",), [Named(name=ServiceName("default", "svc"))]),  # alone it is a name
        (("db.pay",), [PAY]),
        (("db.pay.svc",), [PAY]),
        (("db.pay.svc.cluster.local",), [PAY]),
        (("svc/db.pay",), [PAY]),
        (("10.96.0.10",), [Named(address=VIP)]),
        (("10.96.0.10:53",), [Named(address=VIP, port=53)]),
        (("::ffff:10.96.0.10",), [Named(address=VIP)]),
        (("[::ffff:10.96.0.10]:53",), [Named(address=VIP, port=53)]),
        (("fd00::1",), [Named(address=VIP6)]),
        (("[fd00::1]",), [Named(address=VIP6)]),
        (("[fd00::1]:53",), [Named(address=VIP6, port=53)]),
        ((":30080",), [Named(port=30080)]),
        (("a", "b"), [Named(name=ServiceName("default", n)) for n in "ab"]),
        ((), []),
    ],
)
def test_forms(words: tuple[str, ...], found: list[Named]) -> None:
    assert named(*words) == found


def test_the_namespace() -> None:
    assert named("db", namespace="pay") == [PAY]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pod/db",), "'pod/db' is not a Service: write svc/NAME or NAME.NAMESPACE"),
        (("svc", "svc/db"), "there is no need to specify a resource type as a separate argument"),
        (("db.pay.pod",), "'db.pay.pod' is no Service name"),
        (("DB",), "'DB' is no Service name"),
        (("-db",), "'-db' is no Service name"),
        (("a_b",), "'a_b' is no Service name"),
        (("",), "'' is no Service name"),
        (("db.",), "'db.' is no Service name"),
        (("x" * 64,), "is no Service name"),
        ((":0",), "'0' is no port"),
        ((":65536",), "'65536' is no port"),
        ((":x",), "':x' is no Service name"),
        (("10.96.0.10:99999",), "'99999' is no port"),
        (("10.96.0.10:http",), "'http' is no port"),
        (("10.96.0.300",), "is no Service name"),
        (("db\x1b[31m",), "is no Service name"),
    ],
)
def test_what_is_no_service(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)) as caught:
        named(*words)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        (Options(), [Scope(namespace="default")]),
        (Options(all_namespaces=True), [Scope()]),
        (Options(selector="app=db"), [Scope(namespace="default", selector="app=db")]),
        (
            Options(field_selector="spec.type=NodePort"),
            [Scope(namespace="default", field_selector="spec.type=NodePort")],
        ),
        (Options(services=("db",)), [Scope(namespace="default", name="db")]),
        (Options(services=("db", "db")), [Scope(namespace="default", name="db")]),
        (
            Options(services=("db", "db.pay")),
            [Scope(namespace="default", name="db"), Scope(namespace="pay", name="db")],
        ),
        (Options(services=("db", ":30080")), [Scope()]),
        (Options(services=("10.96.0.10",)), [Scope()]),
    ],
)
def test_what_is_listed_for_it(options: Options, scopes: list[Scope]) -> None:
    assert list(find_scopes(options)) == scopes


@pytest.mark.parametrize("services", [(), ("db",), ("svc/db",), ("svc", "db")])
@pytest.mark.parametrize("namespace", ["../..", "Pay", "a/b", "a.b", ""])
def test_a_wrong_namespace_is_to_blame(services: tuple[str, ...], namespace: str) -> None:
    sentence = re.escape(f"{namespace!r} is no name of a namespace")
    with pytest.raises(UsageError, match=sentence):
        find_scopes(Options(services=services, namespace=namespace))


def test_a_namespace_that_is_not_used_is_not_to_blame() -> None:
    assert find_scopes(Options(services=("db.pay",), namespace="../..")) == (
        Scope(namespace="pay", name="db"),
    )
    assert find_scopes(Options(namespace="../..", all_namespaces=True)) == (Scope(),)


def test_a_name_and_a_selector_do_not_go_together() -> None:
    with pytest.raises(UsageError, match=r"together with a selector \(-l or"):
        find_scopes(Options(services=("db",), selector="a=b"))
    with pytest.raises(UsageError, match="together with a selector"):
        find_scopes(Options(services=("db",), field_selector="a=b"))


@pytest.mark.parametrize(
    ("scope", "paths", "queries"),
    [
        (
            Scope(namespace="pay", name="db"),
            [
                "/api/v1/namespaces/pay/services/db",
                "/apis/discovery.k8s.io/v1/namespaces/pay/endpointslices",
            ],
            [(), (("labelSelector", "kubernetes.io/service-name=db"),)],
        ),
        (
            Scope(selector="a=b"),
            ["/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices"],
            [(("labelSelector", "a=b"),), ()],
        ),
    ],
)
def test_requests_of_a_scope(
    scope: Scope, paths: list[str], queries: list[tuple[tuple[str, str], ...]]
) -> None:
    requests = [scope.services(), scope.slices()]
    assert [request.path for request in requests] == paths
    assert [request.query for request in requests] == queries
    assert [request.many for request in requests] == [not scope.name, True]


DB_SERVICE = service(name=ServiceName("default", "db"), cluster_ips=(VIP, VIP6))
WEB = service(
    name=ServiceName("default", "web"),
    ports=(ServicePort(name="", protocol=Protocol.TCP, port=80, node_port=30080),),
    cluster_ips=(ip_address("10.96.0.11"),),
    external_ips=(ip_address("192.0.2.1"),),
    load_balancer_ips=(ip_address("203.0.113.1"),),
)
READ = ServicesRead(services=(DB_SERVICE, WEB))


@pytest.mark.parametrize(
    ("word", "kept", "missing"),
    [
        ("db", ["db"], []),
        ("10.96.0.10", ["db"], []),
        ("10.96.0.10:3306", ["db"], []),
        ("10.96.0.10:1", [], ["no Service has the address 10.96.0.10:1"]),
        ("[fd00::1]:3306", ["db"], []),
        ("[fd00::1]:1", [], ["no Service has the address [fd00::1]:1"]),
        ("fd00::2", [], ["no Service has the address fd00::2"]),
        ("192.0.2.1", ["web"], []),
        ("203.0.113.1:80", ["web"], []),
        (":30080", ["web"], []),
        (":30081", [], ["no Service has the node port 30081"]),
        ("nope", [], ['services "nope" not found']),
    ],
)
def test_picked(word: str, kept: list[str], missing: list[str]) -> None:
    found = picked(READ, Options(services=(word,)))
    assert [each.name.name for each in found.services] == kept
    assert list(found.missing) == missing


def test_without_names_all_are_picked() -> None:
    assert picked(READ, Options()) is READ


def test_what_could_not_be_listed_is_not_missing() -> None:
    blind = ServicesRead(readable=False)
    assert picked(blind, Options(services=("db",))).missing == ()
