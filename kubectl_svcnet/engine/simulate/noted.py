"""What rules wrote down of a packet on its way, for rules that it meets later to ask.

`-m recent --set`, `-j SET --add-set` and nft's `add @s { … }` take effect at once. A place is a
list or a set and one member of it. It is open where what is written depends on an answer that is.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ...model import targets as t
from ...model.ipset import IPSet
from .flow import Branch, Flow
from .questions import Answer, Depends
from .sets import key_of

#: A list or set, and the member; None stands for any member, which leaves all of them open.
Spot: TypeAlias = tuple[Hashable, Hashable]


@dataclass(frozen=True, slots=True)
class Noting:
    """A match that writes, whatever becomes of the rest of its rule, and then answers."""

    spot: Spot
    present: bool | None
    then: Answer


def note(branch: Branch, spot: Spot, present: bool | None) -> None:
    """`present` None: nobody knows which."""
    kept = tuple(one for one in branch.flow.noted if one[0] != spot)
    branch.change(noted=(*kept, (spot, present)))


def change_set(sets: Mapping[str, IPSet], change: t.ChangeSet, branch: Branch) -> None:
    """What is done to a list is done to one of its members, whichever takes it."""
    found = sets.get(change.name)
    if found is None:
        return
    if found.kinds == ("set",):
        for (part,) in found.members:
            note(branch, (("set", getattr(part, "name", "")), None), None)
        return
    key = key_of(found, change.sides, branch.flow)
    note(branch, (("set", change.name), key), change.present)


def recalled(flow: Flow, spot: Spot, otherwise: Answer, why: str) -> Answer:
    """Whether the member is there; `otherwise` where no rule wrote of it."""
    if not flow.noted:
        return otherwise
    found = dict(flow.noted)
    if (spot[0], None) in found:
        return Depends(why)
    present = found.get(spot, otherwise)
    return Depends(why) if present is None else present
