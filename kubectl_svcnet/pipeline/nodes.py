"""Reading one node until every question about it is answered: fetch, parse, walk, and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..cluster.batch import MAX_ARGUMENTS, size_of
from ..dataplanes import Owner, owner_of, settle_owner, shown_by
from ..dataplanes.kube_proxy import proxy_log_head, proxy_pod
from ..model.address import Family, family_of
from ..model.capture import (
    Capture,
    ExecRequest,
    Failure,
    Reason,
    Recorded,
    Source,
)
from ..model.commands import Command, Needs
from ..model.finding import Gap
from ..model.nodeview import NodeView, OwnChains
from ..model.proxystate import Setting
from ..model.service import Frontend, Node, Pod, pods_on
from ..node.netfilter import LISTING, Wanted
from ..node.proc import STATUS, process_state
from ..node.rounds import (
    Answers,
    first_round,
    merge,
    next_round,
    nft_unproven,
    nft_withheld,
    plain_round,
    proven,
    rules_round,
)
from ..node.vantage import Vantage, choose
from ..parse.proxy_log import proxier_mode, served_families
from .collect import Collector, gap_of

if TYPE_CHECKING:  # `view`, and all that it imports, is not needed before a node has answered
    from ..engine.ask import Questions
    from ..model.fate import Fate
    from ..model.report import Walk
    from .view import Walked

#: Given what is known of a node, the packets of each frontend.
Ask = Callable[[NodeView], "Mapping[Frontend, Questions]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReading:
    """One node, read. `view` is None where it was not; `state` is the letter of kube-proxy's
    process (R, S, T …), "" if unknown; `nowhere` why it serves no node port of a family. `bare` are
    the node's families of which the kernel shows nothing of kube-proxy's, while it shows the other;
    `serves`, read where there is such a one, those that its log names, () if it names none, and
    `witness` what says so."""

    node: Node
    owner: Owner
    vantage: Vantage | None = None
    proxy: Pod | None = None
    view: NodeView | None = None
    walks: Mapping[Frontend, tuple[Walk, ...]] = field(default_factory=dict)
    state: str = ""
    captures: Mapping[Command, Capture] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    nowhere: Mapping[Family, str] = field(default_factory=dict)
    setting: Setting | None = None  # with which its kube-proxy runs, where that is known
    bare: frozenset[Family] = frozenset()
    serves: tuple[Family, ...] = ()
    witness: str = ""

    @property
    def unserved(self) -> Mapping[Family, str]:
        """By its own word it does not serve them; without one its rules may have been lost."""
        lost = self.bare.difference(self.serves) if self.serves else ()
        return dict.fromkeys(lost, self.witness)

    @property
    def own(self) -> OwnChains:
        return self.owner.reader.own if self.owner.reader else OwnChains()

    @property
    def failure(self) -> Failure | None:
        """Why some command was not answered, other than that the node has no such thing."""
        failures = (capture.failure for capture in self.captures.values())
        return next((f for f in failures if f is not None and f.reason not in _MINOR), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReader:
    """How every node of this run is read. `wanted` names, per family, what matters there."""

    collector: Collector
    agents: tuple[Pod, ...]
    wanted: Callable[[Node, Owner], tuple[Wanted, ...]]
    explain: bool = False
    beside: tuple[Command, ...] = ()  # to be read in the first round, for whoever asks the captures

    def read(self, node: Node, ask: Ask) -> NodeReading:
        """For the packets of frontends, whose walks the reading holds."""

        def walks(view: NodeView) -> Walked:
            from .view import walk

            return walk(view, ask(view), explain=self.explain)

        return self._read(node, walks)

    def follow(self, node: Node, walk: Callable[[NodeView], Iterable[Fate]]) -> NodeReading:
        """For any other packets: read until `walk`, asked anew each round, misses nothing."""

        def walks(view: NodeView) -> Walked:
            from .view import Walked

            return Walked(fates=tuple(walk(view)))

        return self._read(node, walks)

    def _read(self, node: Node, walk: Callable[[NodeView], Walked]) -> NodeReading:
        agents = pods_on(node, self.agents)
        owner = owner_of(node, agents)
        reading = NodeReading(node=node, owner=owner, proxy=proxy_pod(agents))
        if owner.reader is None:
            return replace(reading, gaps=(unread_of(node, owner),))
        vantage = choose(node, agents)
        if isinstance(vantage, Gap):
            return replace(reading, gaps=(vantage,))
        return self._walk(replace(reading, vantage=vantage), vantage, agents, walk)

    def _walk(
        self,
        reading: NodeReading,
        vantage: Vantage,
        agents: tuple[Pod, ...],
        walk: Callable[[NodeView], Walked],
    ) -> NodeReading:
        wanted = self.wanted(reading.node, reading.owner)
        families = frozenset(w.family for w in wanted)
        answers, in_use, failed = self._first(vantage, wanted)
        if failed is not None:
            return replace(reading, gaps=(failed,))
        from .view import view_of

        while True:
            view, gaps = view_of(reading, answers, wanted)
            walked = walk(view)
            unread = frozenset(name for fate in walked.fates for name in fate.unread)
            commands = next_round(answers, unread, wanted) if unread or answers.changed else ()
            if not commands:
                break
            answers = merge(answers, self._exec(vantage, commands, in_use=in_use | proven(unread)))
        owner = settle_owner(
            reading.owner, agents, view, self._mode(reading, view) if families else ""
        )
        if owner.reader is None:
            gaps = (*gaps, unread_of(reading.node, owner))
        else:
            gaps = (*gaps, *walked.gaps)
        reading = replace(
            reading,
            owner=owner,
            view=view,
            walks=walked.walks,
            state=process_state(answers.captures) if vantage.proxy else "",
            captures=answers.captures,
            gaps=gaps,
        )
        reading = replace(reading, bare=_bare(reading))
        return self._heard(reading, reading.proxy) if reading.bare and reading.proxy else reading

    def _first(
        self, vantage: Vantage, wanted: tuple[Wanted, ...]
    ) -> tuple[Answers, frozenset[Needs], Gap | None]:
        """The first round, without a shell where the image has none; and what of the kernel is
        known to be in use, so that the next rounds may read it too."""
        in_use = frozenset[Needs]()
        captures = self._exec(vantage, (*first_round(wanted), *self.beside))
        if nft_withheld(captures):
            in_use = frozenset({Needs.NF_TABLES})
            captures += self._exec(vantage, rules_round(wanted), in_use=in_use)
        if captures and all(c.failed(Reason.NO_TOOL) for c in captures):
            plain = plain_round(frozenset(w.family for w in wanted))
            captures = self._exec(vantage, plain, shell=False)
            if vantage.proxy and (held := nft_unproven(captures)):
                in_use = frozenset({Needs.NF_TABLES})
                captures += self._exec(vantage, held, shell=False, in_use=in_use)
        failure = whole_failure(captures)
        if failure is not None:
            gap = gap_of(
                captures[0].request, failure, what="rules", node=vantage.node, blocking=True
            )
            return Answers(), in_use, gap
        return merge(Answers(), captures), in_use, None

    def _exec(
        self,
        vantage: Vantage,
        commands: Sequence[Command],
        *,
        shell: bool = True,
        in_use: frozenset[Needs] = frozenset(),
    ) -> tuple[Capture, ...]:
        """One exec, or several where the arguments would not fit one."""
        captures: list[Capture] = []
        for part in _parts(commands) if shell else [tuple(commands)]:
            captures += self.collector.fetch(vantage.asked(part, shell=shell, in_use=in_use))
        later = shell and LISTING not in commands  # the first round has its own way without sh
        if later and captures and all(c.failed(Reason.NO_TOOL) for c in captures):
            return self._exec(vantage, commands, shell=False, in_use=in_use)
        return tuple(captures)

    def _mode(self, reading: NodeReading, view: NodeView) -> str:
        """kube-proxy's mode by the head of its log; asked only where the kernel shows none, or
        several."""
        pod, reader = reading.proxy, reading.owner.reader
        unread = any(table.name == "kube-proxy" for table in view.foreign_tables)
        if pod is None or reader is None or (len(shown_by(view)) == 1 and not unread):
            return ""
        return proxier_mode(self._log(pod)) or ""

    def _heard(self, reading: NodeReading, pod: Pod) -> NodeReading:
        """With the families that its log says it serves."""
        serves = served_families(self._log(pod))
        named = ", ".join(serves)
        witness = f"the log of {pod.namespace}/{pod.name} says single-stack mode, {named}"
        return replace(reading, serves=serves, witness=witness)

    def _log(self, pod: Pod) -> list[str]:
        return self.collector.fetch_one(proxy_log_head(pod)).text().splitlines()


def _bare(reading: NodeReading) -> frozenset[Family]:
    """A family without any Service that has endpoints needs no rules; and with node ports at no
    address of the node its jump to them is missing, by which iptables mode is known."""
    reader, view = reading.owner.reader, reading.view
    if reader is None or view is None or not reader.programmed(view):
        return frozenset()
    here = {family_of(address) for address in reading.node.addresses}
    asked, reached = set[Family](), set[Family]()
    for frontend, walks in reading.walks.items():
        if any(walk.asked.expectation.endpoints for walk in walks):
            asked.add(frontend.family)
        if any(fate.endpoint for walk in walks for fate in walk.fates):
            reached.add(frontend.family)
    bare = here.intersection(asked) - reached
    return frozenset(family for family in bare if not reader.programmed(view, family))


def read_once(source: Source, readings: Iterable[NodeReading]) -> frozenset[str]:
    """Nodes of which a bundle holds one reading only: every reading asks for STATUS, once."""
    if not isinstance(source, Recorded):
        return frozenset()
    captures = {reading.node.name: reading.captures.get(STATUS) for reading in readings}
    return frozenset(
        name
        for name, capture in captures.items()
        if capture is not None
        and isinstance(capture.request, ExecRequest)
        and source.readings(replace(capture.request, commands=(STATUS,))) < 2
    )


def _parts(commands: Sequence[Command]) -> Iterable[tuple[Command, ...]]:
    """Each with the listing that says which tables may be asked for, if the round has one."""
    head = [LISTING] if LISTING in commands else []
    part, size = list(head), size_of(head)
    for command in commands:
        if command == LISTING:
            continue
        more = size_of([command])
        if len(part) > len(head) and size + more > MAX_ARGUMENTS:
            yield tuple(part)
            part, size = list(head), size_of(head)
        part.append(command)
        size += more
    if part:
        yield tuple(part)


#: Why one command of many was not run; all the others say why the node was not read.
_MINOR = (Reason.NO_TOOL, Reason.NOT_PRESENT, Reason.UNPROVEN, Reason.NOT_RECORDED)


def whole_failure(captures: Sequence[Capture]) -> Failure | None:
    """Why the node answered nothing at all; None if it answered anything."""
    failures = [capture.failure for capture in captures if capture.failure is not None]
    if not failures or len(failures) < len(captures):
        return None
    return next((f for f in failures if f.reason not in _MINOR), failures[0])


def unread_of(node: Node, owner: Owner) -> Gap:
    return Gap(
        what="rules", node=node.name, why=owner.why, next=owner.next, blocking=owner.blocking
    )
