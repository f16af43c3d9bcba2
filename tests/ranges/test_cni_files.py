from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census, CNIFiles
from kubectl_svcnet.model.service import Node, Pod
from kubectl_svcnet.ranges import unseen
from kubectl_svcnet.ranges.cni_files import SOURCE

HOST = "/host/etc/cni/net.d"


def sees(pod: Pod, mount: str, host: str, **changes: Any) -> Pod:
    (container,) = pod.containers
    changes.setdefault("containers", (replace(container, mounts={"cni": mount}),))
    return replace(pod, host_paths={"cni": host}, **changes)


@pytest.mark.parametrize(
    ("mount", "host", "directory"),
    [
        (HOST, "/etc/cni/net.d", HOST),
        ("/host/etc", "/etc/", HOST),
        ("/host", "/", HOST),
        (
            "/cni/net.d",
            "/var/lib/rancher/k3s/agent/etc/cni/net.d",
            "/cni/net.d",
        ),
        ("/etc/cni/netd", "/etc/cni/net.d", None),
        ("/h;reboot/net.d", "/etc/cni/net.d", None),
        ("/a/../net.d", "/etc/cni/net.d", None),
        ("/host", "/etc/cni/net.d2", None),
        ("/host", "/home", None),
    ],
)
def test_where_the_directory_is_seen(
    agent: Any, mount: str, host: str, directory: str | None
) -> None:
    places = SOURCE.recognise(Census(pods=(sees(agent("cilium-agent"), mount, host),)))
    assert [place.key for place in places] == ([directory] if directory else [])


def test_the_narrowest_mount_of_each_node(agent: Any) -> None:
    wide = sees(agent("a"), "/host", "/")
    narrow = sees(agent("b"), HOST, "/etc/cni/net.d")
    other = sees(agent("c"), "/host", "/", node="n2")
    places = SOURCE.recognise(Census(pods=(wide, narrow, other)))
    assert [place.object for place in places] == [
        "pod kube-system/b-n1",
        "pod kube-system/c-n1",
    ]


def test_nodes_without_such_a_pod_are_one_gap(ask: Any, agent: Any, printed: Any) -> None:
    addresses = (ip_address("192.0.2.1"),)
    nodes = (
        *(Node(name=f"n{number}", addresses=addresses) for number in range(1, 7)),
        Node(name="w1", addresses=addresses, os="windows"),
        Node(name="fargate", addresses=addresses, virtual=True),
    )
    census = Census(pods=(sees(agent("cilium-agent"), HOST, "/etc/cni/net.d"),), nodes=nodes)
    (gap,) = unseen((SOURCE.name, place) for place in SOURCE.recognise(census))
    assert "on n2, n3, n4 and 2 more that has their directory mounted" in gap.why
    assert gap.next.startswith("kubectl debug node/n2 ")
    assert not gap.blocking
    assert [found.node for found in ask(SOURCE, census, printed(f"{HOST}/a.conf\n")).files] == [
        "n1"
    ]


def test_files_of_a_node(ask: Any, agent: Any, printed: Any) -> None:
    census = Census(pods=(sees(agent("cilium-agent"), HOST, "/etc/cni/net.d"),))
    text = f"{HOST}/10-flannel.conflist\n{HOST}/05-cilium.conflist\n"
    reading = ask(SOURCE, census, printed(text))
    assert reading.files == (
        CNIFiles(
            node="n1",
            names=("05-cilium.conflist", "10-flannel.conflist"),
            object=f"{HOST} in pod kube-system/cilium-agent-n1",
            next="kubectl -n kube-system exec cilium-agent-n1 -c cilium-agent -- "
            f"grep -rlF '\"type\"' {HOST}",
        ),
    )
    assert (reading.claims, reading.gaps) == ((), ())
    assert ask(SOURCE, census, printed("", 1)).files[0].names == ()  # none there is an answer
    (gap,) = ask(SOURCE, census, printed("", 2)).gaps
    assert gap.node == "n1"


@pytest.mark.parametrize(("reason", "node"), [(Reason.NO_TOOL, ""), (Reason.TIMEOUT, "n1")])
def test_a_missing_tool_is_one_gap_for_all(
    ask: Any, agent: Any, refused: Any, reason: Reason, node: str
) -> None:
    census = Census(pods=(sees(agent("cilium-agent"), HOST, "/etc/cni/net.d"),))
    (gap,) = ask(SOURCE, census, refused(reason)).gaps
    assert gap.node == node


def test_an_image_that_is_known_to_have_no_tools_is_not_asked(agent: Any) -> None:
    pod = sees(agent("aws-node"), HOST, "/etc/cni/net.d")
    assert SOURCE.recognise(Census(pods=(pod,))) == ()
