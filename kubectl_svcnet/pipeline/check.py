"""`check`: every Service on every node against what the API asks, stated by cause.

The same reading, walking, settling and judging as `trace`, of all Services at once; beside it what
`proxy` says of the nodes' kube-proxies, from the same readings, and `ranges` of the cluster's
ranges, where no Service was named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine.judge.coverage import coverage_of
from ..engine.judge.gate import passed
from ..engine.judge.grouping import grouped
from ..engine.judge.proxy import LATE
from ..errors import SvcnetError, UsageError
from ..model.capture import Recorded, Source
from ..model.finding import Finding, Gap, Level
from ..model.gate import Gate
from ..model.options import Options
from ..model.report import FAULTS, CheckReport, Collected, PlanReport, RangesReport, ServiceTrace
from ..model.service import Node, Service
from . import kernel, objects
from .ages import Ages, moment
from .collect import Collector
from .plan import plan_trace
from .policies import clients_of, masked, read_policies
from .proxies import Proxies, Unseen, Words, lacking, telling, unseen_of, with_families
from .proxy import MAY_FOLLOW
from .ranges import plan as plan_ranges
from .ranges import run as read_ranges
from .selected import Selected
from .trace import Tracing, begin

if TYPE_CHECKING:
    from .judging import Outcome

ALL = Gate()


def check(source: Source, options: Options, gate: Gate = ALL) -> CheckReport:
    """Raises as `trace` does."""
    collector = Collector(source, max_parallel=options.max_parallel)
    tracing = begin(collector, options, dated=True)
    tracing.beside = kernel.commands_beside(tracing.read)
    tracing.localhost = True
    tracing.everything = _everything(options) and options.all_namespaces
    _require_places(gate, tracing.read.services, tracing.inventory.every)
    proxies = Proxies(collector, options, tracing.inventory)
    apart = source.apart() if isinstance(source, Recorded) else source
    selected = Selected(tracing.read.services)
    with ThreadPoolExecutor(max_workers=2) as pool:
        asked = pool.submit(proxies.ask)
        ranges = pool.submit(_ranges, apart, options, selected) if _everything(options) else None
        outcome = tracing.outcome()
        words = asked.result()
        told = ranges.result() if ranges is not None else RangesReport(collected=Collected())
    api = _objects(tracing, outcome, selected)
    return _report(tracing, outcome, proxies, words, (told, api), gate)


def _require_places(gate: Gate, services: Iterable[Service], nodes: Iterable[Node]) -> None:
    """Raises UsageError where a Service is skipped without its namespace: it would be no node's
    name, and nothing would be skipped."""
    named = {service.name.name: service.name for service in services}
    known = {node.name for node in nodes}
    for code, where in sorted(gate.skip):
        if where in named and where not in known:
            raise UsageError(
                f"--skip {code}={where}: no node has that name; did you mean {code}={named[where]}?"
            )


def plan(source: Source, options: Options) -> PlanReport:
    """The first round of `trace`, and of `ranges` what it runs on nodes and reads of logs."""
    everything = _everything(options) and options.all_namespaces
    report = plan_trace(source, options, beside=kernel.commands_beside, everything=everything)
    commands = report.commands
    gaps = report.gaps
    if _everything(options):
        ranges = plan_ranges(source, options)
        commands = tuple(dict.fromkeys((*commands, *ranges.commands)))
        gaps = tuple(dict.fromkeys((*gaps, *ranges.gaps)))
    may_follow = (*report.may_follow, *MAY_FOLLOW)
    return replace(report, commands=commands, gaps=gaps, may_follow=may_follow)


def _everything(options: Options) -> bool:
    """Not of some Services alone: then what is wrong with the cluster is asked for too."""
    return not (options.services or options.selector or options.field_selector)


def _ranges(source: Source, options: Options, selected: Selected) -> RangesReport:
    """A check of Services goes on without ranges."""
    try:
        return read_ranges(source, options, selected)
    except SvcnetError as error:
        gap = Gap(what="ranges", why=str(error), next=error.next or "", blocking=True)
        return RangesReport(collected=Collected(), gaps=(gap,))


def _report(
    tracing: Tracing,
    outcome: Outcome,
    proxies: Proxies,
    words: Words,
    beside_nodes: tuple[RangesReport, objects.Judged],
    gate: Gate,
) -> CheckReport:
    from ..engine.judge.defects import statements_of
    from ..engine.judge.findings import unserved_of
    from ..engine.judge.rivals import rivals
    from ..engine.judge.strangers import stranger_findings
    from .judging import facts_of, gaps_of, services_of

    outcome = replace(outcome, readings=with_families(outcome.readings, words.heard))
    unseen, fail_on = _unseen(tracing, outcome), tracing.options.fail_on
    judged = proxies.judge(outcome.expected, outcome.readings, words, unseen)
    services, facts = services_of(outcome), facts_of(outcome)
    unserved = unserved_of(services, facts)
    counted = {(one.code, one.node) for one in unserved}
    claims, unclaimed = _claims(tracing, outcome)
    ages = Ages.of(tracing.read, outcome.readings, tracing.collector.source.now())

    def state(service: ServiceTrace) -> tuple[Finding, ...]:
        return tuple(map(ages.told, statements_of(service, facts)))

    contested = rivals((*services, *claims), state)
    mine = contested.others[: len(services)]
    found = [f for service in mine for f in state(service)]
    for node, seen in outcome.strangers.items():
        found += stranger_findings(node, seen, facts[node])
    changing = _changing(tracing, outcome)
    ranges, api = beside_nodes
    beside, more = kernel.judge(outcome.expected, outcome.readings.values())
    gaps = (*gaps_of(outcome), *unclaimed, *judged.gaps, *api.gaps, *more, *ranges.gaps)
    every = (
        *(one for one in judged.findings if (one.code, one.node) not in counted),
        *unserved,
        *found,
        *objects.unsettled(beside, changing | _recent(tracing)),
        *objects.unsettled(api.findings, changing),
        *contested.findings,
        *ranges.findings,
    )
    read = frozenset(name for name, r in outcome.readings.items() if r.view is not None)
    return CheckReport(
        collected=_with(tracing.collected(outcome.readings), ranges.collected),
        coverage=coverage_of(services, read, len(tracing.nodes)),
        services=services,
        findings=grouped(
            passed(every, gate),
            since=_since(tracing, outcome),
            nodes_read=len(read),
            levelled=gate.levels,
        ),
        gaps=tuple(dict.fromkeys(gaps)),
        missing=outcome.missing,
        fails=None if fail_on == "never" else Level(fail_on),
    )


def _claims(tracing: Tracing, outcome: Outcome) -> tuple[tuple[ServiceTrace, ...], tuple[Gap, ...]]:
    """Not where all Services were read."""
    options = tracing.options
    if options.all_namespaces and _everything(options):
        return (), ()
    from .claims import trace_claims

    return trace_claims(tracing, outcome.judged)


def _objects(tracing: Tracing, outcome: Outcome, selected: Selected) -> objects.Judged:
    """By what the API said last."""
    last = outcome.expected
    latest = replace(tracing.read, services=last.services, endpoints=dict(last.endpoints))
    policies = read_policies(tracing.collector, tracing.scopes)
    clients = clients_of(tracing.pods.result())
    around = objects.Around(
        nodes=tracing.nodes,
        policies=policies.isolating,
        clients=clients,
        masked=masked(outcome.judged),
        selected=selected if selected.whole else None,
        max_pods=tracing.options.max_pods,
    )
    judged = objects.judge(tracing.collector, latest, around, whole=_everything(tracing.options))
    judged.gaps |= dict.fromkeys(policies.gaps)
    return judged


def _changing(tracing: Tracing, outcome: Outcome) -> frozenset[str]:
    """Services of which the API said something else at first."""
    first, last = tracing.read, outcome.expected
    before = {service.name: service for service in first.services}
    return frozenset(
        str(service.name)
        for service in last.services
        if before.get(service.name) != service
        or first.endpoints.get(service.name) != last.endpoints.get(service.name)
    )


def _recent(tracing: Tracing) -> frozenset[str]:
    """Services that changed within a minute, before which no sync is late: until then kube-proxy
    may still clear the flows of endpoints that are gone."""
    now = tracing.collector.source.now()
    return frozenset(str(n) for n, at in tracing.read.changed.items() if now - at < LATE)


def _with(collected: Collected, more: Collected) -> Collected:
    return replace(
        collected, execs=collected.execs + more.execs, bytes=collected.bytes + more.bytes
    )


def _unseen(tracing: Tracing, outcome: Outcome) -> dict[str, Unseen]:
    """As `proxy` has it, of all Services alone: by node, a change over a minute old that its
    kernel does not show."""
    if not _everything(tracing.options):
        return {}
    targets = frozenset(telling(tracing.read, tracing.collector.source.now()))
    told = {
        place: trace
        for place, trace in outcome.judged.items()
        if place[0] in targets and trace.settled
    }
    missing = lacking(told, outcome.readings)
    return {node: unseen_of(lack, tracing.read) for node, lack in missing.items()}


def _since(tracing: Tracing, outcome: Outcome) -> Mapping[str, str]:
    """By node: when the first of the changes was made that it lacks, at the latest."""
    first: dict[str, float] = {}
    for (frontend, node), trace in outcome.judged.items():
        changed = tracing.read.changed.get(frontend.service)
        if changed is not None and trace.settled and FAULTS.intersection(trace.problems):
            first[node] = min(changed, first.get(node, changed))
    now = tracing.collector.source.now()
    return {node: moment(time, now) for node, time in first.items()}
