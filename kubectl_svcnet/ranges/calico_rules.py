"""Calico's cali-cidr-block: rules that keep packets to Services from looping.

Felix writes one for each network of BGPConfiguration's serviceClusterIPs, serviceExternalIPs and
serviceLoadBalancerIPs (felix/rules/static.go), in its nftables mode in table `calico`, whose chains
bear the iptables table's name before their own (felix/nftables/table.go). So the rule tells of the
Service range only where it holds the ClusterIP of default/kubernetes. It may be a part of that
range, and is assumed.
"""

from __future__ import annotations

from ..model.iprange import Confidence, RangeKind
from ._rules import RulesSource

SOURCE = RulesSource(
    name="calico cali-cidr-block",
    label=("k8s-app", "calico-node"),
    container="calico-node",
    table="filter",
    chain="cali-cidr-block",
    native="nft-calico-cidr-block",
    kind=RangeKind.SERVICE,
    meant=lambda place, network, line: any(
        first.version == network.version and first.network_address in network
        for first in place.networks
    ),
    confidence=Confidence.ASSUMED,
)
