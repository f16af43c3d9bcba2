from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason
from kubectl_svcnet.model.finding import Gap
from kubectl_svcnet.model.proxystate import UNKNOWN, Conduct, Setting
from kubectl_svcnet.model.service import Pod
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.configured import WHAT, conducts, read_settings
from tests.samples import agent, node, proxy

FILE = "--config=/var/lib/kube-proxy/config.conf"
TEXT = "kind: KubeProxyConfiguration\nmode: ipvs\nclusterCIDR: 10.0.0.0/8\n"


def mounting(config_map: str, on: str = "n1", command: tuple[str, ...] = (FILE,)) -> Pod:
    pod = proxy(on, command=command, config_maps={"v": config_map} if config_map else {})
    container = replace(pod.containers[0], mounts={"v": "/var/lib/kube-proxy"})
    return replace(pod, containers=(container,))


def config_map(name: str, data: Mapping[str, str], failure: Failure | None = None) -> Capture:
    path = f"/api/v1/namespaces/kube-system/configmaps/{name}"
    item: dict[str, Any] = {
        "metadata": {
            "name": name,
            "namespace": "kube-system",
            "managedFields": [{"time": "1970-01-01T00:01:40Z"}],
        },
        "data": data,
    }
    objects = () if failure else (item,)
    return Capture(request=ApiRequest(path=path, many=False), objects=objects, failure=failure)


def read(pods: list[Pod], *captures: Capture) -> tuple[dict[str, Setting], tuple[Gap, ...]]:
    return read_settings(Collector(ReplaySource.of(captures)), pods)


def test_each_by_the_config_map_that_its_pod_mounts() -> None:
    pods = [mounting("a"), mounting("b", "n2"), mounting("a", "n3")]
    settings, gaps = read(
        pods,
        config_map("a", {"config.conf": TEXT}),
        config_map("b", {"other-key": TEXT.replace("ipvs", "nftables"), "kubeconfig": "x"}),
    )
    assert gaps == ()
    assert {name: one.mode for name, one in settings.items()} == {
        "kube-system/kube-proxy-n1": "ipvs",
        "kube-system/kube-proxy-n2": "nftables",
        "kube-system/kube-proxy-n3": "ipvs",
    }
    one = settings["kube-system/kube-proxy-n1"]
    assert one.source == "configmap kube-system/a"
    assert one.cluster_cidr == (ip_network("10.0.0.0/8"),)
    assert one.changed == 100.0


def test_a_volume_that_renames_its_keys_is_read_by_them() -> None:
    """The text of the file's own name may be of another node's kube-proxy."""
    renamed = replace(mounting("a"), config_keys={"v": {"config.conf": "edge"}})
    texts = {"config.conf": TEXT, "edge": TEXT.replace("ipvs", "nftables")}
    settings, gaps = read([renamed, mounting("a", "n2")], config_map("a", texts))
    assert gaps == ()
    assert [one.mode for one in settings.values()] == ["nftables", "ipvs"]


def test_flags_count_only_without_a_file() -> None:
    flags = (
        *("--proxy-mode=ipvs", "--cluster-cidr", "10.0.0.0/8", "--detect-local-mode=NodeCIDR"),
        "--nodeport-addresses=192.0.2.0/24,198.51.100.0/24",
        *("--masquerade-all=1", "--feature-gates=A=true,AllowServiceExternalIPs=false"),
    )
    settings, gaps = read([mounting("", command=flags)])
    assert gaps == ()
    assert settings["kube-system/kube-proxy-n1"] == Setting(
        mode="ipvs",
        cluster_cidr=(ip_network("10.0.0.0/8"),),
        detect_local="NodeCIDR",
        node_port_addresses=(ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")),
        masquerade_all=True,
        no_external_ips=True,
        source="flags of pod kube-system/kube-proxy-n1",
    )
    both = mounting("a", command=(FILE, *flags))
    settings, _ = read([both], config_map("a", {"config.conf": TEXT.replace("ipvs", "iptables")}))
    assert settings["kube-system/kube-proxy-n1"].mode == "iptables"


def test_no_flags_at_all_leave_it_to_kube_proxy() -> None:
    settings, gaps = read([mounting("", command=())])
    assert (settings["kube-system/kube-proxy-n1"].mode, gaps) == ("", ())


@pytest.mark.parametrize(
    ("pod", "capture", "why"),
    [
        (
            mounting("a"),
            config_map("a", {}, Failure(reason=Reason.FORBIDDEN, message="no")),
            "forbidden",
        ),
        (mounting("a"), config_map("a", {"config.conf": f"{TEXT}  : {{"}), "YAML"),
        (mounting("a"), config_map("a", {"config.conf": TEXT.replace("10.0", "x")}), "x.0.0/8"),
        (mounting(""), None, "comes from no ConfigMap"),
        (mounting("", command=("--cluster-cidr=x",)), None, "x"),
    ],
)
def test_what_cannot_be_read_is_a_gap(pod: Pod, capture: Capture | None, why: str) -> None:
    settings, gaps = read([pod], *([capture] if capture else []))
    assert settings == {}
    [gap] = gaps
    assert (gap.what, gap.blocking) == (WHAT, False)
    assert why in gap.why


def test_a_config_map_that_holds_none() -> None:
    settings, gaps = read([mounting("a")], config_map("a", {"x": "kind: Other\n"}))
    assert (settings, gaps) == ({}, ())


def conduct(pod: Pod, *more: Pod, started: str = "1970-01-01T00:02:00Z") -> Conduct:
    """Its ConfigMap was changed 100 s after the epoch."""
    container = replace(pod.containers[0], image="kube-proxy:v1.33.13", started=started)
    agents = (replace(pod, containers=(container,)), *more)
    source = ReplaySource.of([config_map("a", {"config.conf": TEXT})])
    found, _ = conducts(Collector(source), [node("n1"), node("n2")], agents)
    return found.get("n1", UNKNOWN)


def test_how_a_kube_proxy_goes_about_its_work() -> None:
    found = conduct(mounting("a"))
    assert found.minor == 33
    assert found.setting is not None
    assert found.setting.cluster_cidr == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("pod", "started"),
    [
        (mounting("a"), "1970-01-01T00:01:00Z"),  # edited since
        (mounting("", command=()), "1970-01-01T00:02:00Z"),  # what its image says is not seen
        (mounting("b"), "1970-01-01T00:02:00Z"),  # not to be had
    ],
)
def test_a_setting_that_is_not_known(pod: Pod, started: str) -> None:
    found = conduct(pod, started=started)
    assert (found.minor, found.setting) == (33, None)


def test_where_another_dataplane_owns_the_node_nothing_is_asked() -> None:
    cilium = agent("cilium-x", labels={"k8s-app": "cilium"})
    assert conduct(mounting("a"), cilium) == UNKNOWN
