"""What is wrong with the nodes' proxies: SVN3xx, and SVN523, which is a setting of theirs.

Only what was read is judged: a mode that nobody told neither differs nor mixes. A sync is late by
kube-proxy's own clocks, or where the kernel lacks a change of the API that is old enough; never
by its age alone, since a kube-proxy with nothing to do may not sync for an hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ...model.address import Family
from ...model.counted import counted
from ...model.finding import Finding, Level
from ...model.proxystate import Harm, ProxyState, Setting, Sync, SyncState
from ..codes import finding
from .findings import HALTED, unserved
from .running import halted, not_running

#: Seconds after which a change must be in the kernel.
LATE = 60.0

_KERNEL, _NFT = (5, 13), (1, 0, 1)  # sigs.k8s.io/knftables, cmd/kube-proxy/app/server_linux.go
_HARM = {Harm.CHANGES: "SVN313", Harm.HARMLESS: "SVN314", Harm.UNKNOWN: "SVN315"}


def sync_of(state: ProxyState, unseen: str | None) -> Sync:
    """`unseen`: a change of the API, old enough, that the kernel does not show; None where it
    could not be looked for."""
    told = state.told
    metrics, healthy = told.metrics, told.healthy
    said = Sync(metrics=metrics, healthy=healthy, unseen=unseen or "")
    late = metrics is not None and metrics.late_by > LATE
    failed = metrics is not None and metrics.failures > 0
    if state.process in HALTED:
        return _sync(said, SyncState.STOPPED, f"its process is {HALTED[state.process]}")
    if state.down:
        return _sync(said, SyncState.STOPPED, f"its container does not run ({state.down.why})")
    if (late or healthy is False) and failed and metrics is not None:
        return _sync(
            said, SyncState.FAILING, f"{counted(metrics.failures, 'sync has', 'syncs have')} failed"
        )
    if healthy is False:
        return _sync(said, SyncState.FAILING, "its /healthz says that it is not healthy")
    if metrics is None and told.failed_syncs:
        lines = counted(len(told.failed_syncs), "line of its log tells", "lines of its log tell")
        return _sync(said, SyncState.FAILING, f"{lines} of failed syncs")
    if late and metrics is not None:
        return _sync(said, SyncState.LATE, _waited(metrics.last_sync, metrics.late_by))
    if unseen:
        return _sync(said, SyncState.LATE, f"{unseen}, a minute and more after it changed")
    never = metrics is not None and metrics.last_queued and metrics.last_sync is None
    if never and not healthy:
        return said  # it has just started
    if metrics is not None or healthy or unseen is not None:
        return _sync(said, SyncState.UP_TO_DATE, "")
    return said


def _sync(said: Sync, state: SyncState, why: str) -> Sync:
    return Sync(
        state=state, why=why, metrics=said.metrics, healthy=said.healthy, unseen=said.unseen
    )


def _waited(last: float | None, late_by: float) -> str:
    if last is None:
        return "a sync is queued, and none has gone through since it started"
    return f"a sync was queued {late_by:.0f}s after the last one that went through"


def judge_proxies(states: Sequence[ProxyState]) -> tuple[Finding, ...]:
    of_nodes = [found for state in states for judge in _JUDGES for found in judge(state)]
    alike = [state for state in states if not state.apart]
    return (*of_nodes, *_modes(alike), *_versions(alike))


def _stopped(state: ProxyState) -> Iterator[Finding]:
    if state.process in HALTED:
        yield halted(state.node, state.pod, state.process)


def _not_running(state: ProxyState) -> Iterator[Finding]:
    if state.down:
        yield not_running(state.node, state.pod, state.down)


def _not_as_configured(state: ProxyState) -> Iterator[Finding]:
    """SVN302, or SVN303 where the configuration is newer than the process."""
    configured = state.configured
    if configured is None:
        return
    differences = _differences(configured, state)
    if not differences:
        return
    edited = _edited(state, configured)
    what = ", ".join(differences)
    if edited:
        yield finding(
            "SVN303",
            f"{configured.source} was edited after kube-proxy started: {what}",
            node=state.node,
            evidence=_evidence(state),
            next=_restart(state),
        )
    else:
        yield finding(
            "SVN302",
            f"kube-proxy runs otherwise than {configured.source} says: {what}",
            node=state.node,
            evidence=_evidence(state),
            next=_log(state),
        )


def _differences(configured: Setting, state: ProxyState) -> list[str]:
    """What is configured now and is not so in the process; what either leaves open is alike, but
    for what kube-proxy tells of itself in either case."""
    runs = state.told.setting or Setting()
    pairs = (
        ("mode", configured.mode, state.running),
        ("detectLocalMode", configured.detect_local, runs.detect_local),
        ("clusterCIDR", _texts(configured.cluster_cidr), _texts(runs.cluster_cidr)),
        *(_told(configured, runs) if state.told.setting else ()),
    )
    return [
        f"{key} {there}, runs with {here}" for key, there, here in pairs if _differ(there, here)
    ]


def _differ(there: str, here: str) -> bool:
    return bool(there and here and there != here)


def _told(configured: Setting, runs: Setting) -> tuple[tuple[str, str, str], ...]:
    """Of what nothing written has a meaning too. Of the primary addresses kube-proxy may tell the
    word, nothing, or which they are."""
    everyone = [str(one.masquerade_all).lower() for one in (configured, runs)]
    served = [_texts(one.node_port_addresses) for one in (configured, runs)]
    return (
        ("masqueradeAll", everyone[0], everyone[1]),
        ("nodePortAddresses", served[0], served[1] or "default"),
    )


def _texts(networks: Iterable[object]) -> str:
    return ",".join(sorted(map(str, networks)))


def _edited(state: ProxyState, configured: Setting) -> bool:
    times = configured.changed, state.started
    return times[0] is not None and times[1] is not None and times[0] > times[1]


def _evidence(state: ProxyState) -> tuple[str, ...]:
    told = state.told
    said = (
        ("/proxyMode", told.mode),
        ("/configz", told.setting.mode if told.setting else ""),
        ("its log", told.log_mode),
    )
    words = tuple(f"{source} says {mode}" for source, mode in said if mode)
    return words[:1]


def _not_programmed(state: ProxyState) -> Iterator[Finding]:
    """SVN304: of all families, or of one that it serves, as far as it says."""
    shown = state.programmed
    if shown is None or not state.running or state.running not in _READ:
        return
    there = ", ".join(shown) or "none"
    rules = [f"{family.value} rules" for family in state.bare if family in _served(state)]
    if not any(one.partition(" ")[0] == state.running for one in shown):
        rules = ["rules"]
    elif not state.serves:
        there += "; neither its log nor its metrics say which families it serves"
    for one in rules:
        yield finding(
            "SVN304",
            f"kube-proxy runs in {state.running} mode, and the kernel does not show its {one}",
            node=state.node,
            evidence=(*_evidence(state), f"in the kernel: {there}"),
            next=_restart(state),
        )


def _served(state: ProxyState) -> tuple[Family, ...]:
    return state.serves or tuple(Family)


def _unserved(state: ProxyState) -> Iterator[Finding]:
    """SVN316."""
    for family in state.bare:
        if family not in _served(state):
            yield unserved(state.node, family, state.pod, state.witness)


#: Modes whose rules are recognised in the kernel.
_READ = ("iptables", "ipvs", "nftables", "userspace")


def _sync_findings(state: ProxyState) -> Iterator[Finding]:
    """SVN307, SVN308."""
    numbers = {SyncState.LATE: "SVN307", SyncState.FAILING: "SVN308"}
    sync = state.sync
    if sync.state not in numbers or (_unseen_alone(sync) and any(_not_programmed(state))):
        return
    by_log = sync.state is SyncState.FAILING and sync.metrics is None and sync.healthy is None
    evidence = list(state.told.failed_syncs[-1:])
    if sync.unseen and sync.unseen not in sync.why:
        evidence.append(sync.unseen)
    if _unseen_alone(sync) and sync.metrics is None:
        evidence.append("its /metrics were not read, so its rules may have been edited instead")
    verb = "fail" if sync.state is SyncState.FAILING else "are late"
    yield finding(
        numbers[sync.state],
        f"kube-proxy's syncs {verb}: {sync.why}",
        node=state.node,
        evidence=tuple(evidence),
        next=_log(state),
        level=Level.WARNING if by_log else None,
    )


def _unseen_alone(sync: Sync) -> bool:
    """Late by what the kernel does not show, and not by kube-proxy's own clocks."""
    return sync.state is SyncState.LATE and bool(sync.unseen) and sync.unseen in sync.why


