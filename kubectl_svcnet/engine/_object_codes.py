"""SVN4xx: what is wrong with API objects by themselves, whatever nodes do."""

from __future__ import annotations

from ..model.finding import Level
from ._code import Code

OBJECT_CODES = (
    Code(
        number="SVN401",
        level=Level.WARNING,
        title="Selector matches no pod",
        cause="The Service's selector and the labels of pods differ, often by a typing error or"
        " a label that was renamed on one side; or nothing is deployed.",
        action="Correct the selector or the labels; the evidence names the pods that come nearest.",
        command="kubectl get pods --show-labels",
    ),
    Code(
        number="SVN402",
        level=Level.WARNING,
        title="No selected pod is ready",
        cause="The selector matches pods, and none of them is ready, so the Service has no "
        "endpoint: their containers do not start, or their readiness probes fail.",
        action="Look at the pods that are named: their events say why.",
        command="kubectl get pods -l SELECTOR",
    ),
    Code(
        number="SVN403",
        level=Level.WARNING,
        title="No pod has the named port",
        cause="The Service's targetPort is a name, and no container of the selected pods has a "
        "port of that name, so this port has no endpoint.",
        action="Name the container's port so, or give its number as targetPort.",
        command="kubectl get pods -l SELECTOR -o yaml",
    ),
    Code(
        number="SVN404",
        level=Level.WARNING,
        title="Pods listen otherwise than the Service says",
        cause="The Service's targetPort is not among the ports that the selected pods declare, "
        "or they declare it for another protocol. What is not declared may still be "
        "listened on.",
        action="Compare the Service's ports with those of the containers.",
        command="kubectl get pods -l SELECTOR -o yaml",
    ),
    Code(
        number="SVN405",
        level=Level.INFO,
        title="EndpointSlice without Service",
        cause="A slice names a Service that does not exist: the Service was deleted a moment "
        "ago, or somebody else writes slices.",
        action="Delete the slice, unless a program of yours keeps it.",
        command="kubectl get endpointslices -l kubernetes.io/service-name=SERVICE",
    ),
    Code(
        number="SVN406",
        level=Level.WARNING,
        title="Neither selector nor endpoints",
        cause="A Service without selector gets its endpoints from somebody else, and nobody "
        "wrote any.",
        action="Write an EndpointSlice for it, or give it a selector.",
        command="kubectl get endpointslices -l kubernetes.io/service-name=SERVICE",
    ),
    Code(
        number="SVN411",
        level=Level.WARNING,
        title="Policy Local, no endpoint on some nodes",
        cause="Under externalTrafficPolicy Local a node without an endpoint of its own drops "
        "what comes from outside. A load balancer that asks the health check node port "
        "leaves such nodes out; one that does not, and whoever dials the node, loses "
        "packets.",
        action="Run an endpoint on each node that is dialled, or use policy Cluster.",
        command="kubectl get endpointslices -l kubernetes.io/service-name=SERVICE -o wide",
    ),
    Code(
        number="SVN412",
        level=Level.WARNING,
        title="Internal policy Local, no endpoint on some nodes",
        cause="Under internalTrafficPolicy Local the pods of a node without an endpoint of its "
        "own cannot reach the Service: their packets are dropped.",
        action="Run an endpoint on each node (a DaemonSet), or use policy Cluster.",
        command="kubectl get endpointslices -l kubernetes.io/service-name=SERVICE -o wide",
    ),
    Code(
        number="SVN413",
        level=Level.WARNING,
        title="Address claimed twice",
        cause="Two Services claim one address, port and protocol, as load balancer address or "
        "external IP. A node serves one of them, and nothing says which: it may be "
        "another one on another node, or after a restart. An external IP that is a node's own "
        "address always goes before the node ports there.",
        action="Take the address from one of the Services, or use another port.",
        command="kubectl get services -A -o wide",
    ),
    Code(
        number="SVN414",
        level=Level.WARNING,
        title="Source ranges let nobody in",
        cause="No client can have an address of the Service's loadBalancerSourceRanges, so "
        "every packet to the load balancer's address is dropped.",
        action="Correct the ranges; none at all lets everybody in.",
        command="kubectl get service SERVICE -o yaml",
    ),
    Code(
        number="SVN415",
        level=Level.INFO,
        title="Source ranges without effect",
        cause="loadBalancerSourceRanges are looked at for load balancer addresses of their own "
        "family only, and this Service has none; or kube-proxy in iptables mode meets such an "
        "address first as an external IP of the same Service, of which no ranges are asked.",
        action="Make it a Service of type LoadBalancer, name ranges of the other family, take the "
        "address from its externalIPs, or use a NetworkPolicy.",
        command="kubectl get service SERVICE -o yaml",
    ),
    Code(
        number="SVN416",
        level=Level.INFO,
        title="More than 1,000 endpoints",
        cause="The Endpoints object is cut at 1,000 addresses, and whoever still reads it, "
        "unlike kube-proxy, sees a part.",
        action="Nothing, if all readers use EndpointSlices.",
        command="kubectl get endpoints SERVICE",
    ),
    Code(
        number="SVN417",
        level=Level.INFO,
        title="Topology hints not honoured",
        cause="kube-proxy follows hints only if every ready endpoint has one and one of them is"
        " for its own zone or node; else it uses all endpoints.",
        action="Look at the spread of the endpoints over the zones; hints return by themselves "
        "where there are enough of them.",
        command="kubectl get nodes -L topology.kubernetes.io/zone",
    ),
    Code(
        number="SVN418",
        level=Level.INFO,
        title="Endpoints isolated by NetworkPolicies",
        cause="NetworkPolicies select pods behind the Service, so that only what one of them "
        "lets in reaches those. The evidence says of a pod of each node whether it is, by the "
        "policies' words; a network plugin that enforces none lets in everything.",
        action="Nothing, if that is meant. Else let the client in: its namespace, its labels, and "
        "the pod's port, which is not the Service's.",
        command="kubectl get networkpolicies -o yaml",
    ),
)
