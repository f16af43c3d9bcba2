"""Each finding once where it speaks and once where it is silent."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from kubectl_svcnet.engine.judge.proxy import LATE, judge_proxies, sync_of
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.proxystate import (
    Down,
    Harm,
    Leftover,
    Metrics,
    ProxyState,
    Setting,
    Sync,
    SyncState,
    Told,
)

FILE = Setting(mode="iptables", source="configmap kube-system/kube-proxy", changed=100.0)
WELL = ProxyState(
    node="n1",
    owner="kube-proxy/iptables",
    pod="kube-system/kube-proxy-x",
    configured=FILE,
    told=Told(mode="iptables", setting=Setting(mode="iptables", source="/configz")),
    programmed=("iptables (nft)",),
    backend="nft",
    backends=("nft",),
    version="v1.36.3",
    kernel="6.1.0",
    process="S",
    started=200.0,
    sync=Sync(state=SyncState.UP_TO_DATE),
)


ALL = replace(FILE, masquerade_all=True)
UNSEEN = Sync(state=SyncState.LATE, why="a is absent, a minute", unseen="a is absent")


def codes(*states: ProxyState) -> list[str]:
    return [one.code for one in judge_proxies(states)]


def with_mode(mode: str, **values: object) -> ProxyState:
    shown = {"iptables": ("iptables (nft)",)}.get(mode, (mode,))
    known: dict[str, object] = {
        "configured": replace(FILE, mode=mode),
        "told": Told(mode=mode),
        "programmed": shown,
    }
    return replace(WELL, **{**known, **values})  # type: ignore[arg-type]


def test_all_is_well() -> None:
    assert codes(WELL) == []
    assert codes(WELL, replace(WELL, node="n2")) == []


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (replace(WELL, process="T"), "SVN301"),
        (replace(WELL, process="Z"), "SVN301"),
        (replace(WELL, process="D"), ""),
        (replace(WELL, down=Down(why="CrashLoopBackOff", restarts=9)), "SVN317"),
        (replace(WELL, configured=replace(FILE, mode="nftables")), "SVN302"),
        (replace(WELL, configured=replace(FILE, mode="nftables"), started=None), "SVN302"),
        (replace(WELL, configured=replace(FILE, mode="nftables", changed=300.0)), "SVN303"),
        (replace(WELL, configured=replace(FILE, mode="", changed=300.0)), ""),
        (replace(WELL, configured=replace(FILE, changed=300.0)), ""),  # edited, the same now
        (replace(WELL, configured=None), ""),
        (replace(WELL, programmed=()), "SVN304"),
        (replace(WELL, programmed=("nftables",)), "SVN304"),
        (replace(WELL, programmed=None), ""),
        (replace(WELL, bare=(Family.IPV4,)), "SVN304"),
        (replace(WELL, bare=(Family.IPV6,), serves=tuple(Family)), "SVN304"),
        (replace(WELL, bare=(Family.IPV6,), serves=(Family.IPV4,)), "SVN316"),
        (replace(WELL, bare=(Family.IPV6,), programmed=()), "SVN304"),  # said once
        (
            replace(WELL, bare=(Family.IPV4,), sync=UNSEEN),
            "SVN304",
        ),  # the cause, not what it entails
        (replace(WELL, told=Told(), programmed=()), ""),  # nobody says what runs
        (replace(WELL, sync=Sync(state=SyncState.LATE, why="w")), "SVN307"),
        (replace(WELL, sync=Sync(state=SyncState.FAILING, why="w", healthy=False)), "SVN308"),
        (replace(WELL, sync=Sync(state=SyncState.UNKNOWN)), ""),
        (replace(WELL, backends=("nft", "legacy")), "SVN309"),
        (with_mode("ipvs", version="v1.35.0"), "SVN310"),
        (with_mode("ipvs", version="v1.34.9"), ""),
        (with_mode("ipvs", version=""), ""),
        (with_mode("userspace", version="v1.24.17"), "SVN310"),
        (with_mode("nftables", kernel="5.10.0-28-amd64"), "SVN311"),
        (with_mode("nftables", kernel="5.13.0"), ""),
        (with_mode("nftables", nft="1.0.0"), "SVN311"),
        (with_mode("nftables", nft="1.0.1"), ""),
        (with_mode("nftables", kernel="", nft="1.0.6"), ""),
        (replace(WELL, kernel="5.10.0", nft="0.9.8"), ""),
        (replace(WELL, others=("kube-router",)), "SVN312"),
        (replace(WELL, leftovers=(Leftover(what="9", harm=Harm.CHANGES),)), "SVN313"),
        (replace(WELL, leftovers=(Leftover(what="9", harm=Harm.HARMLESS),)), "SVN314"),
        (replace(WELL, leftovers=(Leftover(what="9", harm=Harm.UNKNOWN),)), "SVN315"),
        (with_mode("iptables", told=Told(), configured=ALL), "SVN523"),
        (
            with_mode("iptables", told=Told(setting=FILE), configured=ALL),
            "SVN302",
        ),  # what runs counts
    ],
)
def test_speaks_or_is_silent(state: ProxyState, code: str) -> None:
    assert codes(state) == ([code] if code else [])


@pytest.mark.parametrize(
    ("key", "there", "here", "differs"),
    [
        ("detect_local", "NodeCIDR", "ClusterCIDR", True),
        ("detect_local", "", "ClusterCIDR", False),
        ("detect_local", "NodeCIDR", "", False),
        ("cluster_cidr", ("10.0.0.0/8",), ("10.1.0.0/16",), True),
        ("cluster_cidr", ("10.0.0.0/8", "fd00::/8"), ("fd00::/8", "10.0.0.0/8"), False),
        ("cluster_cidr", (), ("10.1.0.0/16",), False),
        ("masquerade_all", True, False, True),
        ("masquerade_all", False, False, False),
        ("node_port_addresses", ("10.1.0.0/16",), (), True),
        ("node_port_addresses", (), ("10.1.0.1/32",), False),  # the primary ones
        ("node_port_addresses", (), (), False),
    ],
)
def test_settings_are_compared(key: str, there: object, here: object, differs: bool) -> None:
    if key in ("cluster_cidr", "node_port_addresses"):
        assert isinstance(there, tuple)
        assert isinstance(here, tuple)
        there, here = tuple(map(ip_network, there)), tuple(map(ip_network, here))
    configured = replace(FILE, changed=300.0, **{key: there})  # type: ignore[arg-type]
    setting = replace(Setting(mode="iptables"), **{key: here})  # type: ignore[arg-type]
    state = replace(WELL, configured=configured, told=Told(setting=setting))
    assert codes(state) == (["SVN303"] if differs else [])


def test_several_modes_and_versions() -> None:
    other = replace(with_mode("nftables", version="v1.34.4"), node="n2")
    found = judge_proxies((WELL, other))
    assert [(one.code, one.level, one.node) for one in found] == [
        ("SVN305", Level.INFO, ""),
        ("SVN306", Level.INFO, ""),
    ]
    assert "iptables on n1, nftables on n2" in found[0].message
    assert codes(WELL, replace(WELL, node="n2", version="v1.36.1")) == []  # the same minor
    unknown = replace(WELL, node="n2", version="", told=Told())
    assert codes(WELL, unknown) == []
    windows = replace(with_mode("kernelspace", version="v1.34.4"), node="w1", apart=True)
    assert codes(WELL, windows) == []


SYNCED = Metrics(last_sync=10.0, last_queued=10.0)
STARTING = Metrics(last_queued=10.0, late_by=2.0)


@pytest.mark.parametrize(
    ("told", "unseen", "process", "state"),
    [
        (Told(), None, "S", SyncState.UNKNOWN),  # nobody could look
        (Told(healthy=True), None, "S", SyncState.UP_TO_DATE),
        (Told(metrics=SYNCED), "", "S", SyncState.UP_TO_DATE),
        (Told(metrics=replace(SYNCED, late_by=LATE)), "", "S", SyncState.UP_TO_DATE),
        (Told(metrics=replace(SYNCED, late_by=LATE + 1)), "", "S", SyncState.LATE),
        (Told(metrics=replace(SYNCED, failures=2)), "", "S", SyncState.UP_TO_DATE),
        (Told(metrics=replace(SYNCED, failures=2, late_by=61)), "", "S", SyncState.FAILING),
        (Told(metrics=STARTING), "", "S", SyncState.UNKNOWN),
        (Told(metrics=STARTING, healthy=True), "", "S", SyncState.UP_TO_DATE),
        (Told(metrics=replace(STARTING, late_by=LATE + 1)), "", "S", SyncState.LATE),
        (Told(metrics=SYNCED, healthy=False), "", "S", SyncState.FAILING),
        (Told(failed_syncs=("E Sync failed",)), "", "S", SyncState.FAILING),
        (Told(metrics=SYNCED, failed_syncs=("E Sync failed",)), "", "S", SyncState.UP_TO_DATE),
        (Told(metrics=SYNCED), "a/b is missing", "S", SyncState.LATE),
        (Told(), "a/b is missing", "S", SyncState.LATE),
        (Told(), "", "S", SyncState.UP_TO_DATE),  # the kernel shows what changed
        (Told(metrics=SYNCED), "", "T", SyncState.STOPPED),
    ],
)
def test_sync(told: Told, unseen: str | None, process: str, state: SyncState) -> None:
    found = sync_of(replace(WELL, told=told, process=process), unseen)
    assert found.state is state
    assert bool(found.why) is (state not in (SyncState.UP_TO_DATE, SyncState.UNKNOWN))


def test_one_that_does_not_run_syncs_nothing() -> None:
    """Whatever the kernel still shows."""
    assert sync_of(replace(WELL, down=Down(why="CrashLoopBackOff")), "").state is SyncState.STOPPED


def test_failures_in_a_log_alone_are_no_error() -> None:
    """They may be over: the log does not tell of the sync that went through after them."""
    state = replace(WELL, told=Told(mode="iptables", failed_syncs=("E0101 Sync failed",)))
    [found] = judge_proxies((replace(state, sync=sync_of(state, "")),))
    assert (found.code, found.level) == ("SVN308", Level.WARNING)
    assert found.evidence == ("E0101 Sync failed",)
