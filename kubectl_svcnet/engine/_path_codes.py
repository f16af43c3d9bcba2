"""SVN5xx: the path around Services."""

from __future__ import annotations

from ..model.finding import Level
from ._code import Code

PATH_CODES = (
    Code(
        number="SVN501",
        level=Level.WARNING,
        title="Pods held for strangers",
        cause="kube-proxy tells by its clusterCIDR who is inside the cluster, and it does not "
        "cover the addresses of pods: their connections to Services are masqueraded, so that "
        "endpoints and NetworkPolicies see a node instead, and are treated as external traffic.",
        action="Set clusterCIDR to what the network plugin hands out and restart kube-proxy, or "
        "use another detectLocalMode.",
        command="kubectl svcnet ranges --explain",
    ),
    Code(
        number="SVN521",
        level=Level.ERROR,
        title="Masquerade missing",
        cause="Packets to a Service from outside, or from an endpoint to itself, keep their "
        "source, so that answers do not pass this node and the client drops them. The rule that "
        "masquerades (KUBE-POSTROUTING, in nftables mode `masquerading`) or the one that marks "
        "is gone, or a rule before it ends the chain.",
        action="Look at the POSTROUTING chains of the node; restart kube-proxy.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
    Code(
        number="SVN522",
        level=Level.WARNING,
        title="Client's address lost",
        cause="Packets whose source should be kept are masqueraded: endpoints, their logs and "
        "NetworkPolicies see a node instead of the client. kube-proxy's clusterCIDR does not "
        "cover the pods, masqueradeAll is set on some nodes, or another program masquerades.",
        action="Find who wrote the rule that is named; for kube-proxy's own compare its "
        "clusterCIDR with the addresses of pods.",
        command="kubectl svcnet trace SERVICE --node NODE --explain",
    ),
)