def _both_backends(state: ProxyState) -> Iterator[Finding]:
    """SVN309."""
    if len(state.backends) > 1:
        yield finding(
            "SVN309",
            f"kube-proxy's rules are in both iptables backends; it uses {state.backend}",
            node=state.node,
            next=_shell(state, f"iptables-{_other(state)}-save"),
        )


def _other(state: ProxyState) -> str:
    return next(one for one in state.backends if one != state.backend)


def _deprecated(state: ProxyState) -> Iterator[Finding]:
    """SVN310."""
    minor = _numbers(state.version)[1:2] or (0,)
    if state.running == "userspace" or (state.running == "ipvs" and minor[0] >= 35):
        yield finding(
            "SVN310",
            f"kube-proxy {state.version} runs in {state.running} mode, which is deprecated",
            node=state.node,
            evidence=_evidence(state),
        )


def _too_old(state: ProxyState) -> Iterator[Finding]:
    """SVN311. A number that is not known is not too old."""
    wanted = state.configured.mode if state.configured else ""
    if "nftables" not in (wanted, state.running):
        return
    for what, version, least in (("kernel", state.kernel, _KERNEL), ("nft", state.nft, _NFT)):
        numbers = _numbers(version)
        if numbers and numbers < least:
            yield finding(
                "SVN311",
                f"{what} {version} is older than {'.'.join(map(str, least))}, which nftables mode "
                "needs",
                node=state.node,
            )


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d{1,6}(?:\.\d{1,6})*)", text)
    return tuple(map(int, found[1].split("."))) if found else ()


