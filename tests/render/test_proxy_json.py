from __future__ import annotations

from ipaddress import ip_network

from kubectl_svcnet.model.proxystate import (
    Harm,
    Leftover,
    Metrics,
    ProxyState,
    Setting,
    Sync,
    SyncState,
    Told,
)
from kubectl_svcnet.render.proxy_json import items


def test_what_is_known() -> None:
    metrics = Metrics(last_sync=1795554287.25, last_queued=1795554280.0, failures=1)
    [item] = items(
        [
            ProxyState(
                node="n1",
                owner="kube-proxy/iptables",
                pod="kube-system/x",
                configured=Setting(mode="nftables", source="configmap a/b"),
                told=Told(
                    mode="iptables",
                    log_mode="iptables",
                    setting=Setting(cluster_cidr=(ip_network("10.0.0.0/8"),)),
                ),
                programmed=("iptables (nft)",),
                sync=Sync(state=SyncState.LATE, why="w", metrics=metrics, healthy=True),
                leftovers=(Leftover(what="9 chains", harm=Harm.CHANGES, because="b"),),
            )
        ]
    )
    assert (item["configured"], item["configuredBy"]) == ("nftables", "configmap a/b")
    assert (item["running"], item["runningBy"]["log"]) == ("iptables", "iptables")
    assert item["clusterCIDR"] == ["10.0.0.0/8"]
    assert item["sync"] == {
        "state": "late",
        "why": "w",
        "lastSync": "2026-11-24T21:04:47.250Z",
        "lastQueued": "2026-11-24T21:04:40.000Z",
        "failures": 1,
        "partialFailures": 0,
        "healthy": True,
    }
    assert item["leftovers"] == [
        {"what": "9 chains", "harm": "changes the path of packets", "because": "b"}
    ]


def test_what_is_not_known_is_null() -> None:
    [item] = items([ProxyState(node="n1", owner="unknown")])
    for key in ("configured", "running", "programmed", "backend", "version", "process"):
        assert item[key] is None, key
    assert item["sync"]["state"] == "not known"
    assert item["sync"]["failures"] is None
