"""A NetworkPolicy (JSON as dict) in, model out, after networking.k8s.io/v1.

What is left out of a policy lets more in, so nothing of it may be skipped: a part of the wrong
type, or one that is not known here, raises ParseError. Egress rules are not read.
"""

from __future__ import annotations

from ipaddress import ip_network

from ..errors import ParseError
from ..model.address import IPNetwork
from ..model.policy import Ingress, NetworkPolicy, Operator, Peer, PortSpan, Requirement, Selector
from .kube_fields import Json, identity, mapping, number, protocol, text, texts, whole_mappings

_PEER = {"ipBlock", "podSelector", "namespaceSelector"}


def parse_network_policy(item: Json) -> NetworkPolicy:
    namespace, name = identity(item)
    spec = _part(item, "spec") or {}
    types = _strings(spec, "policyTypes")
    return NetworkPolicy(
        namespace=namespace,
        name=name,
        pods=_selector(spec, "podSelector") or (),
        isolates=not types or "Ingress" in types,  # the default has it whatever the rules are
        ingress=tuple(map(_ingress, whole_mappings(spec, "ingress"))),
    )


def _ingress(rule: Json) -> Ingress:
    return Ingress(
        peers=tuple(map(_peer, whole_mappings(rule, "from"))),
        ports=tuple(map(_ports, whole_mappings(rule, "ports"))),
    )


def _peer(peer: Json) -> Peer:
    if not peer or not peer.keys() <= _PEER:
        raise ParseError("a peer that is not known", text=str(dict(peer)))
    block = _part(peer, "ipBlock")
    if block is not None:
        return Peer(
            block=_network(text(block, "cidr")),
            without=tuple(map(_network, _strings(block, "except"))),
        )
    return Peer(
        pods=_selector(peer, "podSelector") or (),
        namespaces=_selector(peer, "namespaceSelector"),
    )


def _ports(item: Json) -> PortSpan:
    port, end = item.get("port"), item.get("endPort")
    if port is None:
        return PortSpan(protocol=protocol(item))
    if isinstance(port, str) and port and not port.isdecimal():
        return PortSpan(protocol=protocol(item), name=port)
    first = number(port, -1)
    last = first if end is None else number(end, -1)
    if first < 0 or last < 0:
        raise ParseError("no port", text=str(dict(item)))
    return PortSpan(protocol=protocol(item), first=first, last=last)


def _selector(item: Json, key: str) -> Selector | None:
    """None where there is none. Labels are requirements too (apimachinery, LabelSelector)."""
    selector = _part(item, key)
    if selector is None:
        return None
    labels = _part(selector, "matchLabels") or {}
    if not all(isinstance(value, str) for value in labels.values()):
        raise ParseError("no labels", text=str(dict(labels)))
    wanted = [
        Requirement(key=key, operator=Operator.IN, values=(value,)) for key, value in labels.items()
    ]
    return (*wanted, *map(_requirement, whole_mappings(selector, "matchExpressions")))


def _requirement(item: Json) -> Requirement:
    try:
        operator = Operator(text(item, "operator"))
    except ValueError as error:
        raise ParseError("unknown operator", text=str(item.get("operator"))) from error
    return Requirement(key=text(item, "key"), operator=operator, values=_strings(item, "values"))


def _network(cidr: str) -> IPNetwork:
    try:
        return ip_network(cidr, strict=False)
    except ValueError as error:
        raise ParseError("no network", text=cidr) from error


def _part(item: Json, key: str) -> Json | None:
    value = item.get(key)
    if value is not None and value is not mapping(item, key):
        raise ParseError(f"{key}: no object", text=str(value))
    return value


def _strings(item: Json, key: str) -> tuple[str, ...]:
    found, value = texts(item, key), item.get(key)
    if value and (not isinstance(value, (list, tuple)) or len(found) < len(value)):
        raise ParseError(f"{key}: no list of words", text=str(value))
    return found
