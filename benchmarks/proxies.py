"""The lab's kube-proxies as the loader needs them: stopped, started, and in step with the API.

A stopped one is a node without the label that its DaemonSet asks for, so whoever finds a lab left
in the middle sees why a node has no kube-proxy. Its rules stay.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from tests.lab import backend, kube, namespaces, node, proxy
from tests.lab.shell import LabError, run, wait_until
from tests.lab.topology import NODES, Node

from .sizes import Size

MODE = "iptables"
METRIC = re.compile(r"^(kubeproxy_\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)
SYNC = "kubeproxy_sync_proxy_rules_"
EVERY = 0.5


def parse_metrics(text: str) -> Mapping[str, float]:
    return {name: float(value) for name, value in METRIC.findall(text)}


def in_step(metrics: Mapping[str, float], rules: int) -> bool:
    """Whether all that was asked for is written, and it amounts to so many rules."""
    written = metrics.get(f'{SYNC}iptables_total{{ip_family="IPv4",table="nat"}}', 0.0)
    queued = metrics.get(f'{SYNC}last_queued_timestamp_seconds{{ip_family="IPv4"}}', 0.0)
    synced = metrics.get(f'{SYNC}last_timestamp_seconds{{ip_family="IPv4"}}', 0.0)
    pending = (f"{SYNC}service_changes_pending", f"{SYNC}endpoint_changes_pending")
    return written >= rules and synced >= queued > 0 and not any(map(metrics.get, pending))


def wait_for_sync(where: Node, size: Size, seconds: float) -> float | None:
    """How long it took; None where it did not come in time."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if in_step(parse_metrics(node.http(where, "127.0.0.1:10249/metrics")), size.nat_rules):
            took = time.monotonic() - started
            confirm(where, size)
            return took
        time.sleep(EVERY)
    return None


def confirm(where: Node, size: Size) -> None:
    """By the node's own listing, whatever the metrics say."""
    chains = nat(where).count("\n:KUBE-SVC-")
    if chains < size.services:
        raise LabError(f"{where.name} has {chains} Service chains of {size.services}.")


def nat(where: Node) -> str:
    program = f"iptables-{node.backend(where)}-save"
    return run([*namespaces.prefix(where), program, "-t", "nat"], timeout=600)


def require_all() -> None:
    for one in NODES:
        if (mode := proxy.current_mode(one)) != MODE:
            raise LabError(f"{one.name}: kube-proxy is in mode {mode or '?'}, not {MODE}.")


def stop(where: Node) -> None:
    kube.kubectl("label", "node", where.name, f"{proxy.LABEL}=none", "--overwrite")
    wait_until(
        f"{where.name}: kube-proxy has gone",
        lambda: not proxy.pods(where) and not node.processes(where, "kube-proxy"),
        timeout=120,
    )


def start(where: Node) -> None:
    kube.kubectl("label", "node", where.name, f"{proxy.LABEL}={MODE}", "--overwrite")


def start_all() -> None:
    """Also those that run already: nothing happens to them."""
    for one in NODES:
        start(one)
    for one in NODES:
        proxy.wait_for_mode(one, MODE)


def forget_services(where: Node) -> None:
    """Takes kube-proxy's chains out of the nat table at once; alone it would take as long to
    remove them as to write them. It must be stopped."""
    rest = backend.without_kube_lines(nat(where))
    if node.backend(where) == "nft":
        run([*namespaces.prefix(where), "nft", "delete", "table", "ip", "nat"], timeout=600)
    program = f"iptables-{node.backend(where)}-restore"
    run([*namespaces.prefix(where), program, "-T", "nat"], stdin=rest, timeout=600)
