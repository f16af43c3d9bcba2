"""Whose packets kube-proxy takes for a pod's of its cluster, and which it masquerades.

Source: kubernetes cmd/kube-proxy/app/server_linux.go, getLocalDetectors: the first range of a
family counts, and without one nothing is detected. The proxiers masquerade what comes to a
ClusterIP from outside (or all of it), and to other addresses whatever policy Cluster may send to
another node; under policy Local the client's address is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from ...model.address import Family, IPAddress, IPNetwork, family_of
from ...model.packet import Client
from ...model.proxystate import Conduct, Setting
from ...model.service import Frontend, FrontendKind, Node, Service


class Side(Enum):
    """Of the border that detectLocalMode draws. UNDETECTED: it draws none."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    UNDETECTED = "undetected"
    UNKNOWN = "unknown"


def side_of(
    client: Client,
    source: IPAddress | None,
    device: str | None,
    family: Family,
    node: Node,
    conduct: Conduct,
) -> Side:
    """Without kube-proxy's setting only the outside is known for what it is."""
    setting = conduct.setting
    if setting is None:
        return Side.OUTSIDE if client is Client.EXTERNAL else Side.UNKNOWN
    match setting.detect_local:
        case "" | "ClusterCIDR":
            return _by_range(source, setting.cluster_cidr, family)
        case "NodeCIDR":
            return _by_range(source, node.pod_cidrs, family)
        case "BridgeInterface" | "InterfaceNamePrefix":
            return _by_device(client, device, setting)
        case _:
            return Side.UNDETECTED


def _by_range(source: IPAddress | None, ranges: Iterable[IPNetwork], family: Family) -> Side:
    first = next((each for each in ranges if family_of(each) is family), None)
    if first is None:
        return Side.UNDETECTED
    if source is None:
        return Side.UNKNOWN
    return Side.INSIDE if source in first else Side.OUTSIDE


def _by_device(client: Client, device: str | None, setting: Setting) -> Side:
    """A node's own packets come in by no interface."""
    if client is Client.NODE:
        return Side.OUTSIDE
    if device is None:
        return Side.UNKNOWN
    whole = setting.detect_local == "BridgeInterface"
    inside = device == setting.interface if whole else device.startswith(setting.interface)
    return Side.INSIDE if inside else Side.OUTSIDE


def masqueraded(
    service: Service, frontend: Frontend, client: Client, side: Side, conduct: Conduct
) -> bool | None:
    """None: not known, or either is right. What returns to its own sender always is."""
    node = client is Client.NODE
    if node and conduct.ipvs:
        return None  # its source is the virtual server's own address, or not, by its kernel
    if frontend.kind is not FrontendKind.CLUSTER_IP:
        if service.external_local:
            return node
        inside = side in (Side.INSIDE, Side.UNKNOWN)
        return _from_inside(frontend, conduct.minor) if inside else True
    if conduct.setting is None:
        return None
    if conduct.setting.masquerade_all:
        return True
    return None if side is Side.UNKNOWN else side is Side.OUTSIDE


def _from_inside(frontend: Frontend, minor: int | None) -> bool | None:
    """Until 1.23 what pods send to external IPs kept its source."""
    if frontend.kind is not FrontendKind.EXTERNAL_IP:
        return True
    return None if minor is None else minor > 23
