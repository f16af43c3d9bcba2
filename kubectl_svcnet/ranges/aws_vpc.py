"""AWS VPC CNI: the networks of the VPC, out of which pods and nodes have their addresses.

No object of the cluster states them: an ENIConfig names subnets by their AWS ids, and with prefix
delegation (ENABLE_PREFIX_DELEGATION) a node gets /28s that only ipamd knows. But aws-node returns
what stays in the VPC from its chain AWS-SNAT-CHAIN-0 (pkg/networkutils of
aws/amazon-vpc-cni-k8s), unless AWS_VPC_K8S_CNI_EXTERNALSNAT leaves that to others. Exclusions
are networks beside the VPC. Its image has no shell.
"""

from __future__ import annotations

from ..model.iprange import CLOUD_NETWORK, RangeKind
from ._rules import RulesSource

SOURCE = RulesSource(
    name="aws-node AWS-SNAT-CHAIN-0",
    label=("k8s-app", "aws-node"),
    container="aws-node",
    table="nat",
    chain="AWS-SNAT-CHAIN-0",
    kind=RangeKind.POD,
    # the first VPC network; older releases go on to a chain for each further one instead
    meant=lambda place, network, line: "EXCLUSION" not in line and "! -o" not in line,
    shell=False,
    allocator=CLOUD_NETWORK,
    trust=1,
)
