"""All rules of a node and what else decides a packet's way, in one exec and one for native tables.

Both families and both backends, whatever is asked: for `snapshot`, and for what only all of it
can tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
    if all(c.failure is not None and c.failure.reason is Reason.NO_TOOL for c in own):
        shell = False
        captures = collector.fetch(_request(vantage, plain_round(FAMILIES), shell=False))
    tables = listed_tables(captures)
    if tables:
        captures += collector.fetch(_request(vantage, (NFT_VERSION, *tables), shell=shell))
    if any(b" --match-set " in capture.data for capture in captures):
        asked = _request(vantage, (IPSET_SAVE,), shell=shell)
        captures += collector.fetch(replace(asked, in_use=frozenset({Needs.IP_SET})))
    return captures


def dump_request(vantage: Vantage, beside: tuple[Command, ...] = ()) -> ExecRequest:
    """What is run first; native tables are listed by name after it."""
    state = (*state_commands(FAMILIES), IP_VS, IPVSADM, *beside)
    return _request(vantage, (*state, LISTING, *dumps(FAMILIES, IPTABLES)), shell=True)


def _request(vantage: Vantage, commands: Iterable[Command], *, shell: bool) -> ExecRequest:
    return ExecRequest(
        node=vantage.node,
        namespace=vantage.namespace,
        pod=vantage.pod,
        container=vantage.container,
        commands=tuple(commands),
        shell=shell,
    )
