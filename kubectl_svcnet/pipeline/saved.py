"""A node made of saved files: what they say, and what had to be assumed for what they do not.

What was not given is assumed to be as plain as can be, since the user names what there is; each
assumption is a gap that does not block.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..dataplanes.kube_proxy_ipvs import likely
from ..model.address import Family
from ..model.finding import Gap
from ..model.ipvs import VirtualServers
from ..model.nodeview import InterfaceAddress, NodeView, Route
from ..model.saved import SavedFiles, SavedText
from ..parse.ip_json import (
    further_tables,
    parse_addresses,
    parse_masters,
    parse_routes,
    parse_rules,
)
from ..parse.ipset_save import parse_sets
from ..parse.ipvs import parse_ipvs
from ..parse.sysctl import parse_saved_sysctls
from .saved_rules import parsed, read_saved_rules


def read_saved(files: SavedFiles, families: Iterable[Family]) -> tuple[NodeView, tuple[Gap, ...]]:
    """The node, and what was assumed as far as packets of these families are concerned.

    Raises ParseError for a file that cannot be read, UsageError for two dumps of one backend."""
    families = sorted(families)
    files, empty = _without_empty(files)
    rules = read_saved_rules(files.rules, families)
    routes = tuple(dict.fromkeys(r for f in files.routes for r in parsed(f, parse_routes)))
    addresses, in_order = _addresses(files, routes)
    view = NodeView(
        node="",
        rulesets=rules.rulesets,
        nft_tables=rules.nft_tables,
        addresses=addresses,
        addresses_in_order=in_order,
        masters={k: v for f in files.addresses for k, v in parsed(f, parse_masters).items()}
        if files.addresses
        else None,
        routes=routes if files.routes else None,
        routing_rules=tuple(r for f in files.routing_rules for r in parsed(f, parse_rules)),
        further_tables=() if files.routing_rules else further_tables(routes),
        sysctls={k: v for f in files.sysctls for k, v in parsed(f, parse_saved_sysctls).items()},
        sets={k: v for f in files.sets for k, v in parsed(f, parse_sets).items()}
        if files.sets
        else None,
    )
    view = replace(view, ipvs=_ipvs(files, view))
    return view, (*rules.gaps, *empty, *_assumed(files, view))


#: The commands that print something wherever they work: without an entry `[ ]`.
_NEVER_SILENT = {
    "addresses": "ip -j addr",
    "routes": "ip -j route",
    "routing_rules": "ip -j rule",
    "sysctls": "sysctl -a",
}


def _without_empty(files: SavedFiles) -> tuple[SavedFiles, tuple[Gap, ...]]:
    """An empty file of such a command is that of one that failed."""
    kept: dict[str, tuple[SavedText, ...]] = {}
    gaps = []
    for field, command in _NEVER_SILENT.items():
        given: tuple[SavedText, ...] = getattr(files, field)
        kept[field] = tuple(file for file in given if file.text.strip())
        gaps += [
            _note(field.replace("_", " "), f"{file.name} is empty, which `{command}` never is")
            for file in given
            if not file.text.strip()
        ]
    return replace(files, **kept), tuple(gaps)  # type: ignore[arg-type]


def _ipvs(files: SavedFiles, view: NodeView) -> VirtualServers | None:
    """Not given is none, unless rules or addresses show ipvs mode: then it is not read."""
    if not files.ipvs:
        return None if likely(view) else VirtualServers()
    found = [parsed(file, parse_ipvs) for file in files.ipvs]
    return VirtualServers(
        servers=tuple(server for each in found for server in each.servers),
        unclear=tuple(line for each in found for line in each.unclear),
    )


def _addresses(
    files: SavedFiles, routes: Iterable[Route]
) -> tuple[tuple[InterfaceAddress, ...], bool]:
    """Without a listing of addresses, those that the routes of the table local are for."""
    if files.addresses:
        return tuple(a for f in files.addresses for a in parsed(f, parse_addresses)), True
    local = [
        InterfaceAddress(route.destination.network_address, route.interface)
        for route in routes
        if route.kind == "local" and route.destination.num_addresses == 1
    ]
    return tuple(local), False


def _assumed(files: SavedFiles, view: NodeView) -> Iterable[Gap]:
    if not files.addresses and view.addresses:
        yield _note("addresses", "not given: taken from the routes of the table local")
    elif not files.addresses:
        yield _note("addresses", "not given: none but loopback is taken as the node's own")
    if not files.routes:
        yield _note("routes", "not given: which interface a packet takes is not known")
    elif not files.routing_rules:
        yield _note("routing rules", "not given: taken as the three of every kernel")
    if not files.sysctls:
        yield _note("sysctls", "not given: packets are taken to be forwarded")


def _note(what: str, why: str) -> Gap:
    return Gap(what=what, why=why)
