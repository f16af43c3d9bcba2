"""The catalogue of findings: one row each, from which `docs/findings.md` is generated.

SVN1xx ranges · SVN2xx programmed against expected · SVN3xx proxy, mode, sync · SVN4xx API
objects · SVN5xx the path around Services. A number is never reused; a retired row stays listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..model.finding import Finding, Level
from ._code import Code
from ._object_codes import OBJECT_CODES

_ROWS = (
    Code(
        number="SVN101",
        level=Level.WARNING,
        title="Sources disagree",
        cause="Two places state different values for one range: one was changed later, or a "
        "component keeps a range of its own.",
        action="Find out which one the cluster obeys, by the addresses in use, and correct the "
        "others.",
    ),
    Code(
        number="SVN102",
        level=Level.WARNING,
        title="Pod outside every known pod range",
        cause="Pods have addresses that no known source gives to pods: another network plugin "
        "hands them out, or the range was changed and old pods remain.",
        action="Look at the network plugin's own configuration; restart pods that kept an old "
        "address.",
    ),
    Code(
        number="SVN103",
        level=Level.WARNING,
        title="Service outside every known Service range",
        cause="Services keep an address of a range that was changed or removed.",
        action="Create the Service anew, or add the range as a ServiceCIDR.",
    ),
    Code(
        number="SVN104",
        level=Level.ERROR,
        title="Ranges overlap",
        cause="Two kinds of range share addresses, so that some addresses have two meanings and "
        "packets to them go to one of the two.",
        action="Move one of the ranges before addresses of the overlap are in use.",
    ),
    Code(
        number="SVN105",
        level=Level.WARNING,
        title="Node's pod range outside the cluster's",
        cause="A node was given its pod range out of another cluster range than the one stated "
        "now.",
        action="Drain the node, delete its Node object and let it register anew.",
    ),
    Code(
        number="SVN106",
        level=Level.WARNING,
        title="Range nearly full",
        cause="At least nine tenths of the addresses, node ports or nodes' parts of a range are "
        "given out.",
        action="Add a range (a ServiceCIDR, a cluster CIDR of a new node group) or free what is "
        "not needed, before new Services, pods or nodes get nothing.",
    ),
    Code(
        number="SVN107",
        level=Level.ERROR,
        title="Range full",
        cause="Nothing of a range is left to give out: new Services are refused, new pods stay "
        "in ContainerCreating, or (a warning) new nodes get no podCIDR.",
        action="Add a range, delete what is not needed, or move pods to other nodes.",
    ),
    Code(
        number="SVN108",
        level=Level.INFO,
        title="One family in one place, two in another",
        cause="Services, pods or nodes have ranges of both IP families and others of one alone.",
        action="Nothing, if that is meant. Else give the rest a range of the family: a Service "
        "of a family that pods lack has no endpoints.",
    ),
    Code(
        number="SVN109",
        level=Level.WARNING,
        title="Sources of a node's pod range disagree",
        cause="The network plugin of a node hands out, or works with, another range than the one "
        "that the node was given: a file is left from before, or was edited. The other nodes lead "
        "packets to the range that the node was given.",
        action="Restart the network plugin on the node, so that it writes its configuration anew, "
        "and then the pods that have an address of the wrong range.",
    ),
    Code(
        number="SVN110",
        level=Level.WARNING,
        title="Pod outside its node's pod range",
        cause="Pods of a node have addresses that belong to no part of its own: its network plugin "
        "hands out another range, or the node was given a new one and they are left from before. "
        "The other nodes lead packets to them elsewhere.",
        action="Compare the network plugin's configuration on the node with node.spec.podCIDRs; "
        "restart the pods when they agree.",
    ),
    Code(
        number="SVN201",
        level=Level.ERROR,
        title="Service not programmed",
        cause="kube-proxy owns the node, but no rule dispatches this address and port: its rules "
        "were flushed, or its last sync failed.",
        action="Restart kube-proxy on the node: at start it writes all rules anew.",
    ),
    Code(
        number="SVN202",
        level=Level.ERROR,
        title="Endpoint missing",
        cause="A ready endpoint gets no traffic from this node: kube-proxy does not follow the "
        "API, or a rule was removed.",
        action="See whether kube-proxy on the node still runs and syncs; restart it.",
    ),
    Code(
        number="SVN203",
        level=Level.ERROR,
        title="Stale endpoint",
        cause="The node still sends traffic to an address and port that the API does not list "
        "for it: kube-proxy does not follow the API, or a rule was altered.",
        action="See whether kube-proxy on the node still runs and syncs; restart it.",
    ),
    Code(
        number="SVN204",
        level=Level.ERROR,
        title="Uneven shares",
        cause="The chances of the endpoints differ although kube-proxy makes them equal: rules "
        "were altered or inserted.",
        action="Restart kube-proxy on the node, and find what edits its chains.",
    ),
    Code(
        number="SVN205",
        level=Level.ERROR,
        title="Blocked",
        cause="A rule drops or refuses packets that the API wants delivered.",
        action="Find who wrote the rule that is named, and remove it there.",
    ),
    Code(
        number="SVN206",
        level=Level.ERROR,
        title="Diverted",
        cause="A rule that is not kube-proxy's own translates the packets first.",
        action="Find who wrote the rule that is named, and remove it there.",
    ),
    Code(
        number="SVN207",
        level=Level.INFO,
        title="Refused by a NetworkPolicy",
        cause="A chain of the network policy agent refuses this client.",
        action="Look at the NetworkPolicies that select the endpoints.",
    ),
    Code(
        number="SVN208",
        level=Level.WARNING,
        title="Rule not understood",
        cause="A rule on the packet's way uses something that is not simulated, and could "
        "change what becomes of the packet.",
        action="Read the rule that is named; its chain is listed by the next command.",
    ),
    Code(
        number="SVN221",
        level=Level.ERROR,
        title="Session affinity lost",
        cause="The Service asks that a client stays with its endpoint, and the node's rules "
        "remember no client: they are older than the setting, or were altered.",
        action="See whether kube-proxy on the node still runs and syncs; restart it.",
    ),
    Code(
        number="SVN222",
        level=Level.ERROR,
        title="Refusal missing",
        cause="The Service has no endpoint that may serve, and the rule that refuses its packets "
        "is not there: they go on untranslated, and clients wait instead of failing at once.",
        action="Restart kube-proxy on the node: at start it writes all rules anew.",
    ),
    Code(
        number="SVN301",
        level=Level.ERROR,
        title="kube-proxy stopped",
        cause="The process of kube-proxy exists and does not run (stopped by a signal, or "
        "frozen), so the node's rules follow nothing any more.",
        action="Delete its pod; the DaemonSet starts a new one.",
    ),
    Code(
        number="SVN302",
        level=Level.WARNING,
        title="Runs otherwise than configured",
        cause="kube-proxy runs in another mode than its configuration says: it fell back because "
        "the kernel lacks what the mode needs, or the configuration is not the one it reads.",
        action="Read the head of its log, where it says what it chose and why.",
    ),
    Code(
        number="SVN303",
        level=Level.WARNING,
        title="Edited, not restarted",
        cause="The configuration was edited after kube-proxy started. It reads its file at start "
        "only, so the edit takes effect at some later restart, one node at a time.",
        action="Restart the DaemonSet now, while somebody is watching, or undo the edit.",
    ),
    Code(
        number="SVN304",
        level=Level.ERROR,
        title="Running mode not programmed",
        cause="kube-proxy says that it runs in a mode whose rules the kernel does not show: they "
        "were flushed, its syncs fail, or they are in a backend that was not read.",
        action="Look for failed syncs in its log; restart it, and it writes all rules anew.",
    ),
    Code(
        number="SVN305",
        level=Level.INFO,
        title="Several modes in one cluster",
        cause="Nodes run kube-proxy in different modes, as during a migration.",
        action="Nothing, if that is meant. Modes differ in where node ports are served and in "
        "what becomes of packets to unused ports.",
    ),
    Code(
        number="SVN306",
        level=Level.INFO,
        title="Several versions in one cluster",
        cause="Nodes run different minor versions of kube-proxy, as during an upgrade.",
        action="Finish the upgrade; kube-proxy may be up to three minor versions older than the "
        "API server.",
    ),
    Code(
        number="SVN307",
        level=Level.ERROR,
        title="Sync late",
        cause="A change of the API has waited for over a minute and is not in the kernel: "
        "kube-proxy hangs, cannot reach the API server, or its syncs take too long.",
        action="Read the end of its log; restart it.",
    ),
    Code(
        number="SVN308",
        level=Level.ERROR,
        title="Syncs fail",
        cause="kube-proxy's transactions are refused by the kernel, or it says itself that it is "
        "not healthy, so the node's rules are those of the last sync that went through.",
        action="The log names the rule that was refused; another program's lock or edit in the "
        "same tables is a frequent reason.",
    ),
    Code(
        number="SVN309",
        level=Level.WARNING,
        title="Both iptables backends populated",
        cause="kube-proxy's rules are in the nft and in the legacy backend of iptables: the "
        "backend was switched and the old rules stayed. Packets meet both.",
        action="Remove the rules of the backend that is no longer used, or reboot the node.",
    ),
    Code(
        number="SVN310",
        level=Level.WARNING,
        title="Deprecated mode",
        cause="The mode that runs is deprecated (ipvs since 1.35) or gone (userspace since 1.26).",
        action="Plan the move to nftables, on kernels before 5.13 to iptables.",
    ),
    Code(
        number="SVN311",
        level=Level.WARNING,
        title="Kernel or nft too old for nftables mode",
        cause="nftables mode is made for kernel 5.13 and nft 1.0.1 and later; with older ones "
        "kube-proxy does not start, or rules are refused.",
        action="Use iptables mode on this node until it is upgraded.",
    ),
    Code(
        number="SVN312",
        level=Level.WARNING,
        title="Two proxies at work",
        cause="Another program handles Services on the node beside kube-proxy, so which of the "
        "two translates a packet depends on the order of their rules.",
        action="Switch one of them off: delete kube-proxy's DaemonSet, or the other's proxying.",
    ),
    Code(
        number="SVN313",
        level=Level.ERROR,
        title="Leftovers change the path of packets",
        cause="Rules of a mode, backend or program that is no longer at work still decide where "
        "packets for Services go.",
        action="Remove the rules that are named, or reboot the node.",
    ),
    Code(
        number="SVN314",
        level=Level.INFO,
        title="Leftovers, harmless",
        cause="Rules of a mode, backend or program that is no longer at work are still there; "
        "no Service's packet fares otherwise for them now.",
        action="Remove them at the next reboot: they do not follow the API, so a change of it "
        "can make them matter.",
    ),
    Code(
        number="SVN315",
        level=Level.WARNING,
        title="Leftovers whose effect is not known",
        cause="Rules of a mode, backend or program that is no longer at work are there, and what "
        "decides whether packets meet them first cannot be seen.",
        action="Remove the rules that are named, or reboot the node.",
    ),
    *OBJECT_CODES,
    Code(
        number="SVN501",
        level=Level.WARNING,
        title="Pods held for strangers",
        cause="kube-proxy tells by its clusterCIDR who is inside the cluster, and it does not "
        "cover the addresses of pods: their connections to Services are masqueraded, so that "
        "endpoints and NetworkPolicies see a node instead, and are treated as external traffic.",
        action="Set clusterCIDR to what the network plugin hands out and restart kube-proxy, or "
        "use another detectLocalMode.",
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
    ),
)

CODES: Mapping[str, Code] = MappingProxyType({row.number: row for row in _ROWS})


def finding(
    number: str,
    message: str,
    *,
    service: str = "",
    node: str = "",
    evidence: tuple[str, ...] = (),
    next: str = "",
    level: Level | None = None,
) -> Finding:
    """A finding of the catalogue. `level` only to state an unsettled difference as info."""
    row = CODES[number]
    return Finding(
        code=row.number,
        level=level or row.level,
        title=row.title,
        message=message,
        service=service,
        node=node,
        evidence=evidence,
        next=next,
        docs=f"docs/findings.md#{row.number.lower()}",
    )
