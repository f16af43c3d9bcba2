"""`--plan`: the API is read, the first round of commands is made, and none is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..dataplanes import Owner, owner_of
from ..model.capture import Source
from ..model.commands import Command
from ..model.finding import Gap
from ..model.options import Options
from ..model.report import PlannedCommand, PlanReport
from ..model.service import Inventory, Node, frontends, pods_on
from ..node.netfilter import Wanted
from ..node.rounds import LAST_ROUND, first_round
from ..node.vantage import choose
from .collect import Collector, command_line
from .expected import Expected, wanted_of
from .inventory import ServicesRead, read_nodes, read_services, require_services
from .names import find_scopes, picked
from .nearest import with_nearest
from .nodes import unread_of

_MAY_FOLLOW = (
    "on the same pods: the chains that a walk meets and that are not among these, each with "
    f"iptables-nft -S, in up to {LAST_ROUND - 1} further rounds; the last one takes the dump "
    "(iptables-nft-save, iptables-legacy-save)",
    "after --settle: the same again on nodes that differ; the head of kube-proxy's log where "
    "its rules do not show its mode, or nothing of a family",
)


def plan_trace(
    source: Source,
    options: Options,
    *,
    beside: Callable[[ServicesRead], tuple[Command, ...]] | None = None,
    everything: bool = False,
) -> PlanReport:
    """`beside`: what `check` reads of each node as well; `everything`: of all Services."""
    collector = Collector(source, max_parallel=options.max_parallel)
    read = picked(read_services(collector, find_scopes(options)), options)
    inventory, gaps = read_nodes(collector, selector=options.node_selector, names=options.nodes)
    read = with_nearest(collector, read, options)
    require_services(read)
    expected = Expected(services=read.services, endpoints=read.endpoints)
    targets = [f for service in read.services for f in frontends(service)]

    def wanted(node: Node, owner: Owner) -> tuple[Wanted, ...]:
        checked = beside is not None
        return wanted_of(expected, node, owner, targets, everything=everything, localhost=checked)

    more = beside(read) if beside else ()
    nodes = inventory.nodes or ()
    report = plan_nodes(collector, inventory, nodes, wanted, (*gaps, *read.gaps), more)
    return replace(report, missing=read.missing)


def plan_nodes(
    collector: Collector,
    inventory: Inventory,
    nodes: Sequence[Node],
    wanted: Callable[[Node, Owner], tuple[Wanted, ...]],
    gaps: Iterable[Gap],
    beside: Sequence[Command] = (),
) -> PlanReport:
    """The first round on each node, as far as one can be read."""
    commands: list[PlannedCommand] = []
    found = list(gaps)
    for node in nodes:
        agents = pods_on(node, inventory.agents)
        owner = owner_of(node, agents)
        vantage = choose(node, agents)
        if owner.reader is None or isinstance(vantage, Gap):
            found.append(
                vantage if isinstance(vantage, Gap) and owner.reader else unread_of(node, owner)
            )
            continue
        for command in (*first_round(wanted(node, owner)), *beside):
            commands.append(
                PlannedCommand(
                    node=node.name,
                    pod=f"{vantage.namespace}/{vantage.pod}",
                    argv=command_line(command),
                    shows=command.spec.shows,
                )
            )
    return PlanReport(
        collected=collector.collected(nodes=len(nodes)),
        commands=tuple(dict.fromkeys(commands)),
        may_follow=_MAY_FOLLOW,
        gaps=tuple(found),
    )
