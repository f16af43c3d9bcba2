"""The pods and Services that the tests look at: one Service of each kind."""

from __future__ import annotations

import json

from . import images, kube
from .topology import NODES

DEPLOYMENTS = ("db", "web", "edge")
# Nobody else gives a LoadBalancer its address here.
BALANCERS = {"edge-lb": "203.0.113.10", "web-lb": "203.0.113.20"}


def apply() -> None:
    clients = [kube.manifest("client", node=node.name, image=images.LABSRV) for node in NODES]
    deployed = [kube.manifest(name, image=images.LABSRV) for name in DEPLOYMENTS]
    kube.apply(kube.documents(*deployed, *clients))
    for service, address in BALANCERS.items():
        status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        kube.kubectl(
            "patch",
            "service",
            service,
            "--subresource=status",
            "--type=merge",
            "-p",
            json.dumps({"status": status}),
        )
