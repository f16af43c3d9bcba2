"""A listing that somebody has (`iptables -L -t nat | grep NAME`), shown with what contradicts
itself in it: published ones are often edited by hand."""

from __future__ import annotations

from collections.abc import Iterable

from ..dataplanes.kube_proxy_iptables import OWN, matches_hash
from ..model.address import Family
from ..model.report import ByHand
from ..model.service import Frontend, FrontendKind
from ..parse.iptables_list import ListedRule, parse_listing


def listed(text: str, command: str) -> ByHand:
    """Its rules as they are, what was not understood after them, and whether names agree."""
    listing = parse_listing(text)
    notes = list(dict.fromkeys(_inconsistent(listing.rules)))
    if listing.unknown:
        notes.append(f"not rules of such a listing: {len(listing.unknown)} of its lines")
    return ByHand(
        title="Rules as they were listed",
        command=command,
        lines=tuple(rule.raw for rule in listing.rules)
        + tuple(line.raw for line in listing.unknown),
        note="; ".join(notes),
    )


def _inconsistent(rules: Iterable[ListedRule]) -> Iterable[str]:
    """Chains of a Service end in a hash of its name, port and protocol: is it the one that the
    comment beside it names?"""
    for rule in rules:
        if rule.service is None or rule.protocol is None:
            continue
        if not rule.target.startswith(OWN.dispatch):
            continue
        frontend = Frontend(
            service=rule.service,
            kind=FrontendKind.CLUSTER_IP,
            address=None,
            port=0,
            protocol=rule.protocol,
            port_name=rule.port_name,
            family=Family.IPV4,
        )
        if not matches_hash(frontend, rule.target):
            port = f":{rule.port_name}" if rule.port_name else ""
            yield (
                f"{rule.target} is inconsistent: it is no hash of {rule.service}{port} and "
                f"{rule.protocol.value.lower()}, which its comment names"
            )
