from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, Confidence
from kubectl_svcnet.model.service import Node
from kubectl_svcnet.ranges.node_args import SOURCE

K3S, RKE2 = "k3s.io/node-args", "rke2.io/node-args"


def census(*argv: str, annotation: str = K3S, address: str = "192.168.5.15") -> Census:
    annotations = {annotation: json.dumps(argv)}
    return Census(
        nodes=(Node(name="k1", addresses=(ip_address(address),), annotations=annotations),)
    )


@pytest.mark.parametrize("annotation", [K3S, RKE2])
def test_given_ranges(ask: Any, annotation: str) -> None:
    argv = ("server", "--cluster-cidr", "10.52.0.0/16", "--service-cidr", "10.53.0.0/16")
    claims = ask(SOURCE, census(*argv, annotation=annotation)).claims
    assert [(c.kind.value, c.source, c.text, c.evidence, c.confidence) for c in claims] == [
        (
            "Service",
            f"{annotation} --service-cidr",
            "10.53.0.0/16",
            "--service-cidr=10.53.0.0/16",
            Confidence.STATED,
        ),
        (
            "Pod",
            f"{annotation} --cluster-cidr",
            "10.52.0.0/16",
            "--cluster-cidr=10.52.0.0/16",
            Confidence.STATED,
        ),
    ]


def test_a_flag_given_for_each_family(ask: Any) -> None:
    argv = ("server", "--service-cidr", "10.53.0.0/16", "--service-cidr", "fd00:53::/112")
    service = [c for c in ask(SOURCE, census(*argv)).claims if c.kind.value == "Service"]
    assert [c.text for c in service] == ["10.53.0.0/16", "fd00:53::/112"]
    assert len({c.statement for c in service}) == 1


def test_defaults_are_assumed(ask: Any) -> None:
    claims = ask(SOURCE, census("server", "--token", "********")).claims
    assert [(c.source, c.text) for c in claims] == [
        ("k3s default --service-cidr", "10.43.0.0/16"),
        ("k3s default --cluster-cidr", "10.42.0.0/16"),
    ]
    assert {c.confidence for c in claims} == {Confidence.ASSUMED}
    assert claims[0].evidence == "--service-cidr is not in k3s.io/node-args"


def test_without_ipv4_nothing_is_assumed(ask: Any) -> None:
    assert ask(SOURCE, census("server", address="fd00::1")).claims == ()


def test_an_agent_takes_no_ranges(ask: Any) -> None:
    reading = ask(SOURCE, census("agent"))
    assert reading.claims == reading.gaps == ()


@pytest.mark.parametrize("hyphens", ["", "--"])
def test_what_is_passed_on_wins(ask: Any, hyphens: str) -> None:
    passed = f"{hyphens}service-cluster-ip-range=10.9.0.0/16"
    argv = ("server", "--service-cidr", "10.53.0.0/16", "--kube-apiserver-arg", passed)
    claim = ask(SOURCE, census(*argv)).claims[0]
    assert (claim.text, claim.evidence) == (
        "10.9.0.0/16",
        f"--kube-apiserver-arg={passed}",
    )


@pytest.mark.parametrize(
    "argv",
    [
        ("--service-node-port-range", "20000-22767"),
        ("--kube-apiserver-arg", "service-node-port-range=20000-22767"),
        (
            "--service-node-port-range=30000-30009",
            "--kube-apiserver-arg=--service-node-port-range=20000-22767",
        ),
    ],
)
def test_node_ports(ask: Any, argv: tuple[str, ...]) -> None:
    claim = ask(SOURCE, census("server", *argv)).claims[-1]
    assert (claim.kind.value, claim.text) == ("NodePort", "20000-22767")
    assert claim.evidence.endswith("service-node-port-range=20000-22767")


@pytest.mark.parametrize("text", ["server", '["server","--service-cidr","ten"]'])
def test_what_cannot_be_read_is_a_gap(ask: Any, text: str) -> None:
    node = Node(name="k1", addresses=(ip_address("10.0.0.1"),), annotations={K3S: text})
    reading = ask(SOURCE, Census(nodes=(node,)))
    (gap,) = reading.gaps
    assert reading.claims == ()
    assert (gap.what, gap.next) == (K3S, "kubectl get node k1 -o yaml")
