"""A packet on its way, and the branches of a walk.

A walk is a set of branches. A branch splits where chance, state, an order that no listing shows,
or a question without an answer decides. Each split has a number; two branches that came to the
same point in the same state by the two sides of a split are joined again, and the split is
forgotten: it did not matter. What is left at the end did.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from enum import Enum
from math import isclose
from typing import Any, NamedTuple

from ...model.address import Family, IPAddress, Protocol, SocketAddress
from ...model.fate import FateKind, RuleRef, Step


class Tracking(Enum):
    """What conntrack knows of the packet. NONE: it has not seen it yet (raw), and with a TEMPLATE
    of it, from a rule that chose its zone, it is new."""

    NONE = 0
    NEW = 1
    UNTRACKED = 2
    RELATED = 3  # the answer to a packet that was refused
    TEMPLATE = 5
    INVALID = 4  # the same, where the packet was not tracked


class Answering(Enum):
    """What kind of answer to a refused packet this packet is."""

    NOTHING = ""
    ICMP = "icmp"
    RESET = "tcp-reset"


class Way(NamedTuple):
    """`device` None: not known. `kind` is the route's; "none": there is no route."""

    device: str | None
    kind: str = "unicast"
    gateway: IPAddress | None = None
    source: IPAddress | None = None


UNKNOWN_WAY = Way(None)


class Flow(NamedTuple):
    """The state that rules can see or change. Interfaces: "" is none, None is not known. `way` is
    the routing decision, of which OUTPUT's rules see the first device alone.

    A walk makes one for each change: a tuple is made in a third of a dataclass's time."""

    family: Family
    protocol: Protocol
    source: IPAddress | None
    source_port: int | None
    destination: IPAddress
    destination_port: int
    in_device: str | None
    out_device: str | None
    physical_in: str | None
    own: bool  # sent by a process of this node
    mark: int
    way: Way = UNKNOWN_WAY
    bridged: bool | None = False  # goes on by another port of the bridge that it came by
    connection_mark: int = 0
    tracking: Tracking = Tracking.NONE
    destination_settled: bool = False  # a translation (or none, for good) was chosen
    source_settled: bool = False
    destination_changed: bool = False
    source_changed: bool | None = False  # None: nobody knows
    answering: Answering = Answering.NOTHING
    scheduled: SocketAddress | None = None  # where it was for when IPVS took it
    zone: tuple[int, str] = (0, "")  # of conntrack; the one direction that it is for
    noted: tuple[tuple[Hashable, bool | None], ...] = ()  # see `noted`

    @property
    def ports(self) -> tuple[int | None, int | None]:
        """Source and destination, of a packet that has ports; a reset goes the other way."""
        found = self.source_port, self.destination_port
        return found[::-1] if self.answering is Answering.RESET else found

    def __hash__(self) -> int:
        """Of what most often differs: addresses and enumerations hash slowly, in Python."""
        return hash((self.destination, self.destination_port, self.mark, self.out_device))


_PLACES = {name: place for place, name in enumerate(Flow._fields)}


class Cause(Enum):
    """Why a branch split."""

    STATE = "state"  # time, state or a hash decides: both happen
    ORDER = "order"  # two hooks of one priority: dumps do not show which is first
    UNKNOWN = "unknown"  # not understood, or not known: either may be true
    UNREAD = "unread"  # a set that was not read would tell


class Choice(NamedTuple):
    """One side taken at one split, of `sides`; of 1: the other is the usual one, and no choice."""

    split: int
    side: int
    sides: int
    cause: Cause
    because: str


class Ending(NamedTuple):
    """A verdict that ends the walk."""

    kind: FateKind
    because: str = ""
    answer: Answering = Answering.NOTHING  # of a REJECT: how the sender is told


class Branch:
    """One way that the packet may go. `weight` is its share where chance decides. `unread`: it
    wanted a chain that is not here and goes on only to find what else is wanted.
    `translated_by`: the rule that chose its destination."""

    __slots__ = (
        "choices",
        "ending",
        "flow",
        "rules",
        "steps",
        "translated_by",
        "unread",
        "weight",
    )

    def __init__(
        self,
        flow: Flow,
        weight: float = 1.0,
        choices: tuple[Choice, ...] = (),
        rules: tuple[RuleRef, ...] = (),
        steps: tuple[Step, ...] = (),
        *,
        unread: bool = False,
        ending: Ending | None = None,
        translated_by: RuleRef | None = None,
    ) -> None:
        self.flow, self.weight, self.choices = flow, weight, choices
        self.rules, self.steps = rules, steps
        self.unread, self.ending = unread, ending
        self.translated_by = translated_by

    def copy(self) -> Branch:
        return Branch(
            self.flow,
            self.weight,
            self.choices,
            self.rules,
            self.steps,
            unread=self.unread,
            ending=self.ending,
            translated_by=self.translated_by,
        )

    def change(self, **changes: Any) -> None:
        values: list[Any] = list(self.flow)
        for name, value in changes.items():
            values[_PLACES[name]] = value
        self.flow = Flow(*values)

    def choose(self, choice: Choice) -> Branch:
        chosen = self.copy()
        chosen.choices = (*self.choices, choice)
        return chosen


def joined(
    branches: Iterable[Branch], key: Callable[[Branch], Hashable], *, rare: bool = True
) -> list[Branch]:
    """Branches with the same key become one: shares of chance add up, and splits whose sides are
    all there with the same share are forgotten. The first one's rules and steps are kept. Without
    `rare` ones, those that are like the usual one are forgotten, too, and why they came."""
    groups: dict[Hashable, dict[tuple[Choice, ...], Branch]] = {}
    for branch in branches:
        group = groups.setdefault((key(branch), branch.unread), {})
        same = group.get(branch.choices)
        if same is None:
            group[branch.choices] = branch
        else:
            same.weight += branch.weight
    for group in groups.values():
        if len(group) > 1:
            _forget_idle_splits(group, rare)
    return [branch for group in groups.values() for branch in group.values()]


def _forget_idle_splits(group: dict[tuple[Choice, ...], Branch], rare: bool) -> None:
    """From the last split back: what is joined has one split less to look at."""
    work: dict[int, list[tuple[Choice, ...]]] = {}
    for choices in group:
        work.setdefault(len(choices), []).append(choices)
    for length in range(max(work), 0, -1):
        for choices in work.get(length, ()):
            kept = _joined_at_last(group, choices, rare)
            if kept is not None:
                work.setdefault(length - 1, []).append(kept.choices)


def _joined_at_last(
    group: dict[tuple[Choice, ...], Branch], choices: tuple[Choice, ...], rare: bool
) -> Branch | None:
    """One branch for all sides of the last split; None where they are not all there, alike."""
    if choices not in group:
        return None
    *before, last = choices
    if last.sides == 1:
        usual = group.get(tuple(before))
        if not rare and usual is not None and isclose(usual.weight, group[choices].weight):
            del group[choices]
        return None
    sides = [
        (*before, Choice(last.split, side, last.sides, last.cause, last.because))
        for side in range(last.sides)
    ]
    if not all(side in group for side in sides):
        return None
    weights = [group[side].weight for side in sides]
    if max(weights) - min(weights) > 1e-9:
        return None
    kept = group[sides[0]]
    for side in sides:
        del group[side]
    kept.choices = tuple(before)
    same = group.get(kept.choices)
    if same is None:
        group[kept.choices] = kept
    else:
        same.weight += kept.weight
    return kept
