"""The Service range in kube-router's rules: what its firewall lets through to ClusterIPs.

`allow traffic to primary/secondary cluster IP range` in chain KUBE-ROUTER-INPUT
(pkg/controllers/netpol/npc_iptables.go of cloudnativelabs/kube-router).
"""

from __future__ import annotations

from ..model.iprange import RangeKind
from ._rules import RulesSource

SOURCE = RulesSource(
    name="kube-router KUBE-ROUTER-INPUT",
    label=("k8s-app", "kube-router"),
    container="kube-router",
    table="filter",
    chain="KUBE-ROUTER-INPUT",
    kind=RangeKind.SERVICE,
    meant=lambda place, network, line: "cluster IP range" in line,
)
