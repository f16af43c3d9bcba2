from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.iprange import Census, Confidence, RangeKind
from kubectl_svcnet.model.service import Container, Pod
from kubectl_svcnet.ranges.kube_proxy import SOURCE, kube_proxy_container

CONFIG = "kind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\n"


def proxy(
    name: str = "a",
    *,
    config_map: str = "",
    at: str = "/var/lib/kube-proxy",
    command: tuple[str, ...] = ("kube-proxy", "--config=/var/lib/kube-proxy/config.conf"),
) -> Pod:
    return Pod(
        namespace="kube-system",
        name=f"kube-proxy-{name}",
        labels={"k8s-app": "kube-proxy"},
        containers=(Container(name="kube-proxy", command=command, mounts={"conf": at, "x": "/x"}),),
        config_maps={"x": "other", "conf": config_map} if config_map else {},
    )


def stored(name: str, data: dict[str, str]) -> dict[str, Any]:
    path = f"/api/v1/namespaces/kube-system/configmaps/{name}"
    return {path: {"metadata": {"namespace": "kube-system", "name": name}, "data": data}}


def test_the_config_map_of_the_pods_volume_is_read(ask: Any, serving: Any) -> None:
    pods = (proxy("a", config_map="proxy-nft"), proxy("b", config_map="proxy-nft"))
    answer = serving(stored("proxy-nft", {"config.conf": CONFIG, "kubeconfig.conf": ""}))
    (claim,) = ask(SOURCE, Census(pods=pods), answer).claims  # one place for both nodes
    assert (claim.kind, claim.text, claim.confidence) == (
        RangeKind.POD,
        "10.244.0.0/16",
        Confidence.STATED,
    )
    assert claim.object == "configmap kube-system/proxy-nft"
    assert claim.evidence == "clusterCIDR: 10.244.0.0/16"


def test_two_config_maps_are_two_places() -> None:
    pods = (proxy("a", config_map="one"), proxy("b", config_map="two"))
    assert [place.object for place in SOURCE.recognise(Census(pods=pods))] == [
        "configmap kube-system/one",
        "configmap kube-system/two",
    ]


def test_a_volume_that_renames_its_key(ask: Any, serving: Any) -> None:
    answer = serving(stored("c", {"kubeconfig": "kind: [", "config": CONFIG}))
    (claim,) = ask(SOURCE, Census(pods=(proxy(config_map="c"),)), answer).claims
    assert claim.text == "10.244.0.0/16"


def test_the_key_that_a_volume_renames(ask: Any, serving: Any) -> None:
    texts = {"config.conf": CONFIG, "edge": CONFIG.replace("10.244", "10.42")}
    edge = replace(proxy("b", config_map="c"), config_keys={"conf": {"config.conf": "edge"}})
    census = Census(pods=(proxy(config_map="c"), edge))
    claims = ask(SOURCE, census, serving(stored("c", texts))).claims
    assert [claim.text for claim in claims] == ["10.244.0.0/16", "10.42.0.0/16"]


def test_flags_count_only_without_a_config_file(ask: Any, serving: Any) -> None:
    flag = "--cluster-cidr=10.42.0.0/16"
    (claim,) = ask(SOURCE, Census(pods=(proxy(command=("kube-proxy", flag)),))).claims
    assert (claim.source, claim.text) == ("kube-proxy --cluster-cidr", "10.42.0.0/16")
    both = proxy(
        config_map="c", command=("kube-proxy", "--config=/var/lib/kube-proxy/config", flag)
    )
    (claim,) = ask(SOURCE, Census(pods=(both,)), serving(stored("c", {"config": CONFIG}))).claims
    assert claim.text == "10.244.0.0/16"


def test_nodes_with_the_same_flag_share_a_place() -> None:
    pods = [proxy(n, command=("kube-proxy", "--cluster-cidr=10.42.0.0/16")) for n in "abc"]
    assert len(SOURCE.recognise(Census(pods=tuple(pods)))) == 1


@pytest.mark.parametrize("data", [{"config.conf": "kind: KubeProxyConfiguration\n"}, {}])
def test_nothing_stated(ask: Any, serving: Any, data: dict[str, str]) -> None:
    reading = ask(SOURCE, Census(pods=(proxy(config_map="c"),)), serving(stored("c", data)))
    assert reading.claims == reading.gaps == ()


def test_no_right_is_a_gap(ask: Any, refused: Any) -> None:
    census = Census(pods=(proxy(config_map="c"),))
    (gap,) = ask(SOURCE, census, refused(Reason.FORBIDDEN)).gaps
    assert (gap.what, gap.next) == (
        "kube-proxy clusterCIDR",
        "kubectl auth can-i get configmaps/c -n kube-system",
    )


@pytest.mark.parametrize(
    ("name", "labels", "found"),
    [
        ("x", {"k8s-app": "kube-proxy"}, True),
        ("x", {"component": "kube-proxy"}, True),
        ("x", {"app": "kube-proxy"}, True),
        ("kube-proxy-node1", {}, True),  # a static pod without labels
        ("x", {"k8s-app": "kube-dns"}, False),
    ],
)
def test_which_pod_is_kube_proxy(name: str, labels: dict[str, str], found: bool) -> None:
    container = Container(name="main")
    pod = Pod(namespace="a", name=name, labels=labels, containers=(container,))
    assert kube_proxy_container(pod) == (container if found else None)


def test_a_config_file_from_elsewhere_is_a_gap(ask: Any) -> None:
    """Its flags are ignored, so what they say is no answer."""
    command = ("kube-proxy", "--config=/etc/kp.yaml", "--cluster-cidr=10.42.0.0/16")
    reading = ask(SOURCE, Census(pods=(proxy("a", command=command), proxy("b", command=command))))
    assert reading.claims == ()
    (gap,) = reading.gaps
    assert (
        gap.why == "pod kube-system/kube-proxy-a reads /etc/kp.yaml, which comes from no ConfigMap"
    )
    assert gap.next.endswith("exec kube-proxy-a -c kube-proxy -- grep clusterCIDR /etc/kp.yaml")


@pytest.mark.parametrize(
    ("mode", "local"), [("", True), ("ClusterCIDR", True), ("NodeCIDR", False), ("Bridge", False)]
)
def test_in_one_mode_alone_it_decides_who_is_inside(
    ask: Any, serving: Any, mode: str, local: bool
) -> None:
    text = f"{CONFIG}detectLocalMode: {mode}\n" if mode else CONFIG
    answer = serving(stored("c", {"config.conf": text}))
    (claim,) = ask(SOURCE, Census(pods=(proxy(config_map="c"),)), answer).claims
    assert claim.local is local
    flags = ("kube-proxy", "--cluster-cidr=10.1.0.0/16", f"--detect-local-mode={mode}")
    (claim,) = ask(SOURCE, Census(pods=(proxy(command=flags),)), serving({})).claims
    assert claim.local is local
