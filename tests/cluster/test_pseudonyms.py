"""One name, one pseudonym, in objects and text; kube-proxy's hashes follow."""

from __future__ import annotations

import base64
import hashlib

import pytest

from kubectl_svcnet.cluster.pseudonyms import Pseudonyms


def hashed(text: str, length: int = 16) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:length]


SVC = hashed("shop/db:mysqltcp")
SEP = hashed("shop/db:mysqltcp10.244.1.2:3306")
TO = "--to-destination 10.244.1.2:3306"
DUMP = f"""\
:KUBE-SVC-{SVC} - [0:0]
-A KUBE-SERVICES -d 10.96.0.9/32 -m comment --comment "shop/db:mysql cluster IP" -j KUBE-SVC-{SVC}
-A KUBE-SVC-{SVC} -m comment --comment "shop/db:mysql -> 10.244.1.2:3306" -j KUBE-SEP-{SEP}
-A KUBE-SEP-{SEP} -p tcp -m comment --comment "shop/db:mysql" -j DNAT {TO}
-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-BBBBBBBBBBBBBBBB
"""


def test_names() -> None:
    names = Pseudonyms()
    assert (names.node("a"), names.node("b"), names.node("a")) == ("node-1", "node-2", "node-1")
    assert (names.namespace("shop"), names.namespace("default")) == ("ns-1", "default")
    assert names.service("shop", "db") == names.service("shop", "db") == "svc-1"
    assert names.service("bank", "db") == "svc-2"
    assert names.pod("shop", "db") == "pod-1"
    assert (names.node(""), names.pod("x", ""), names.service("x", ""), names.value("")) == (
        "",
    ) * 4


@pytest.mark.parametrize(
    "namespace", ["kube-system", "kube-flannel", "calico-system", "metallb-system", "cilium"]
)
def test_the_clusters_own_parts_stay(namespace: str) -> None:
    names = Pseudonyms()
    assert names.namespace(namespace) == namespace
    assert names.service(namespace, "dns") == "dns"
    assert names.pod(namespace, "kube-proxy-x7k2p") == "kube-proxy-x7k2p"
    assert names.object(namespace, "x") == "x"


def test_default_keeps_only_kubernetes() -> None:
    names = Pseudonyms()
    assert names.service("default", "kubernetes") == "kubernetes"
    assert names.service("default", "db") == "svc-1"


def test_static_pods_are_named_after_their_node() -> None:
    names = Pseudonyms()
    names.node("acme-7")
    assert names.pod("kube-system", "kube-apiserver-acme-7") == "kube-apiserver-node-1"


def test_a_dump_is_a_dump_of_the_other_names() -> None:
    names = Pseudonyms()
    new_svc = hashed("ns-1/svc-1:mysqltcp")
    new_sep = hashed("ns-1/svc-1:mysqltcp10.244.1.2:3306")
    expected = DUMP.replace("shop/db", "ns-1/svc-1").replace(SVC, new_svc).replace(SEP, new_sep)
    first, unknown = names.listing(DUMP).rsplit("-A KUBE-SVC-", 1)
    assert first == expected.rsplit("-A KUBE-SVC-", 1)[0]
    assert "AAAAAAAAAAAAAAAA" not in unknown
    assert "BBBBBBBBBBBBBBBB" not in unknown
    assert names.listing(DUMP).endswith(unknown)  # the same each time


def test_hashes_without_a_comment_are_known_from_the_service() -> None:
    names = Pseudonyms()
    names.learn_port("shop", "db", ":mysql")
    names.learn_port("shop", "web", "")
    assert names.listing(f"KUBE-SVC-{SVC}") == f"KUBE-SVC-{hashed('ns-1/svc-1:mysqltcp')}"
    for suffix in ("", ":"):  # as 1.24 and later write it, and as it was before
        old, new = hashed(f"shop/web{suffix}udp"), hashed(f"ns-1/svc-2{suffix}udp")
        assert names.listing(f"KUBE-EXT-{old}") == f"KUBE-EXT-{new}"


def test_nftables_chains() -> None:
    names = Pseudonyms()
    text = f"goto service-{hashed('shop/db/tcp/mysql', 8)}-shop/db/tcp/mysql"
    assert names.listing(text) == (
        f"goto service-{hashed('ns-1/svc-1/tcp/mysql', 8)}-ns-1/svc-1/tcp/mysql"
    )
    endpoint = "shop/db/tcp/mysql__10.244.1.2/3306"
    new = "ns-1/svc-1/tcp/mysql__10.244.1.2/3306"
    assert names.listing(f"endpoint-{hashed(endpoint, 8)}-{endpoint}") == (
        f"endpoint-{hashed(new, 8)}-{new}"
    )


@pytest.mark.parametrize(
    "line",
    [
        '-A FORWARD -s 10.244.0.0/16 -m comment --comment "kubernetes forwarding rules" -j ACCEPT',
        '-A X -m comment --comment "10.0.0.0/8 is ours" -j RETURN',
        '-A KUBE-SERVICES -m comment --comment "default/kubernetes:https cluster IP" -j X',
        '-A KUBE-SERVICES -m comment --comment "kube-system/kube-dns:dns cluster IP" -j X',
        "table ip nat { # handle 1",
    ],
)
def test_lines_that_stay(line: str) -> None:
    assert Pseudonyms().listing(line) == line


def test_prose() -> None:
    names = Pseudonyms()
    names.node("n1")
    names.service("shop", "db")
    names.pod("shop", "db-7c9-t4q")
    names.namespace("shop")
    line = (
        'E1124 node n1: "no endpoints" service="shop/db" port="shop/db:mysql" pod db-7c9-t4q,'
        " n12 x/y"
    )
    assert names.prose(line) == (
        'E1124 node node-1: "no endpoints" service="ns-1/svc-1" port="ns-1/svc-1:mysql" pod pod-1,'
        " n12 x/y"
    )
