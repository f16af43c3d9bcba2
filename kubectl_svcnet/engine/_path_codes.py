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
        number="SVN511",
        level=Level.ERROR,
        title="Forwarding is off",
        cause="net.ipv4.ip_forward (or its IPv6 counterpart) is 0, so the node drops whatever "
        "is not for itself: no packet leaves it for a pod. A reloaded sysctl file or a "
        "restarted network service often resets it.",
        action="Set it to 1 and find what reset it, among the files of /etc/sysctl.d.",
        command="kubectl -n kube-system exec POD -- cat /proc/sys/net/ipv4/ip_forward",
    ),
    Code(
        number="SVN512",
        level=Level.WARNING,
        title="Bridged packets pass by the rules",
        cause="net.bridge.bridge-nf-call-iptables is 0 or br_netfilter is not loaded, on a node"
        " whose pods are ports of a bridge: answers between two pods of the node are not "
        "translated back, so their connections to Services hang.",
        action="Load br_netfilter and set the sysctl to 1 for each family in use.",
        command="kubectl -n kube-system exec POD -- grep -rH . /proc/sys/net/bridge",
    ),
    Code(
        number="SVN513",
        level=Level.WARNING,
        title="Connection table nearly full",
        cause="The node tracks nearly as many connections as it may; when the table is full, "
        "new connections are dropped.",
        action="Raise nf_conntrack_max (kube-proxy's conntrack.maxPerCore), or find what opens "
        "so many.",
        command="kubectl -n kube-system exec POD -- cat /proc/sys/net/netfilter/nf_conntrack_count",
    ),
    Code(
        number="SVN514",
        level=Level.INFO,
        title="Connections were not tracked",
        cause="Since the node started, some connections could not be entered in the table: it "
        "was full, or two packets of one flow raced, as DNS queries over UDP do.",
        action="Watch whether the numbers grow. If they do, raise nf_conntrack_max; for DNS use "
        "NodeLocal DNSCache, or TCP.",
        command="kubectl -n kube-system exec POD -- cat /proc/net/stat/nf_conntrack",
    ),
    Code(
        number="SVN515",
        level=Level.WARNING,
        title="UDP flows held by a dead endpoint",
        cause="The node still tracks UDP flows to a Service that are answered by none of its "
        "endpoints. As long as their clients go on sending from the same port, they are "
        "led there, whatever the rules say.",
        action="Restart kube-proxy on the node, which clears such entries, or the client.",
        command="kubectl -n kube-system exec POD -- grep udp /proc/net/nf_conntrack",
    ),
    Code(
        number="SVN516",
        level=Level.WARNING,
        title="Hairpin off",
        cause="Pods are ports of a bridge that may not send a frame back by the port it came by. "
        "With br_netfilter a packet that a pod sends to a Service and that is led back to "
        "the same pod is bridged, not routed, so it is lost: of a pod's calls of its own "
        "Service that share which picks itself hangs.",
        action="Set hairpinMode in the CNI configuration's bridge plugin (flannel: delegate; "
        "kubelet until 1.23: --hairpin-mode) and make the pods anew, for it is set when a "
        "pod is attached.",
        command="kubectl -n kube-system exec POD -- grep -rs --include=hairpin_mode '' "
        "/sys/devices/virtual/net",
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
    Code(
        number="SVN523",
        level=Level.INFO,
        title="Every client masqueraded",
        cause="masqueradeAll is set, so that packets to ClusterIPs from pods of the cluster are "
        "masqueraded too: endpoints, their logs and NetworkPolicies see a node instead of "
        "the pod.",
        action="Nothing, if that is meant: where answers would not come back through the node. "
        "Else set masqueradeAll to false and restart kube-proxy.",
        command="kubectl -n kube-system get configmap kube-proxy -o yaml",
    ),
    Code(
        number="SVN524",
        level=Level.WARNING,
        title="Node ports closed on localhost",
        cause="kube-proxy in iptables mode serves node ports on 127.0.0.1 too, unless "
        "nodePortAddresses or localhostNodePorts say otherwise. For that it sets "
        "net.ipv4.conf.all.route_localnet to 1 when it starts; somebody has set it back, so "
        "what a process of the node sends there is dropped.",
        action="Dial the node's own address. Or restart kube-proxy, which sets it again, and find "
        "what resets it, among the files of /etc/sysctl.d; or set localhostNodePorts to false.",
        command="kubectl -n kube-system exec POD -- cat /proc/sys/net/ipv4/conf/all/route_localnet",
    ),
    Code(
        number="SVN525",
        level=Level.WARNING,
        title="Health check blocked",
        cause="Under externalTrafficPolicy Local the load balancer asks each node's health check "
        "node port whether it has endpoints; here a rule keeps the question from kube-proxy, so "
        "the node gets no traffic whatever runs there.",
        action="Let the load balancer's addresses in at that port, in the firewall whose rule is "
        "named; if it does let them in, and others not, there is nothing to do.",
        command="kubectl svcnet packet tcp BALANCER NODE:PORT --node NODE",
    ),
)
