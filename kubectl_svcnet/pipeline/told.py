"""What each kube-proxy says of itself: its log's head, and its endpoints through port-forward.

127.0.0.1:10249 answers /proxyMode, /configz and /metrics, 10256 /healthz (cmd/kube-proxy/app/
server.go). Without the right to port-forward its log is what there is, and the gap blocks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..dataplanes.kube_proxy import proxy_log_head
from ..errors import ParseError
from ..model.address import Family
from ..model.capture import Capture, ForwardRequest, LogRequest
from ..model.finding import Gap
from ..model.kube_proxy import proxy_container
from ..model.proxystate import Metrics, Setting, Told
from ..model.service import Pod
from ..parse.configz import parse_configz
from ..parse.healthz import parse_healthz
from ..parse.metrics import Sample, parse_metrics
from ..parse.proxy_log import failed_syncs, proxier_mode, version
from ..ranges import missed
from .collect import Collector
from .configured import setting_of

ENDPOINTS = "kube-proxy's endpoints"
LOG = "kube-proxy's log"

#: What is looked through for failed syncs: the log's last lines, of the last ten minutes.
TAIL, SINCE = 200, 600

_PATHS = (
    (10249, "/proxyMode"),
    (10249, "/configz"),
    (10249, "/metrics"),
    (10256, "/healthz"),
)
_MODES = ("iptables", "ipvs", "nftables", "userspace", "kernelspace")

_SYNC = "kubeproxy_sync_proxy_rules"
_LAST = f"{_SYNC}_last_timestamp_seconds"
_QUEUED = f"{_SYNC}_last_queued_timestamp_seconds"
_START = "process_start_time_seconds"
_FAILURES = (
    f"{_SYNC}_iptables_restore_failures_total",
    f"{_SYNC}_nftables_sync_failures_total",
)
_PARTIAL = f"{_SYNC}_iptables_partial_restore_failures_total"
_BUILD = "kubernetes_build_info"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    told: Told
    gaps: tuple[Gap, ...] = ()


def read_told(collector: Collector, pods: Sequence[Pod]) -> dict[str, Heard]:
    """By node."""
    asked = [(pod, request) for pod in pods for request in requests(pod)]
    captures = collector.map(lambda one: collector.fetch_one(one[1]), asked)
    by_node: dict[str, list[Capture]] = {}
    for (pod, _), capture in zip(asked, captures, strict=True):
        by_node.setdefault(pod.node, []).append(capture)
    return {node: _heard(node, found) for node, found in by_node.items()}


def read_metrics(collector: Collector, pods: Sequence[Pod]) -> dict[str, Metrics | None]:
    """Once more, by node: is a sync still due?"""
    captures = collector.map(
        collector.fetch_one, [_forward(pod, 10249, "/metrics") for pod in pods]
    )
    return {
        pod.node: _metrics(capture.text()) if capture.ok else None
        for pod, capture in zip(pods, captures, strict=True)
    }


def requests(pod: Pod) -> tuple[ForwardRequest | LogRequest, ...]:
    """All that this kube-proxy is asked; a pod that does not run has a log at most."""
    container = proxy_container(pod)
    head = proxy_log_head(pod)
    tail = replace(head, limit_bytes=None, tail_lines=TAIL, since_seconds=SINCE)
    if container is None or not container.running or not pod.host_network:
        return head, tail
    return head, tail, *(_forward(pod, port, path) for port, path in _PATHS)


def _forward(pod: Pod, port: int, path: str) -> ForwardRequest:
    return ForwardRequest(
        node=pod.node, namespace=pod.namespace, pod=pod.name, port=port, path=path
    )


def _heard(node: str, captures: Sequence[Capture]) -> Heard:
    logs = [c for c in captures if isinstance(c.request, LogRequest)]
    head = logs[0].text().splitlines()
    tail = logs[1].text().splitlines() if logs[1].ok else []
    answers = {c.request.path: c for c in captures if isinstance(c.request, ForwardRequest)}
    gaps: list[Gap] = []
    if logs[0].failure is not None:
        gaps.append(missed(logs[0], LOG, node))
    silent = next((c for c in answers.values() if c.failure is not None), None)
    if silent is not None:
        gaps.append(missed(silent, ENDPOINTS, node))

    def read(path: str, parse: Callable[[str], T]) -> T | None:
        capture = answers.get(path)
        if capture is None or not capture.ok:
            return None
        try:
            return parse(capture.text())
        except ParseError as error:
            gaps.append(Gap(what=ENDPOINTS, node=node, why=f"{path}: {error}"))
            return None

    mode = read("/proxyMode", str.strip) or ""
    told = Told(
        mode=mode if mode in _MODES else "",
        log_mode=proxier_mode(head) or "",
        log_version=version(head) or "",
        setting=read("/configz", _setting),
        metrics=read("/metrics", _metrics),
        healthy=_healthy(answers),
        failed_syncs=failed_syncs(tail),
    )
    return Heard(told, tuple(gaps))


def _setting(text: str) -> Setting | None:
    found = parse_configz(text)
    return setting_of(found, "/configz") if found is not None else None


def _healthy(answers: Mapping[str, Capture]) -> bool | None:
    """By the object, where it says; else by the HTTP status. A node that is about to go is
    answered 503 too, which says nothing of its syncs."""
    capture = answers.get("/healthz")
    if capture is None or capture.failure is not None:
        return None
    try:
        found = parse_healthz(capture.text())
    except ParseError:
        return None
    if found.healthy is not None:
        return found.healthy
    return True if capture.ok else False if found.eligible else None


def _metrics(text: str) -> Metrics:
    """Before its first sync the last one has the time 0: it is not late since 1970, but since it
    started."""
    samples = parse_metrics(text, {_LAST, _QUEUED, _START, *_FAILURES, _PARTIAL, _BUILD})
    last, queued = _by_family(samples, _LAST), _by_family(samples, _QUEUED)
    start = next((s.value for s in samples if s.name == _START), 0.0)
    late = [time - max(start, last.get(family, 0.0)) for family, time in queued.items()]
    return Metrics(
        last_sync=min(last.values(), default=0.0) or None,
        last_queued=max(queued.values(), default=0.0) or None,
        late_by=max([0.0, *late]),
        failures=_total(samples, _FAILURES),
        partial_failures=_total(samples, (_PARTIAL,)),
        families=tuple(family for family in Family if family.value in queued),
        version=next((s.labels.get("git_version", "") for s in samples if s.name == _BUILD), ""),
    )


def _by_family(samples: Sequence[Sample], name: str) -> dict[str, float]:
    return {s.labels.get("ip_family", ""): s.value for s in samples if s.name == name}


def _total(samples: Sequence[Sample], names: Sequence[str]) -> int:
    values = [s.value for s in samples if s.name in names]
    return int(sum(value for value in values if 0 <= value < 1e15))
