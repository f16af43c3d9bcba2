"""`trace --steps`: the documented way by hand, each step with the command that works today and
the lines of our own captures that it is about.

What cannot be done through a pod says why and what replaces it. Whatever these steps need beyond
what the trace has read (heads and ends of logs, the API server's pod) is read here; a refusal is
a note in its step, never an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import ParseError
from ..model import nft
from ..model.address import Family
from ..model.capture import LOG_HEAD, ApiRequest, Capture, log_head
from ..model.commands import Command
from ..model.counted import counted
from ..model.fate import Backend
from ..model.kube_proxy import proxy_container
from ..model.report import ByHand, ServiceTrace, Verdict
from ..model.service import Inventory, Pod
from ..node.netfilter import PREFIX
from ..parse.kube_pod import parse_pod
from ..parse.service_cidr import parse_service_cidr
from .collect import Collector
from .nodes import NodeReading
from .own_rules import hash_check, own_rules

#: Nodes whose logs and rules are shown, those at fault first.
NODES = 8
#: Lines read from the end of a log whose head is not all of it.
TAIL = 2000

_FLAG = "cluster-ip-range"
_RANGES = "kubectl svcnet ranges shows every place that states it."


@dataclass(frozen=True, slots=True)
class _Log:
    """A kube-proxy's log as far as it was read; `why` is said where all or a part was refused."""

    pod: Pod
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    whole: bool = False
    why: str = ""

    def lines(self, word: str) -> tuple[str, ...]:
        found = [line for line in (*self.head, *self.tail) if word in line]
        return tuple(dict.fromkeys(found))

    def note(self, lacking: str) -> str:
        """How far it was read, and what is lacking in that."""
        if not self.head and self.why:
            return f"Not answered: {self.why}."
        extent = f"its first {LOG_HEAD >> 10} KiB{f' and last {TAIL} lines' if self.tail else ''}"
        extent += " were read" + (f" (not its end: {self.why})" if self.why else "")
        if self.whole:
            extent = "its whole log was read"
        return f"Run: {extent}{f', and {lacking}' if lacking else ''}."


def by_hand(
    collector: Collector,
    inventory: Inventory,
    services: Sequence[ServiceTrace],
    readings: Sequence[NodeReading],
) -> tuple[ByHand, ...]:
    shown = _worst_first(services, readings)[:NODES]
    logs = dict(collector.map(lambda reading: _log(collector, reading), shown))
    left = len(readings) - len(shown)
    more = f" {counted(left, 'more node')}: --node NAME." if left else ""
    steps = [
        *_cni_range(collector, inventory, {reading.node.name for reading in shown}),
        _service_range(collector),
        *(_mode(reading, logs[reading.node.name], more) for reading in shown),
    ]
    for service in services:
        for reading in shown if service.frontends else ():
            steps += _rules(service, reading)
            steps.append(_service_log(service, reading, logs[reading.node.name]))
    return tuple(steps)


def _worst_first(
    services: Sequence[ServiceTrace], readings: Sequence[NodeReading]
) -> list[NodeReading]:
    bad = {
        node.node
        for service in services
        for frontend in service.frontends
        for node in frontend.nodes
        if node.verdict is not Verdict.OK
    }
    return sorted(readings, key=lambda r: (r.node.name not in bad, r.node.name))


def _cni_range(collector: Collector, inventory: Inventory, nodes: set[str]) -> list[ByHand]:
    title = "The range that the CNI is configured with"
    weave = [
        pod
        for pod in inventory.agents or ()
        if pod.labels.get("name") == "weave-net" and pod.container("weave") and pod.node in nodes
    ]
    if weave:
        return collector.map(lambda pod: _weave(collector, pod), weave)
    command = "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODS:.spec.podCIDRs"
    rows = [
        (node.name, " ".join(map(str, node.pod_cidrs)))
        for node in inventory.nodes or ()
        if node.pod_cidrs
    ]
    why = "No Weave pod runs here, whose log would say ipalloc-range"
    if inventory.agents is None:
        why = "The pods could not be listed"
    if not rows:
        return [
            ByHand(title=title, command=command, note=f"{why}; no node has a podCIDR. {_RANGES}")
        ]
    width = max(len(name) for name, _ in rows)
    lines = tuple(f"{name:<{width}}   [{cidrs}]" for name, cidrs in rows)
    note = f"{why}; the nodes' own parts replace it, read from the API. {_RANGES}"
    return [ByHand(title=title, command=command, lines=lines, note=note)]


