"""One walk: what every part of it shares, and looking up chains without ever guessing.

A chain that no listing holds is wanted, not empty. Limits are here too: a walk that takes too
many steps or nests too deep ends as unknown, never as a hang.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.fate import ChainId, RuleRef, Step
from ...model.nodeview import NodeView
from ...model.packet import Packet
from ...model.ruleset import Chain, Ruleset, Table
from .flow import Branch, Cause, Choice
from .matching import Depends, NotKnown, Odds, Place
from .routing import Routing

MOST_STEPS = 200_000  # rules tried; a walk of 5,000 Services takes about a hundred
DEEPEST = 2_000  # jumps; the kernel allows 16 (nft) or as many as fit its stack (legacy)


@dataclass(slots=True)
class Walk:
    view: NodeView
    packet: Packet
    routing: Routing
    explain: bool = False
    wanted: set[ChainId] = field(default_factory=set)
    steps: int = 0
    _splits: int = 0

    def place(self, hook: str) -> Place:
        return Place(hook, self.routing, self.view.sysctls)

    def new_split(self) -> int:
        self._splits += 1
        return self._splits

    def want(self, ruleset_id: ChainId, branch: Branch) -> None:
        self.wanted.add(ruleset_id)
        branch.unread = True

    def tell(self, branch: Branch, hook: str, rule: RuleRef | None, action: str) -> None:
        if self.explain:
            branch.steps = (*branch.steps, Step(hook, rule, action))

    def base_chain(self, ruleset: Ruleset | None, chain_id: ChainId) -> Chain | None | bool:
        """The chain; None if it does not exist; False if that is not known."""
        if ruleset is None:
            return False
        table = ruleset.tables.get(chain_id.table)
        if table is None:
            return None if ruleset.complete else False
        return self._in_table(table, chain_id)

    def _in_table(self, table: Table, chain_id: ChainId) -> Chain | None | bool:
        if table.incompatible:
            return False
        chain = table.chains.get(chain_id.chain)
        if chain is None:
            return None if table.complete else False
        return chain

    def divide(
        self, branch: Branch, doubt: Odds | Depends | NotKnown, where: str
    ) -> tuple[Branch, Branch]:
        """The branch where the answer is yes, and the one where it is no."""
        yes, no = branch.copy(), branch.copy()
        if isinstance(doubt, Odds):
            yes.weight = branch.weight * doubt.yes
            no.weight = branch.weight * (1 - doubt.yes)
            return yes, no
        unknown = isinstance(doubt, NotKnown)
        cause = Cause.UNKNOWN if unknown else Cause.STATE
        usual = None if isinstance(doubt, NotKnown) else doubt.usual
        split = self.new_split()
        for side, half in enumerate((yes, no)):
            if usual is None or usual is not (half is yes):
                choice = Choice(split, side, 2, cause, f"{where}: {doubt.why}")
                half.choices = (*half.choices, choice)
        return yes, no
