"""/var/log/kube-proxy.log of a node, where a pod there mounts it (GKE's static kube-proxy does).

The last part is read with `tail`, or without one what `grep` finds of the Service. klog writes
neither year nor zone: the year is the one that makes the time past, the zone is taken for UTC
until the timeline finds the same line with the API's own time.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from ..model.capture import Capture, ExecRequest, Reason
from ..model.commands import Command
from ..model.finding import Gap
from ..model.service import Container, Pod
from ..parse.log_records import Entry, split_records
from ..parse.refusals import parse_refusal
from ._base import Place, Reading, Scene, lines_of
from .kube_proxy import about_proxy

FILE = "/var/log/kube-proxy.log"
ASSUMED = "year and zone (UTC)"

_BYTES = 1 << 20
_LINES = 2000
_DAY = 86400.0


class _NodeFile:
    name = "node file"

    def places(self, scene: Scene) -> tuple[Place, ...]:
        """One pod per node; kube-proxy's own before others'."""
        found: dict[str, Place] = {}
        for pod in (*scene.proxies, *scene.agents):
            for container, path in _mounted(pod):
                commands = (
                    Command("log-tail", (str(min(_BYTES, scene.limit)), path)),
                    Command("log-grep", (str(_LINES), _pattern(scene), path)),
                )
                request = ExecRequest(
                    node=pod.node,
                    namespace=pod.namespace,
                    pod=pod.name,
                    container=container.name,
                    commands=commands,
                )
                place = Place(
                    what=FILE, requests=(request,), node=pod.node, pod=pod, source="kube-proxy.log"
                )
                found.setdefault(pod.node, place)
        return tuple(found.values())

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading:
        answered = next((c for c in captures if c.failure is None and c.data), None)
        if answered is None:
            return Reading(gaps=_missed(place, captures))
        text = answered.text()
        if answered.command and answered.command.name == "log-tail" and "\n" in text:
            whole = len(answered.data) < int(answered.command.arguments[0])
            text = text if whole else text.partition("\n")[2]  # its first line was cut
        entries = tuple(_timed(entry, scene.now) for entry in split_records(text))
        lines = lines_of(
            entries,
            lambda record: scene.mentions.in_record(record) or about_proxy(record),
            node=place.node,
            source=place.source,
            scene=scene,
        )
        return Reading(tuple(replace(line, assumed=ASSUMED) for line in lines))


def _mounted(pod: Pod) -> Iterator[tuple[Container, str]]:
    """Running containers that have the file, and its path there."""
    for container in pod.containers:
        for volume, at in container.mounts.items():
            host = pod.host_paths.get(volume, "")
            inside = f"{host.rstrip('/')}/"
            if container.running and host and FILE.startswith(inside):
                yield container, posixpath.join(at, FILE[len(inside) :])
            elif container.running and host == FILE:
                yield container, at


def _pattern(scene: Scene) -> str:
    """An extended regular expression of lines that may say something; what it finds is looked
    at again, so it need not be exact."""
    subject = scene.subject
    words = [str(service.name) for service in subject.services]
    for service in subject.services:
        words += [str(address) for address in service.cluster_ips]
        words += [str(port.node_port) for port in service.ports if port.node_port]
    for found in subject.endpoints.values():
        words += [str(endpoint.address.address) for endpoint in found]
    known = [re.escape(word).replace("\\-", "-") for word in dict.fromkeys(words)]
    return "|".join([*known[:100], "ailed", "Proxier", "ersion"])


def _missed(place: Place, captures: Sequence[Capture]) -> tuple[Gap, ...]:
    """No gap where the node has no such file: cat says so, and grep found nothing with 1."""
    said = next((c.failure for c in captures if c.failure is not None), None)
    absent = any(b"No such file" in c.stderr for c in captures)
    ran = any(c.failure is None and c.exit_code in (0, 1) for c in captures)
    if said is None or absent or ran or said.reason is Reason.NOT_RECORDED:
        return ()
    return (Gap(what=FILE, node=place.node, why=parse_refusal(said.message)),)


def _timed(entry: Entry, now: float) -> Entry:
    if entry.time is not None or not entry.record.month_day:
        return entry
    return replace(entry, time=infer_time(entry.record.month_day, entry.record.clock, now))


def infer_time(month_day: str, clock: str, now: float) -> float | None:
    """Seconds since the epoch of klog's `1124`, `23:35:59.778305`, taken for UTC, in the last
    year in which that was not later than tomorrow. None for what no calendar has."""
    year = datetime.fromtimestamp(now + _DAY, timezone.utc).year
    for candidate in range(year, year - 5, -1):  # 29 February
        try:
            found = datetime.strptime(f"{candidate}{month_day} {clock}", "%Y%m%d %H:%M:%S.%f")
        except ValueError:
            continue
        time = found.replace(tzinfo=timezone.utc).timestamp()
        if time <= now + _DAY:
            return time
    return None


SOURCE = _NodeFile()