def _weave(collector: Collector, pod: Pod) -> ByHand:
    capture = collector.fetch_one(log_head(pod, "weave"))
    lines = tuple(line for line in _whole_lines(capture) if "ipalloc-range" in line)
    note = "Run: the head of its log."
    if capture.failure is not None:
        note = f"Not answered: {capture.failure.message}."
    elif not lines:
        note = f"Not in the first {LOG_HEAD >> 10} KiB of its log. {_RANGES}"
    return ByHand(
        title=f"The range that the CNI of {pod.node} is configured with",
        command=f"kubectl -n {pod.namespace} logs {pod.name} weave | grep ipalloc-range",
        lines=lines,
        note=note,
    )


def _service_range(collector: Collector) -> ByHand:
    title = "The range of Service addresses"
    why = (
        f"`cat /etc/kubernetes/manifests/kube-apiserver.yaml | grep {_FLAG}` needs the disk of a "
        "control-plane node, which no pod shows"
    )
    query = (("labelSelector", "component=kube-apiserver"),)
    request = ApiRequest(path="/api/v1/namespaces/kube-system/pods", query=query)
    capture = collector.fetch_one(request)
    pods = [parse_pod(item) for item in capture.objects] if capture.failure is None else []
    command = "kubectl -n kube-system get pod {} -o yaml | grep " + _FLAG
    for pod in sorted(pods, key=lambda pod: pod.name):
        words = [word for container in pod.containers for word in container.command]
        lines = tuple(f"    - {word}" for word in words if _FLAG in word)
        if lines:
            note = f"{why}; the API's copy of the static pod replaces it. Run: this line is of it."
            return ByHand(title=title, command=command.format(pod.name), lines=lines, note=note)
    missing = "no kube-apiserver pod with that flag is in the API"
    if capture.failure is not None:
        missing = f"its pod cannot be read ({capture.failure.message})"
    return _service_cidrs(collector, title, f"{why}, and {missing}")


def _service_cidrs(collector: Collector, title: str, why: str) -> ByHand:
    path = "/apis/networking.k8s.io/v1/servicecidrs"
    capture = collector.fetch_one(ApiRequest(path=path))
    try:
        found = [parse_service_cidr(item) for item in capture.objects]
    except ParseError:
        found = []
    lines = tuple(f"{one.name}   [{' '.join(map(str, one.networks))}]" for one in found)
    said = f" ({capture.failure.message})" if capture.failure is not None else ""
    return ByHand(
        title=title,
        command="kubectl get servicecidrs -o custom-columns=NAME:.metadata.name,CIDRS:.spec.cidrs",
        lines=lines,
        note=f"{why}; the ServiceCIDR objects replace it{'' if lines else f', none{said}'}. "
        f"{_RANGES}",
    )


def _mode(reading: NodeReading, log: _Log | None, more: str) -> ByHand:
    title = f"The proxy mode of {reading.node.name}"
    if log is None:
        return ByHand(title=title, command=_on_the_node("Proxier"), note=_no_pod(reading) + more)
    lines = log.lines("Proxier")
    note = log.note("" if lines else "no line says it")
    if not lines and reading.view is not None:
        note += f" What is programmed says {reading.owner.name}."
    return ByHand(title=title, command=_grep(log.pod, "Proxier"), lines=lines, note=note + more)


def _rules(service: ServiceTrace, reading: NodeReading) -> list[ByHand]:
    name = str(service.service.name)
    frontends = [trace.frontend for trace in service.frontends]
    refs = own_rules(reading, service.service, frontends, service.endpoints)
    groups = dict.fromkeys((ref.chain.family, ref.chain.backend) for ref in refs)
    for family in dict.fromkeys(f.family for f in frontends):
        if not any(known is family for known, _ in groups):
            groups[family, _backend(reading, family)] = None
    steps = []
    for family, backend in groups:
        found = [r for r in refs if (r.chain.family, r.chain.backend) == (family, backend)]
        own = [f for f in frontends if f.family is family]
        kind = " (IPv6)" if family is Family.IPV6 else ""
        # A refusal stands in the filter table; iptables-legacy-save -t would load a table.
        tables = "" if any(ref.chain.table != "nat" for ref in found) else " -t nat"
        tables = tables if backend is Backend.NFT else ""
        steps.append(
            ByHand(
                title=f"The rules of {name} on {reading.node.name}{kind}",
                command=_listing(reading, family, backend, f"{tables} | grep {name}"),
                lines=tuple(f"{ref} {ref.raw}" for ref in found),
                note=_about_rules(reading, bool(found), hash_check(found, own, reading.own)),
                service=name,
            )
        )
    return steps


