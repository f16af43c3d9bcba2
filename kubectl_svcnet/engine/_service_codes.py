"""SVN2xx: what nodes do with Services' packets against what the API asks."""

from __future__ import annotations

from ..model.finding import Level
from ._code import Code

SERVICE_CODES = (
    Code(
        number="SVN201",
        level=Level.ERROR,
        title="Service not programmed",
        cause="kube-proxy owns the node, but no rule dispatches this address and port: its rules "
        "were flushed, or its last sync failed.",
        action="Restart kube-proxy on the node: at start it writes all rules anew.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN202",
        level=Level.ERROR,
        title="Endpoint missing",
        cause="A ready endpoint gets no traffic from this node: kube-proxy does not follow the "
        "API, or a rule was removed.",
        action="See whether kube-proxy on the node still runs and syncs; restart it.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN203",
        level=Level.ERROR,
        title="Stale endpoint",
        cause="The node still sends traffic to an address and port that the API does not list "
        "for it: kube-proxy does not follow the API, or a rule was altered.",
        action="See whether kube-proxy on the node still runs and syncs; restart it.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN204",
        level=Level.ERROR,
        title="Uneven shares",
        cause="The chances of the endpoints differ although kube-proxy makes them equal: rules "
        "were altered or inserted.",
        action="Restart kube-proxy on the node, and find what edits its chains.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN205",
        level=Level.ERROR,
        title="Blocked",
        cause="A rule drops or refuses packets that the API wants delivered. kube-proxy 1.29 and "
        "1.30 in nftables mode refuses so what the node itself sends to external addresses under "
        "externalTrafficPolicy Local where it has no endpoint; until 1.23 it knows one traffic "
        "policy alone for both kinds of traffic.",
        action="Find who wrote the rule that is named, and remove it there; if it is such a "
        "kube-proxy, upgrade it.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN206",
        level=Level.ERROR,
        title="Diverted",
        cause="A rule that is not kube-proxy's own translates the packets first.",
        action="Find who wrote the rule that is named, and remove it there.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN207",
        level=Level.INFO,
        title="Refused by a NetworkPolicy",
        cause="A chain of the network policy agent refuses this client.",
        action="Look at the NetworkPolicies that select the endpoints.",
        command="kubectl get networkpolicies -A",
    ),
    Code(
        number="SVN208",
        level=Level.WARNING,
        title="Rule not understood",
        cause="A rule on the packet's way uses something that is not simulated, and could "
        "change what becomes of the packet.",
        action="Read the rule that is named; its chain is listed by the next command.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN221",
        level=Level.ERROR,
        title="Session affinity lost",
        cause="The Service asks that a client stays with its endpoint, and the node's rules "
        "remember no client, or for another time than its timeoutSeconds: they are older than the "
        "setting, or were altered.",
        action="See whether kube-proxy on the node still runs and syncs; restart it.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN222",
        level=Level.ERROR,
        title="Refusal missing",
        cause="The Service has no endpoint that may serve, and the rule that refuses its packets "
        "is not there: they go on untranslated, and clients wait instead of failing at once.",
        action="Restart kube-proxy on the node: at start it writes all rules anew.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN223",
        level=Level.WARNING,
        title="Service that the API does not have",
        cause="The node leads an address to endpoints, and no Service has it: kube-proxy does not "
        "follow the API since the Service was deleted, rules were restored from a saved file, or "
        "the node came from another cluster. Which Service is given the address next is led "
        "astray.",
        action="Restart kube-proxy on the node: at start it writes all rules anew.",
        command="kubectl get services -A -o wide",
    ),
)
