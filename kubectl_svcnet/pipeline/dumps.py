"""All rules of a node and what else decides a packet's way, in one exec and one for native tables.

Both families and both backends, whatever is asked: for `snapshot`, and for what only all of it
can tell.
"""

from __future__ import annotations

from ..model.address import Family
from ..model.capture import Capture, ExecRequest, Reason
from ..model.commands import Command, Needs
from ..model.fate import IPTABLES
from ..node.ipvs import IP_VS, IPVSADM
from ..node.netfilter import IPSET_SAVE, LISTING, dumps
from ..node.nft import listed_tables
from ..node.proc import state_commands
from ..node.rounds import plain_round
from ..node.vantage import Vantage
from .collect import Collector

FAMILIES = frozenset(Family)
NFT_VERSION = Command("nft-version")


def read_dumps(
    collector: Collector, vantage: Vantage, beside: tuple[Command, ...] = ()
) -> tuple[Capture, ...]:
    """`beside`: what else is read in the same exec, where there is a shell."""
    captures = collector.fetch(dump_request(vantage, beside))
    shell = True
    own = [capture for capture in captures if capture.command not in beside]
    if all(c.failed(Reason.NO_TOOL) for c in own):
        shell = False
        captures = collector.fetch(vantage.asked(plain_round(FAMILIES), shell=False))
    tables = listed_tables(captures)
    if tables:
        captures += collector.fetch(vantage.asked((NFT_VERSION, *tables), shell=shell))
    if any(b" --match-set " in capture.data for capture in captures):
        in_use = frozenset({Needs.IP_SET})
        captures += collector.fetch(vantage.asked((IPSET_SAVE,), shell=shell, in_use=in_use))
    return captures


def dump_request(vantage: Vantage, beside: tuple[Command, ...] = ()) -> ExecRequest:
    """What is run first; native tables are listed by name after it."""
    state = (*state_commands(FAMILIES), IP_VS, IPVSADM, *beside)
    return vantage.asked((*state, LISTING, *dumps(FAMILIES, IPTABLES)))
