"""Rules on a node that are not those of the proxy at work there, and what they do.

A light reading tells whether there are any: base chains that lead into them, and tables read
whole. Only then is the node dumped, all Services' packets followed with and without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..dataplanes.kube_proxy_ipvs import DEVICE
from ..dataplanes.remains import MODES, abandoned, kube_proxy_chains
from ..engine.ask import Questions
from ..engine.judge.leftovers import Probe, Remains, judge_leftover
from ..model.counted import counted
from ..model.fate import Backend, ChainId
from ..model.finding import Gap
from ..model.nodeview import NodeView
from ..model.proxystate import Leftover
from ..model.service import Frontend, Pod
from ..node.netfilter import Wanted
from ..node.rounds import Answers, merge
from .collect import Collector
from .dumps import FAMILIES, read_dumps
from .nodes import NodeReading

_TABLES = ("ip kube-proxy", "ip6 kube-proxy")
_BACKENDS = {Backend.NFT: "iptables, nft", Backend.LEGACY: "iptables, legacy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """What is no leftover: the running mode, and of iptables the backend in use."""

    mode: str
    backend: str
    agents: tuple[Pod, ...] | None  # None: not known which run there
    kubelet: str = ""


def remains_of(view: NodeView, at_work: AtWork) -> tuple[Remains, ...]:
    """None where the running mode is not known: nobody can tell what is left over then."""
    if at_work.mode not in MODES:
        return ()
    chains: dict[str, set[ChainId]] = {}
    for (_, backend), ruleset in view.rulesets.items():
        mine = kube_proxy_chains(ruleset)
        if backend.value == at_work.backend:
            mine -= kube_proxy_chains(ruleset, [at_work.mode])
        if mine:
            chains.setdefault(f"of kube-proxy ({_BACKENDS[backend]})", set()).update(mine)
        for name, theirs in abandoned(ruleset, at_work.agents or (), at_work.kubelet).items():
            if at_work.agents is not None:
                chains.setdefault(f"of {name} ({_BACKENDS[backend]})", set()).update(theirs)
    found = [
        Remains(what=f"{counted(len(found), 'chain')} {name}", chains=frozenset(found))
        for name, found in sorted(chains.items())
    ]
    tables = [str(table) for table in view.nft_tables if str(table) in _TABLES]
    if tables and at_work.mode != "nftables":
        found.append(Remains(what=f"nft table {', '.join(tables)}", tables=frozenset(tables)))
    bound = len(view.ipvs.servers) if view.ipvs else 0
    if bound and at_work.mode != "ipvs":
        found.append(Remains(what=f"{counted(bound, 'virtual server')} of ipvs", device=DEVICE))
    return tuple(found)


def read_whole(
    collector: Collector, reading: NodeReading
) -> tuple[NodeView | None, tuple[Gap, ...]]:
    """All rules of the node, both families and backends, as `snapshot` saves them."""
    from .view import view_of

    vantage = reading.vantage
    if vantage is None:
        return None, ()
    captures = read_dumps(collector, vantage)
    wanted = tuple(
        Wanted(family=family, chains=frozenset(), destinations=frozenset())
        for family in sorted(FAMILIES)
    )
    return view_of(reading, merge(Answers(), captures), wanted)


def judge_all(
    view: NodeView, remains: Sequence[Remains], questions: Mapping[Frontend, Questions]
) -> tuple[Leftover, ...]:
    probes = tuple(_probes(questions))
    return tuple(judge_leftover(view, one, probes) for one in remains)


def _probes(questions: Mapping[Frontend, Questions]) -> Iterable[Probe]:
    for frontend, asked in questions.items():
        for one in asked.asked:
            yield Probe(f"{one.client.value} to {frontend.service} {frontend}", one.packet)