def _about_rules(reading: NodeReading, found: bool, hashes: str) -> str:
    if reading.view is None or reading.owner.reader is None:
        why = next((gap.why for gap in reading.gaps if gap.blocking), reading.owner.why)
        return f"Not read: {why}."
    if not found:
        return "Not run as it stands: in what was read of the node no rule belongs to it."
    if reading.own.ipvs:
        return (
            "Not run as it stands: these are its virtual servers in what was read of the node, "
            "found by address and port, since nothing there bears a Service's name. The file "
            "writes both in hex; `ipvsadm -Ln` prints the same, where it exists."
        )
    if reading.own.within:
        return (
            "Not run as it stands: these are its rules in what was read of the node, found by "
            "following jumps and maps." + (f" {hashes}." if hashes else "")
        )
    return (
        "Not run as it stands: these are its rules in what was read of the node, found by "
        "following jumps, comment or not. `iptables -L -t nat` prints the same rules without "
        "their devices and chains." + (f" {hashes}." if hashes else "")
    )


def _backend(reading: NodeReading, family: Family) -> Backend:
    """The backend that kube-proxy's rules are in; nft where that is not known."""
    if reading.own.ipvs:
        return Backend.IPVS
    if reading.own.within:
        return Backend.NFTABLES
    rulesets = reading.view.rulesets if reading.view else {}
    for backend in (Backend.NFT, Backend.LEGACY):
        ruleset = rulesets.get((family, backend))
        if ruleset is not None and ruleset.chain("nat", "KUBE-SERVICES") is not None:
            return backend
    return Backend.NFT


def _listing(reading: NodeReading, family: Family, backend: Backend, rest: str) -> str:
    """What lists a node's rules: iptables-nft-save or -legacy-save by its full name (the bare one
    may rewrite links), or what its dataplane has instead."""
    if reading.owner.reader is None and reading.owner.next:
        return reading.owner.next
    vantage = reading.vantage
    where = ""
    if vantage is not None:
        where = f"kubectl -n {vantage.namespace} exec {vantage.pod} -c {vantage.container} -- "
    if backend is Backend.IPVS:
        return f"{where}cat /proc/net/ip_vs"
    if backend is Backend.NFTABLES:
        return f"{where}nft list table {nft.NAMES[family]} kube-proxy{rest}"
    prefix = PREFIX[family]
    alone = reading.captures.get(Command(f"{prefix}-save-all"))
    tool = f"{prefix}-save" if alone is not None and alone.ok else f"{prefix}-{backend.value}-save"
    return where + tool + rest


def _service_log(service: ServiceTrace, reading: NodeReading, log: _Log | None) -> ByHand:
    name = str(service.service.name)
    title = f"What kube-proxy of {reading.node.name} logged about {name}"
    if log is None:
        note = _no_pod(reading)
        return ByHand(title=title, command=_on_the_node(name), note=note, service=name)
    lines = log.lines(name)
    note = "kube-proxy is a pod, so this replaces `cat /var/log/kube-proxy.log`. "
    note += log.note("" if lines else "no line is about it")
    note += " kube-proxy logs Services only with -v=4 or more since 1.26."
    command = _grep(log.pod, name)
    return ByHand(title=title, command=command, lines=lines, note=note, service=name)


def _log(collector: Collector, reading: NodeReading) -> tuple[str, _Log | None]:
    """The head, which names mode and version, and the end, where Services come and go."""
    pod, name = reading.proxy, reading.node.name
    container = proxy_container(pod) if pod else None
    if pod is None or container is None:
        return name, None
    asked = log_head(pod, container.name)
    head = collector.fetch_one(asked)
    if head.failure is not None:
        return name, _Log(pod, why=head.failure.message)
    if not head.truncated:
        return name, _Log(pod, head=_whole_lines(head), whole=True)
    tail = collector.fetch_one(replace(asked, limit_bytes=None, tail_lines=TAIL))
    why = tail.failure.message if tail.failure is not None else ""
    return name, _Log(pod, head=_whole_lines(head), tail=_whole_lines(tail), why=why)


def _whole_lines(capture: Capture) -> tuple[str, ...]:
    """Without the last one where the answer was cut off in it."""
    lines = capture.text().replace("\r\n", "\n").split("\n")
    return tuple(lines[:-1] if capture.truncated or not lines[-1] else lines)


def _grep(pod: Pod, word: str) -> str:
    return f"kubectl -n {pod.namespace} logs {pod.name} | grep {word}"


def _on_the_node(word: str) -> str:
    return f"cat /var/log/kube-proxy.log | grep {word}"


def _no_pod(reading: NodeReading) -> str:
    why = f" ({reading.owner.why})" if reading.owner.reader is None else ""
    return (
        f"No kube-proxy pod runs on {reading.node.name}{why}: its log is on the node's own disk, "
        "or in its journal (journalctl -u kube-proxy), which no pod shows."
    )
