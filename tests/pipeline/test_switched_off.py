from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kubectl_svcnet.model.service import Node
from kubectl_svcnet.pipeline.switched_off import with_switched_off
from tests.samples import node

OFF = "--disable-kube-proxy in k3s.io/node-args of node s1"


def with_args(name: str, *words: str, key: str = "k3s.io/node-args") -> Node:
    return replace(node(name), annotations={key: json.dumps(words)})


@pytest.mark.parametrize(
    ("words", "off"),
    [
        (("server", "--disable-kube-proxy"), True),
        (("server", "--disable-kube-proxy", "true"), True),  # as of a configuration file
        (("server", "--disable-kube-proxy", "--cluster-cidr", "10.52.0.0/16"), True),
        (("server", "--disable-kube-proxy", "-v", "3"), True),
        (("server", "--disable-kube-proxy", "false"), False),
        (("server", "--disable", "traefik"), False),
        (("server",), False),
        (("agent", "--disable-kube-proxy"), False),  # no flag of an agent
    ],
)
def test_by_the_arguments_of_a_server(words: tuple[str, ...], off: bool) -> None:
    [found] = with_switched_off([with_args("s1", *words)])
    assert found.proxy_off == (OFF if off else "")


def test_agents_do_as_all_servers_say() -> None:
    off, on = ("server", "--disable-kube-proxy"), ("server",)
    agent, other = with_args("a1", "agent"), node("b1")
    found = with_switched_off([agent, other, with_args("s1", *off), with_args("s2", *off)])
    assert [bool(one.proxy_off) for one in found] == [True, False, True, True]
    assert found[0].proxy_off == OFF
    mixed = with_switched_off([agent, with_args("s1", *off), with_args("s2", *on)])
    assert [bool(one.proxy_off) for one in mixed] == [False, True, False]
    assert with_switched_off([agent]) == (agent,)  # its servers are not seen


def test_what_cannot_be_read_says_nothing() -> None:
    odd = replace(node("s1"), annotations={"k3s.io/node-args": "server"})
    assert with_switched_off([odd]) == (odd,)


def test_rke2() -> None:
    one = with_args("s1", "server", "--disable-kube-proxy", key="rke2.io/node-args")
    assert with_switched_off([one])[0].proxy_off == OFF.replace("k3s", "rke2")
