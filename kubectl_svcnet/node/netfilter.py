"""A node's iptables rules: which commands list them (`rulesets` reads what they answer).

On the nft backend nat is read chain by chain, each costing 2 ms however many there are, and the
other tables by `-S`: a save, even of one small table, makes iptables-nft fetch every rule of all
tables first. Which tables there are is learned from nft; in images without it, and on the legacy
backend, a save is the one command that surely creates none, so its output is filtered there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..model.address import Family, IPAddress
from ..model.capture import Capture
from ..model.commands import Command
from ..model.fate import IPTABLES, Backend, ChainId
from .filters import CHAIN_LISTING, any_of, other_addresses, other_chains

PREFIX = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}

DISPATCH = "KUBE-SERVICES"

#: Tables beside nat; all are read whole.
WHOLE_TABLES = ("raw", "mangle", "filter", "security")
TABLES = ("nat", *WHOLE_TABLES)

#: Chains of nat that every packet may meet. What others jump to is met by walking.
SHARED = ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING", "KUBE-POSTROUTING", "KUBE-MARK-MASQ")

#: More chains than this are cheaper as one filtered dump, and would not fit one exec.
MANY_CHAINS = 40

#: Beyond this many a filter would leave next to nothing behind: its pattern has room for two
#: letters of each hash, of which there are 32 times 32.
MOST_FILTERED = 1024

LISTING = Command("nft-chains", (CHAIN_LISTING,))

#: A walk names a set that was not read as a chain of this table. That a rule names it proves
#: that the kernel has ipset.
IPSETS = "ipset"
IPSET_SAVE = Command("ipset-save")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of one family's rules matters: own nat chains by name, and every address dialled.

    Of nat/KUBE-SERVICES, rules of other single addresses than `destinations` may stay behind.
    `native` are own chains of nftables mode, where sets are asked for `endpoints` too. With
    `everything` no dispatch stays behind, so that of Services nobody knows shows too.
    """

    family: Family
    chains: frozenset[str]
    destinations: frozenset[IPAddress]
    native: frozenset[str] = frozenset()
    endpoints: frozenset[IPAddress] = frozenset()
    everything: bool = False


def first_rules(wanted: Wanted) -> tuple[Command, ...]:
    """The first round's commands for one family, both backends."""
    prefix = PREFIX[wanted.family]
    if len(wanted.chains) > MOST_FILTERED:
        return (*dumps([wanted.family], IPTABLES), Command(f"{prefix}-save-all"))
    chains = other_chains(wanted.chains)
    addresses = "" if wanted.everything else other_addresses(wanted.destinations)
    return (
        *_nat(wanted, prefix, chains, addresses),
        *(Command(f"{prefix}-nft-table", (table,)) for table in WHOLE_TABLES),
        *_saved(f"{prefix}-nft", chains, addresses),
        *_saved(f"{prefix}-legacy", chains, addresses),
        Command(f"{prefix}-save-all"),
    )


def _saved(tool: str, chains: str, addresses: str) -> tuple[Command, ...]:
    return (
        Command(f"{tool}-save-all-filtered", (any_of(chains), any_of(addresses))),
        Command(f"{tool}-first-rule", ("nat", DISPATCH)),
    )


def _nat(wanted: Wanted, prefix: str, chains: str, addresses: str) -> tuple[Command, ...]:
    """nat of the nft backend: chain by chain, dispatch and own chains again at the end, because
    chains read one by one are no snapshot. Many chains: one filtered dump, which is one."""
    if len(wanted.chains) > MANY_CHAINS:
        return (Command(f"{prefix}-nft-save-filtered", ("nat", any_of(chains, addresses))),)
    dispatch = _alone(prefix, DISPATCH)
    if addresses:
        dispatch = Command(f"{prefix}-nft-chain-filtered", ("nat", DISPATCH, addresses))
    own = tuple(_alone(prefix, name) for name in sorted(wanted.chains))
    shared = tuple(_alone(prefix, name) for name in SHARED)
    return (*shared, dispatch, *own, dispatch, *own)


def _alone(prefix: str, chain: str) -> Command:
    return Command(f"{prefix}-nft-chain", ("nat", chain))


def further_rules(
    unread: Iterable[ChainId], asked: Mapping[Command, Capture]
) -> tuple[Command, ...]:
    """Commands for chains that a walk met and did not find: of nat by name, of another table,
    which was to be here whole, a save. The dump for what would not be listed so, and where there
    is a filtered dump already."""
    commands: dict[Command, None] = {}
    for chain in sorted(unread):
        prefix = PREFIX[chain.family]
        if chain.backend is Backend.LEGACY or _is_saved(asked, f"{prefix}-nft"):
            commands[Command(f"{prefix}-{chain.backend.value}-save-all")] = None
            continue
        command = Command(f"{prefix}-nft-save", (chain.table,))
        if chain.table == "nat":
            command = _alone(prefix, chain.chain)
        if command in asked or (chain.table, chain.chain) == ("nat", DISPATCH):
            command = Command(f"{prefix}-nft-save-all")
        commands[command] = None
    if len(commands) > MANY_CHAINS:
        return dumps({chain.family for chain in unread}, {chain.backend for chain in unread})
    return tuple(commands)


def _is_saved(asked: Mapping[Command, Capture], tool: str) -> bool:
    return any(c.name == f"{tool}-save-all-filtered" and asked[c].ok for c in asked)


def dumps(families: Iterable[Family], backends: Iterable[Backend]) -> tuple[Command, ...]:
    return tuple(
        Command(f"{PREFIX[family]}-{backend.value}-save-all")
        for family in sorted(families)
        for backend in sorted(backends)
    )