def _two_proxies(state: ProxyState) -> Iterator[Finding]:
    """SVN312."""
    for other in state.others:
        yield finding(
            "SVN312",
            f"{other} handles Services on this node, and kube-proxy (pod {state.pod}) does too",
            node=state.node,
            next=f"kubectl get pods -A -o wide --field-selector spec.nodeName={state.node}",
        )


def _leftovers(state: ProxyState) -> Iterator[Finding]:
    """SVN313 to SVN315."""
    for left in state.leftovers:
        yield finding(
            _HARM[left.harm],
            f"{left.what} left over: {left.harm.value}",
            node=state.node,
            evidence=(left.because,) if left.because else (),
        )


def _masquerade_all(state: ProxyState) -> Iterator[Finding]:
    """SVN523."""
    setting = state.setting
    if setting.masquerade_all:
        yield finding(
            "SVN523",
            f"masqueradeAll is set ({setting.source}): endpoints see a node in place of any pod",
            node=state.node,
            next=f"kubectl svcnet proxy -o wide --node {state.node}",
        )


_JUDGES: tuple[Callable[[ProxyState], Iterator[Finding]], ...] = (
    _stopped,
    _not_running,
    _not_as_configured,
    _not_programmed,
    _unserved,
    _sync_findings,
    _both_backends,
    _deprecated,
    _too_old,
    _two_proxies,
    _leftovers,
    _masquerade_all,
)


def _modes(states: Iterable[ProxyState]) -> Iterator[Finding]:
    """SVN305."""
    yield from _mixed("SVN305", "modes", ((state.node, state.running) for state in states))


def _versions(states: Iterable[ProxyState]) -> Iterator[Finding]:
    """SVN306, by minor version."""
    minors = ((s.node, ".".join(map(str, _numbers(s.version)[:2]))) for s in states)
    yield from _mixed("SVN306", "versions", minors)


def _mixed(number: str, what: str, values: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    nodes: dict[str, list[str]] = {}
    for node, value in values:
        if value:
            nodes.setdefault(value, []).append(node)
    if len(nodes) > 1:
        told = ", ".join(f"{value} on {_named(found)}" for value, found in nodes.items())
        yield finding(number, f"kube-proxy runs in {len(nodes)} {what}: {told}")


def _named(nodes: Sequence[str]) -> str:
    return ", ".join(nodes) if len(nodes) < 4 else f"{len(nodes)} nodes"


def _restart(state: ProxyState) -> str:
    namespace, _, pod = state.pod.partition("/")
    return f"kubectl -n {namespace} delete pod {pod}" if pod else ""


def _log(state: ProxyState) -> str:
    namespace, _, pod = state.pod.partition("/")
    return f"kubectl -n {namespace} logs {pod}" if pod else ""


def _shell(state: ProxyState, command: str) -> str:
    namespace, _, pod = state.pod.partition("/")
    return f"kubectl -n {namespace} exec {pod} -- {command}" if pod else ""
