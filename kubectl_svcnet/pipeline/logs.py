"""`logs`: what is written about a Service on all nodes, on one time line.

The API says which Services, pods and nodes; then every place is asked at once and read by its
source. A node of which no log of its proxy could be read leaves a gap that blocks; without a
proxy's pod there any agent's log will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..logs import LOG_SOURCES, LogSource, Place, Scene
from ..logs.mentions import Mentions
from ..logs.slices import slices_of
from ..logs.timeline import merge
from ..model.capture import ApiRequest, Capture, ExecRequest, LogRequest, Reason, Request, Source
from ..model.finding import Gap
from ..model.kube_proxy import is_proxy
from ..model.logline import LogLine, Subject
from ..model.options import Options
from ..model.report import LogsReport, PlanReport
from ..model.service import Node, Pod
from .collect import Collector
from .inventory import ServicesRead, read_nodes, read_services, require_services
from .names import find_scopes, picked
from .nearest import with_nearest
from .planned import planned

Answers = Mapping[Request, tuple[Capture, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What this run looks at, before any log was read."""

    scene: Scene
    nodes: tuple[Node, ...]
    read: ServicesRead
    gaps: tuple[Gap, ...]

    @property
    def places(self) -> tuple[tuple[LogSource, Place], ...]:
        return tuple((s, place) for s in LOG_SOURCES for place in s.places(self.scene))


def logs(source: Source, options: Options) -> LogsReport:
    """Raises UsageError where none of the named Services exists, ClusterError where the API
    cannot be read."""
    collector = Collector(source, max_parallel=options.max_parallel)
    return first_part(collector, options)[0]


def first_part(collector: Collector, options: Options) -> tuple[LogsReport, Asked, Answers]:
    """What is there by now, and what to go on with."""
    asked = ask(collector, options)
    places = asked.places
    answers = fetch(collector, [r for _, place in places for r in place.requests])
    asked = replace(asked, scene=with_slices(asked.scene, answers))
    lines: list[LogLine] = []
    gaps: list[Gap] = []
    for source, place in places:
        captures = [capture for request in place.requests for capture in answers[request]]
        reading = source.read(place, captures, asked.scene)
        lines += reading.lines
        gaps += reading.gaps
    heard = _heard(places, answers)
    report = LogsReport(
        collected=collector.collected(
            nodes=len(asked.nodes), nodes_read=len({node.name for node in asked.nodes} & heard)
        ),
        lines=merge(lines),
        nodes=tuple(node.name for node in asked.nodes),
        gaps=(*asked.gaps, *_weighed(gaps, asked, places, heard)),
        missing=asked.read.missing,
    )
    return report, asked, answers


def plan_logs(source: Source, options: Options) -> PlanReport:
    collector = Collector(source, max_parallel=options.max_parallel)
    asked = ask(collector, options)
    requests = [request for _, place in asked.places for request in place.requests]
    return PlanReport(
        collected=collector.collected(nodes=len(asked.nodes)),
        commands=tuple(dict.fromkeys(c for request in requests for c in planned(request))),
        gaps=asked.gaps,
        missing=asked.read.missing,
    )


def log_requests(
    collector: Collector, options: Options, agents: Iterable[Pod], nodes: set[str]
) -> tuple[Request, ...]:
    """The logs of these nodes, whichever Service may be asked for."""
    pods = tuple(pod for pod in agents if pod.node in nodes)
    scene = _scene(collector, options, Subject(), pods)
    places = [place for source in LOG_SOURCES for place in source.places(scene)]
    return tuple(dict.fromkeys(r for place in places for r in place.requests))


