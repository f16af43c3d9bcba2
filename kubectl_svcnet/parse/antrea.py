"""antrea-controller.conf (ConfigMap antrea-config; build/yamls/antrea.yml of antrea-io/antrea).

Antrea cuts the nodes' pod ranges itself only with `nodeIPAM.enableNodeIPAM`; without it they come
from the controller manager, and nothing is stated here. antrea-agent.conf may name the Service
range, which Antrea needs and follows only where AntreaProxy is off.
"""

from __future__ import annotations

from ..model.address import IPNetwork
from ._documents import yaml_documents
from .fields import networks_at, text_at


def parse_antrea_agent(text: str) -> tuple[IPNetwork, ...]:
    """`serviceCIDR` and `serviceCIDRv6`, of antrea-agent.conf."""
    return tuple(
        network
        for document in yaml_documents(text)
        for key in ("serviceCIDR", "serviceCIDRv6")
        for network in networks_at(document, key)
    )


def parse_antrea_controller(text: str) -> tuple[IPNetwork, ...]:
    """`nodeIPAM.clusterCIDRs` where that is on."""
    for document in yaml_documents(text):
        if text_at(document, "nodeIPAM.enableNodeIPAM") == "true":
            return networks_at(document, "nodeIPAM.clusterCIDRs[]")
    return ()
