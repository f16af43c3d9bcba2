"""Proxies judged from readings that somebody else made; `test_proxy` has the whole of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from kubectl_svcnet.dataplanes import Owner
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.proxystate import Metrics, Told
from kubectl_svcnet.model.report import Verdict
from kubectl_svcnet.model.service import ServiceName
from kubectl_svcnet.pipeline.inventory import ServicesRead
from kubectl_svcnet.pipeline.nodes import NodeReading
from kubectl_svcnet.pipeline.proxies import (
    Unseen,
    lacking,
    of_further_families,
    telling,
    unseen_of,
    with_families,
)
from kubectl_svcnet.pipeline.told import Heard
from tests.engine.judge.test_coverage import on
from tests.samples import frontend, node, proxy, service

NOW = 1000.0


def named(name: str, namespace: str = "default") -> ServiceName:
    return ServiceName(namespace, name)


def told(**changed: float) -> list[str]:
    services = tuple(
        service(name=named(name), cluster_ips=(ip_address(f"10.96.0.{number}"),))
        for number, name in enumerate(changed, 1)
    )
    read = ServicesRead(
        services=services, changed={named(name): at for name, at in changed.items()}
    )
    return [one.service.name for one in telling(read, NOW)]


def test_the_newest_of_the_old_tells() -> None:
    assert told(a=100.0, b=900.0, c=950.0) == ["b"]
    assert told(a=950.0) == []


def test_an_address_that_two_claim_tells_nothing() -> None:
    one, other = service(name=named("a")), service(name=named("b"))
    changed = {named("a"): 100.0, named("b"): 100.0}
    read = ServicesRead(services=(one, other), changed=changed)
    assert telling(read, NOW) == ()
    other = replace(other, cluster_ips=(ip_address("10.96.0.8"),))
    read = ServicesRead(services=(one, other), changed=changed)
    assert [found.service.name for found in telling(read, NOW)] == ["b"]


def test_each_family_tells() -> None:
    """A node may follow in one and not in the other."""
    addresses = {"a": "10.96.0.1", "b": "10.96.0.2", "c": "fd00::3", "d": "fd00::4"}
    services = tuple(
        service(name=named(name), cluster_ips=(ip_address(text),))
        for name, text in addresses.items()
    )
    changed = {named(name): float(at) for at, name in enumerate("dabc")}
    read = ServicesRead(services=services, changed=changed)
    assert [one.service.name for one in telling(read, NOW)] == ["b", "c"]


def test_a_family_that_nothing_tells_of_is_looked_at() -> None:
    """However young its Services are; the oldest, of which most is programmed already."""
    addresses = {"a": "10.96.0.1", "b": "fd00::2", "c": "fd00::3", "d": "10.96.0.4"}
    services = tuple(
        service(name=named(name), cluster_ips=(ip_address(text),))
        for name, text in addresses.items()
    )
    changed = {named("a"): 900.0, named("b"): 999.0, named("c"): 998.0}
    read = ServicesRead(services=services, changed=changed)
    targets = telling(read, NOW)
    assert [one.service.name for one in targets] == ["a"]
    assert [one.service.name for one in of_further_families(read, targets)] == ["c"]
    both = [one.service.name for one in of_further_families(read, ())]
    assert sorted(both) == ["a", "c"]
    only = ServicesRead(services=services[:1], changed=changed)
    assert of_further_families(only, targets) == ()


def test_the_api_tells_always() -> None:
    assert told(kubernetes=10.0, a=100.0) == ["kubernetes", "a"]
    assert told(kubernetes=990.0) == ["kubernetes"]


def test_what_is_lacking_by_node() -> None:
    here = frontend()
    names = ("n1", "n2", "n3", "n4")
    readings = {
        name: NodeReading(node=node(name), owner=Owner(name="kube-proxy")) for name in names
    }
    judged = {
        (here, "n1"): on("n1"),
        (here, "n2"): on("n2", Verdict.MISSING),
        (here, "n3"): on("n3", Verdict.UNREAD),
        (here, "n4"): on("n4", Verdict.BLOCKED),
    }
    found = lacking(judged, readings)
    assert found == {"n1": None, "n2": (here, Verdict.MISSING), "n4": None}
    read = ServicesRead(changed={here.service: 900.0})
    assert unseen_of(found["n1"], read) == Unseen()
    what = "default/db (10.96.0.9:3306/TCP) is missing"
    assert unseen_of(found["n2"], read) == Unseen(what, 900.0)
    refused = (Verdict.BLOCKED, Verdict.MISSING)  # nothing arrives, and kube-proxy has its rules
    judged[here, "n2"] = replace(judged[here, "n2"], problems=refused)
    assert lacking(judged, readings)["n2"] is None
    four = {"bare": frozenset({Family.IPV4}), "serves": (Family.IPV6,)}
    readings["n2"] = replace(readings["n2"], **four)  # type: ignore[arg-type]
    assert "n2" not in lacking(judged, readings)


def test_families_by_metrics_where_a_log_tells_none() -> None:
    bare = NodeReading(
        node=node("n1"),
        owner=Owner(name="kube-proxy"),
        proxy=proxy("n1"),
        bare=frozenset({Family.IPV4}),
    )
    metrics = Metrics(families=(Family.IPV6,))
    heard = {"n1": Heard(Told(metrics=metrics))}
    found = with_families({"n1": bare}, heard)["n1"]
    assert found.unserved == {
        Family.IPV4: "/metrics of kube-system/kube-proxy-n1 counts syncs of IPv6 alone"
    }
    logged = replace(bare, serves=tuple(Family), witness="its log")
    whole = replace(bare, bare=frozenset[Family]())
    for one in (logged, whole):
        assert with_families({"n1": one}, heard) == {"n1": one}
    for silent in ({}, {"n1": Heard(Told())}, {"n1": Heard(Told(metrics=Metrics()))}):
        assert with_families({"n1": bare}, silent)["n1"].unserved == {}