def ask(collector: Collector, options: Options) -> Asked:
    scopes = find_scopes(options)
    with ThreadPoolExecutor(max_workers=2) as pool:
        listed = pool.submit(read_services, collector, scopes)
        inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
        read = with_nearest(collector, picked(listed.result(), options), options)
    require_services(read)
    nodes = inventory.nodes or ()
    here = {node.name for node in nodes}
    pods = tuple(pod for pod in inventory.agents or () if pod.node in here)
    wanted = {service.name for service in read.services}
    subject = Subject(
        services=read.services,
        endpoints={name: found for name, found in read.endpoints.items() if name in wanted},
    )
    scene = _scene(collector, options, subject, pods)
    if options.nodes or options.node_selector:
        scene = replace(scene, nodes=frozenset(here))
    return Asked(scene=scene, nodes=nodes, read=read, gaps=(*gaps, *read.gaps, *_blind(nodes)))


def _scene(collector: Collector, options: Options, subject: Subject, pods: Sequence[Pod]) -> Scene:
    ordered = sorted(pods, key=lambda pod: (pod.node, pod.namespace, pod.name))
    return Scene(
        mentions=Mentions(subject),
        proxies=tuple(pod for pod in ordered if is_proxy(pod)),
        agents=tuple(pod for pod in ordered if not is_proxy(pod)),
        now=collector.source.now(),
        since=options.since,
        previous=options.previous,
        limit=options.max_answer,
    )


def _blind(nodes: Sequence[Node]) -> tuple[Gap, ...]:
    if nodes:
        return ()
    why = "no node is known, so no log can be asked for"
    return (Gap(what="nodes", why=why, next="kubectl get nodes", blocking=True),)


def fetch(collector: Collector, requests: Iterable[Request]) -> Answers:
    """Each request once; an exec without a shell where the image has none."""
    distinct = list(dict.fromkeys(requests))

    def one(request: Request) -> tuple[Capture, ...]:
        captures = collector.fetch(request)
        if isinstance(request, ExecRequest) and all(c.failed(Reason.NO_TOOL) for c in captures):
            return collector.fetch(replace(request, shell=False))
        return captures

    return dict(zip(distinct, collector.map(one, distinct), strict=True))


def with_slices(scene: Scene, answers: Answers) -> Scene:
    listed = [c for r, captures in answers.items() if isinstance(r, ApiRequest) for c in captures]
    items = (item for c in listed if _of_slices(c) for item in c.objects)
    names = frozenset(str(one.name) for one in slices_of(items))
    subject = replace(scene.subject, slices=names)
    return replace(scene, mentions=Mentions(subject))


def _of_slices(capture: Capture) -> bool:
    request = capture.request
    return isinstance(request, ApiRequest) and request.path.endswith("/endpointslices")


def _heard(places: Iterable[tuple[LogSource, Place]], answers: Answers) -> set[str]:
    """Nodes of which a log was read: the proxy's, where a pod of it is there."""
    asked: dict[str, dict[bool, list[bool]]] = {}
    for _, place in places:
        for request in place.requests:
            if isinstance(request, (LogRequest, ExecRequest)) and place.pod is not None:
                read = any(capture.ok for capture in answers[request])
                asked.setdefault(place.node, {}).setdefault(is_proxy(place.pod), []).append(read)
    return {node for node, by in asked.items() if any(by.get(True, by.get(False, ())))}


def _weighed(
    gaps: Iterable[Gap],
    asked: Asked,
    places: Iterable[tuple[LogSource, Place]],
    heard: set[str],
) -> tuple[Gap, ...]:
    found = [replace(gap, blocking=bool(gap.node) and gap.node not in heard) for gap in gaps]
    named = {place.node for _, place in places if place.requests}
    for node in asked.nodes:
        if node.name not in named:
            found.append(
                Gap(
                    what="logs",
                    node=node.name,
                    why="no pod of kube-proxy or of a network plugin is there to be asked; a "
                    "proxy that runs as a service of the node writes to its journal",
                    next=f"kubectl get pods -A --field-selector spec.nodeName={node.name}",
                    blocking=not node.virtual and node.os == "linux",
                )
            )
    return tuple(dict.fromkeys(found))
