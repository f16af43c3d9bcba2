"""SVN1xx: what is wrong with ranges."""

from __future__ import annotations

from ..model.finding import Level
from ._code import Code

RANGE_CODES = (
    Code(
        number="SVN101",
        level=Level.WARNING,
        title="Sources disagree",
        cause="Two places state different values for one range: one was changed later, or a "
        "component keeps a range of its own.",
        action="Find out which one the cluster obeys, by the addresses in use, and correct the "
        "others.",
        command="kubectl svcnet ranges --explain",
    ),
    Code(
        number="SVN102",
        level=Level.WARNING,
        title="Pod outside every known pod range",
        cause="Pods have addresses that no known source gives to pods: another network plugin "
        "hands them out, or the range was changed and old pods remain.",
        action="Look at the network plugin's own configuration; restart pods that kept an old "
        "address.",
        command="kubectl svcnet ranges -o wide",
    ),
    Code(
        number="SVN103",
        level=Level.WARNING,
        title="Service outside every known Service range",
        cause="Services keep an address of a range that was changed or removed.",
        action="Create the Service anew, or add the range as a ServiceCIDR.",
        command="kubectl svcnet ranges -o wide",
    ),
    Code(
        number="SVN104",
        level=Level.ERROR,
        title="Ranges overlap",
        cause="Two kinds of range share addresses, so that some addresses have two meanings and "
        "packets to them go to one of the two.",
        action="Move one of the ranges before addresses of the overlap are in use.",
        command="kubectl svcnet ranges --explain",
    ),
    Code(
        number="SVN105",
        level=Level.WARNING,
        title="Node's pod range outside the cluster's",
        cause="A node was given its pod range out of another cluster range than the one stated "
        "now.",
        action="Drain the node, delete its Node object and let it register anew.",
        command="kubectl get nodes -o custom-columns=NAME:.metadata.name,PODS:.spec.podCIDRs",
    ),
    Code(
        number="SVN106",
        level=Level.WARNING,
        title="Range nearly full",
        cause="At least nine tenths of the addresses, node ports or nodes' parts of a range are "
        "given out.",
        action="Add a range (a ServiceCIDR, a cluster CIDR of a new node group) or free what is "
        "not needed, before new Services, pods or nodes get nothing.",
        command="kubectl svcnet ranges",
    ),
    Code(
        number="SVN107",
        level=Level.ERROR,
        title="Range full",
        cause="Nothing of a range is left to give out: new Services are refused, new pods stay "
        "in ContainerCreating, or (a warning) new nodes get no podCIDR.",
        action="Add a range, delete what is not needed, or move pods to other nodes.",
        command="kubectl svcnet ranges",
    ),
    Code(
        number="SVN108",
        level=Level.INFO,
        title="One family in one place, two in another",
        cause="Services, pods or nodes have ranges of both IP families and others of one alone.",
        action="Nothing, if that is meant. Else give the rest a range of the family: a Service "
        "of a family that pods lack has no endpoints.",
        command="kubectl svcnet ranges --explain",
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
        command="kubectl svcnet ranges --explain --node NODE",
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
        command="kubectl get pods -A -o wide --field-selector spec.nodeName=NODE",
    ),
    Code(
        number="SVN111",
        level=Level.WARNING,
        title="Leftover of another network plugin",
        cause="A node has the configurations of two network plugins, or (for information) notes of "
        "one that runs no more. The container runtime takes the first configuration by name; with "
        "the wrong one pods get addresses of another range, or none.",
        action="Remove the file of the plugin that is gone, and restart pods that were made with "
        "it; look for its devices and rules too.",
        command="kubectl get node NODE -o yaml",
    ),
)
