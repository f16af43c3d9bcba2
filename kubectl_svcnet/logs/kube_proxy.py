"""kube-proxy's own log: what it says of the Service, syncs that failed, and its starts.

Of lines that are about no Service only those are taken that tell why nothing may happen: rules
that were not written, objects that are not followed, a process that started or ended. Until 1.25
a line about each port stood at -v=1 and about its endpoints at -v=3; since 1.26 ports too need
-v=4 (facts of the release's own logs). Where that hides them, one gap says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model.capture import Capture
from ..model.finding import Gap
from ..model.kube_proxy import proxy_container
from ..model.logline import About, AboutKind, LogLine
from ..model.service import Container, Pod
from ..parse.flags import find_flag
from ..parse.klog import LogRecord
from ..parse.log_records import Entry
from ..parse.proxy_log import proxier_mode, version
from ._base import Place, Reading, Scene, lines_of, log_of
from ._pods import read_log

_NAME = "kube-proxy"

#: Rules not written, or objects not followed. 1.1 to 1.37; most at -v=0, so always there.
_FAILED = re.compile(
    r"ip6?tables-(?:restore|save)|ipset|nftables|[Ss]ync failed|watch-list failed|retry"
    r"|[Ff]ailed to (?:sync|watch|list|retrieve|ensure|execute|create|delete|start|bind|listen)"
    r"|[Cc]an't open|[Ww]atch (?:close|of .* ended)|connection refused|timed? ?out"
)
#: Failures that are not at the level of an error; `watch-list` from 1.35 on, a dead API server.
_QUIET = ("Sync failed", "panic: ", "fatal error: ", "watch-list failed")
#: At the first sync in nftables mode there is nothing to list (1.33 to 1.37).
_HARMLESS = re.compile(r"Failed to list existing (?:nftables objects|sets)")
_MODE = re.compile(
    r"command failed|Error running ProxyServer|failed validate|[Cc]an't use the IPVS proxier"
    r"|is now deprecated|No kube-proxy mode specified|[Uu]nknown proxy mode"
    r"|unable to create proxier|panic: |fatal error: "
)
#: What stands only in a log that is verbose enough for lines about a Service.
_VERBOSE = re.compile(
    r"Calling handler\.|[Ss]etting endpoints for|[Aa]dding new service (?:port|endpoints)"
)
#: From this minor version on a log says what becomes of a Service from this -v on.
_NEEDED = ((26, 4), (15, 3), (0, 1))


class _KubeProxy:
    name = _NAME

    def places(self, scene: Scene) -> tuple[Place, ...]:
        return tuple(
            log_of(pod, container.name, scene, _NAME)
            for pod in scene.proxies
            if (container := proxy_container(pod)) is not None
        )

    def read(self, place: Place, captures: Sequence[Capture], scene: Scene) -> Reading:
        def about(record: LogRecord) -> About | None:
            return scene.mentions.in_record(record) or about_proxy(record)

        lines: list[LogLine] = []
        gaps: list[Gap] = []
        read: list[Entry] = []
        for capture in captures:
            entries, missed = read_log(capture, place)
            lines += lines_of(entries, about, node=place.node, source=_NAME, scene=scene)
            gaps += missed
            read += entries
        if len(gaps) < len(captures):
            gaps += _hidden(place, read)
        return Reading(tuple(lines), tuple(gaps))


def about_proxy(record: LogRecord) -> About | None:
    """A sync that failed, a start or an end; whatever Service it may concern."""
    bad = record.level in ("W", "E", "F") or record.message.startswith(_QUIET)
    if bad and _HARMLESS.search(record.said):
        return None
    if record.level == "F" or (bad and _MODE.search(record.said)):
        return About(AboutKind.START)
    if bad and _FAILED.search(record.said):
        return About(AboutKind.SYNC)
    if "sing " in record.message and proxier_mode((record.raw,)):
        return About(AboutKind.START)
    if "ersion" in record.message and version((record.raw,)):
        return About(AboutKind.START)
    return None


def _hidden(place: Place, entries: Sequence[Entry]) -> tuple[Gap, ...]:
    """Whether lines about Services may be missing because nobody asked for them."""
    container = proxy_container(place.pod) if place.pod is not None else None
    if place.pod is None or container is None:
        return ()
    if any(_VERBOSE.search(entry.record.said) for entry in entries):
        return ()
    stated, minor = verbosity(container), minor_version(container, entries)
    needed = next(needed for since, needed in _NEEDED if (minor or 99) >= since)
    if (stated or 0) >= needed:
        return ()
    runs = f"runs with -v={stated}" if stated is not None else "its command states no -v"
    release = f"kube-proxy 1.{minor}" if minor else "kube-proxy"
    why = f"{release} tells what becomes of a Service from -v={needed} on, and {runs}"
    return (
        Gap(
            what=f"{_NAME} log",
            node=place.node,
            why=f"{why}: add --v={needed}",
            next=_command_of(place.pod),
        ),
    )


def _command_of(pod: Pod) -> str:
    """Where its command is changed; that of a static pod is a file on the node."""
    if pod.node and pod.name.endswith(f"-{pod.node}"):
        return f"kubectl -n {pod.namespace} get pod {pod.name} -o yaml"
    owner = pod.name.rpartition("-")[0] or pod.name
    return f"kubectl -n {pod.namespace} edit daemonset {owner}"


def verbosity(container: Container) -> int | None:
    text = find_flag(container.command, "v")
    if text is None:
        short = re.search(r"(?:^|\s)-v[= ]?(\d+)", " ".join(container.command))
        text = short[1] if short else None
    return int(text) if text is not None and text.isdecimal() else None


def minor_version(container: Container, entries: Sequence[Entry]) -> int | None:
    """By the image's tag, else by what the log says."""
    said = version([entry.record.raw for entry in entries if "ersion" in entry.record.raw])
    for text in (container.image.rpartition(":")[2], said or ""):
        if found := re.match(r"v?1\.(\d+)", text):
            return int(found[1])
    return None


SOURCE = _KubeProxy()
