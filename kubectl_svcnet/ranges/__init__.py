"""Where a cluster writes down an IP range: one file per place, each named once in `SOURCES`."""

from __future__ import annotations

from ._base import Place, RangeSource, Reading, missed, show_command
from ._rules import RulesSource
from ._unseen import unseen
from .agent_flags import SOURCE as AGENT_FLAGS
from .antrea import SOURCE as ANTREA
from .antrea_external_ips import SOURCE as ANTREA_EXTERNAL_IPS
from .apiserver import SOURCE as APISERVER
from .apiserver_manifest import SOURCE as APISERVER_MANIFEST
from .aws_vpc import SOURCE as AWS_VPC
from .azure import SOURCE as AZURE
from .calico import SOURCE as CALICO
from .calico_rules import SOURCE as CALICO_RULES
from .calico_services import SOURCE as CALICO_SERVICES
from .cilium import SOURCE as CILIUM
from .cilium_load_balancer import SOURCE as CILIUM_LOAD_BALANCER
from .cni_config import SOURCE as CNI_CONFIG
from .cni_files import SOURCE as CNI_FILES
from .controller_manager import SOURCE as CONTROLLER_MANAGER
from .flannel import SOURCE as FLANNEL
from .kindnet import SOURCE as KINDNET
from .kube_ovn import SOURCE as KUBE_OVN
from .kube_ovn_northbound import SOURCE as KUBE_OVN_NORTHBOUND
from .kube_proxy import SOURCE as KUBE_PROXY
from .kube_router import SOURCE as KUBE_ROUTER
from .kube_router_rules import SOURCE as KUBE_ROUTER_RULES
from .kube_vip import SOURCE as KUBE_VIP
from .kubeadm import SOURCE as KUBEADM
from .kubernetes_service import SOURCE as KUBERNETES_SERVICE
from .load_balancer_addresses import SOURCE as LOAD_BALANCER_ADDRESSES
from .metallb import SOURCE as METALLB
from .nftables import SOURCE as NFTABLES
from .node_args import SOURCE as NODE_ARGS
from .node_local_dns import SOURCE as NODE_LOCAL_DNS
from .node_network import SOURCE as NODE_NETWORK
from .openelb import SOURCE as OPENELB
from .openshift import SOURCE as OPENSHIFT
from .ovn_kubernetes import SOURCE as OVN_KUBERNETES
from .ovn_northbound import SOURCE as OVN_NORTHBOUND
from .pod_cidrs import SOURCE as POD_CIDRS
from .probe import SOURCE as PROBE
from .service_cidr import SOURCE as SERVICE_CIDR
from .weave import SOURCE as WEAVE

__all__ = [
    "PROBE",
    "SOURCES",
    "Place",
    "RangeSource",
    "Reading",
    "RulesSource",
    "missed",
    "show_command",
    "unseen",
]

SOURCES: tuple[RangeSource, ...] = (
    AGENT_FLAGS,
    ANTREA,
    ANTREA_EXTERNAL_IPS,
    APISERVER,
    APISERVER_MANIFEST,
    AWS_VPC,
    AZURE,
    CALICO,
    CALICO_RULES,
    CALICO_SERVICES,
    CILIUM,
    CILIUM_LOAD_BALANCER,
    CNI_CONFIG,
    CNI_FILES,
    CONTROLLER_MANAGER,
    FLANNEL,
    KINDNET,
    KUBE_OVN,
    KUBE_OVN_NORTHBOUND,
    KUBE_PROXY,
    KUBE_ROUTER,
    KUBE_ROUTER_RULES,
    KUBE_VIP,
    KUBEADM,
    KUBERNETES_SERVICE,
    LOAD_BALANCER_ADDRESSES,
    METALLB,
    NFTABLES,
    NODE_ARGS,
    NODE_LOCAL_DNS,
    NODE_NETWORK,
    OPENELB,
    OPENSHIFT,
    OVN_KUBERNETES,
    OVN_NORTHBOUND,
    POD_CIDRS,
    PROBE,
    SERVICE_CIDR,
    WEAVE,
)
