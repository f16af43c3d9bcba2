from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.engine.judge.selection import (
    misaimed,
    suspicious,
    unmatched,
    unready,
    unselected,
)
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.service import Container, ContainerPort, ServicePort
from tests.samples import endpoint, pod, service

SELECTED = service(selector={"app": "db"})
READY, UNREADY = endpoint("10.244.1.2:3306"), endpoint("10.244.1.3:3306", ready=False)


def container(*ports: tuple[int, str, Protocol], **values: Any) -> Container:
    made = tuple(ContainerPort(number=n, name=name, protocol=p) for n, name, p in ports)
    return Container(name="db", ports=made, **values)


def aimed(target: str, protocol: Protocol = Protocol.TCP) -> ServicePort:
    return ServicePort(name="mysql", protocol=protocol, port=3306, target_port=target)


def test_what_is_suspicious() -> None:
    assert not suspicious(SELECTED, [READY, UNREADY])
    assert suspicious(SELECTED, [])
    assert suspicious(SELECTED, [UNREADY])
    two = service(ports=(*SELECTED.ports, ServicePort(name="x", protocol=Protocol.TCP, port=1)))
    assert suspicious(two, [READY])


def test_neither_selector_nor_endpoints() -> None:
    (found,) = unselected(service(), [])
    assert (found.code, found.level) == ("SVN406", Level.WARNING)
    assert unselected(service(), [READY]) == ()
    assert unselected(SELECTED, []) == ()
    assert unselected(service(external_name="example.org"), []) == ()
    assert unselected(service(headless=True), []) == ()  # its slices are not read


@pytest.mark.parametrize(
    ("labels", "nearest"),
    [
        ([{"app": "bd"}, {"app": "queue"}], ("nearest: app=bd of pod a0",)),
        ([{"app": "db2"}, {"app": "web"}], ("nearest: app=db2 of pod a0",)),
        ([{"App": "db"}], ("nearest: App=db of pod a0",)),
        ([{"tier": "web"}], ()),
        ([{}], ()),
        ([{"app": "dbs"}] * 5, ("nearest: app=dbs of pods a0, a1, a2 and 2 more",)),
    ],
)
def test_the_nearest_labels(labels: list[dict[str, str]], nearest: tuple[str, ...]) -> None:
    pods = [pod(f"a{number}", labels=each) for number, each in enumerate(labels)]
    found = unmatched(SELECTED, pods)
    assert (found.code, found.service, found.evidence) == ("SVN401", "default/db", nearest)
    assert found.message == "no pod has app=db"


def test_nothing_is_ready_and_why() -> None:
    pods = [
        pod("a", containers=(container(waiting="CrashLoopBackOff", ended_why="exit code 1"),)),
        pod("b", deleting=True),
        pod("c", unready_why="ContainersNotReady", phase="Pending"),
        pod("d"),
    ]
    (found,) = unready(SELECTED, pods)
    assert found.code == "SVN402"
    assert found.message == "none of 4 pods with app=db is ready"
    assert found.evidence == (
        "pod a: container db waits: CrashLoopBackOff; container db ended: exit code 1",
        "pod b: is being deleted",
        "pod c: ContainersNotReady",
        "and 1 more",
    )
    assert unready(SELECTED, [*pods, pod("e", ready=True)]) == ()
    assert unready(SELECTED, []) == ()
    assert unready(service(publish_not_ready=True), pods) == ()


@pytest.mark.parametrize(
    ("port", "code", "level", "words"),
    [
        (aimed("mysql"), "", None, ""),
        (aimed("3306"), "", None, ""),
        (aimed(""), "", None, ""),
        (
            aimed("sql"),
            "SVN403",
            Level.WARNING,
            "leads to sql/TCP; its pods declare 3306/TCP mysql",
        ),
        (aimed("3307"), "SVN404", Level.INFO, "declare 3306/TCP mysql"),
        (aimed("3306", Protocol.UDP), "SVN404", Level.WARNING, "declare 3306/TCP mysql only"),
    ],
)
def test_target_ports(port: ServicePort, code: str, level: Level | None, words: str) -> None:
    pods = [pod("a", containers=(container((3306, "mysql", Protocol.TCP)),))]
    found = misaimed(service(ports=(port,)), pods, [])
    assert [(one.code, one.level, words in one.message) for one in found] == (
        [(code, level, True)] if code else []
    )


def test_pods_that_declare_nothing_prove_nothing() -> None:
    silent = pod("a", containers=(container(),))
    assert misaimed(service(ports=(aimed("3307"),)), [silent], []) == ()


@pytest.mark.parametrize(
    ("behind", "level"),
    [
        ([("mysql", Protocol.UDP, True)], Level.INFO),
        ([("mysql", Protocol.UDP, False)], Level.WARNING),
        ([("mysql", Protocol.TCP, True), ("quic", Protocol.UDP, True)], Level.WARNING),
    ],
)
def test_what_is_ready_may_listen_undeclared(
    behind: list[tuple[str, Protocol, bool]], level: Level
) -> None:
    pods = [pod("a", containers=(container((3306, "mysql", Protocol.TCP)),))]
    endpoints = [
        replace(READY, port_name=name, protocol=protocol, ready=ready)
        for name, protocol, ready in behind
    ]
    (found,) = misaimed(service(ports=(aimed("3306", Protocol.UDP),)), pods, endpoints)
    assert (found.code, found.level) == ("SVN404", level)


def test_a_port_of_a_sidecar() -> None:
    sidecar = (ContainerPort(number=15090, name="metrics", protocol=Protocol.TCP),)
    both = pod("a", containers=(container((80, "http", Protocol.TCP)),), sidecar_ports=sidecar)
    assert misaimed(service(ports=(aimed("metrics"), aimed("15090"))), [both], []) == ()
