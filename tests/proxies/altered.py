"""Generated objects, changed: what a kube-proxy that follows no longer should be told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random

from .objects import NAME, Object
from .topology import pod, pod6

#: What the API server writes for sessionAffinity without a time (core/v1).
USUAL = 10800
#: A Service and its slices, changed in place.
Alteration = Callable[[Random, Object, list[Object]], None]


def altered(seed: int, objects: Sequence[Object]) -> list[Object]:
    """Most Services with one change each."""
    random = Random(seed)
    made = deepcopy(list(objects))
    slices: dict[str, list[Object]] = {}
    for one in made:
        if one["kind"] == "EndpointSlice":
            one["endpoints"] = one["endpoints"] or []  # as the API server writes none
            slices.setdefault(one["metadata"]["labels"][NAME], []).append(one)
    for one in made:
        if one["kind"] == "Service" and "ports" in one["spec"] and random.random() < 0.7:
            random.choice(ALTERATIONS)(random, one, slices.get(one["metadata"]["name"], []))
    return made


def _endpoint_gone(random: Random, service: Object, slices: list[Object]) -> None:
    filled = [one for one in slices if one["endpoints"]]
    if filled:
        chosen = random.choice(filled)["endpoints"]
        chosen.pop(random.randrange(len(chosen)))


def _endpoint_new(random: Random, service: Object, slices: list[Object]) -> None:
    if slices:
        chosen = random.choice(slices)
        address = (pod6 if chosen["addressType"] == "IPv6" else pod)("n2", 77)
        chosen["endpoints"].append(
            {"addresses": [address], "nodeName": "n2", "conditions": {"ready": True}}
        )


def _endpoints_gone(random: Random, service: Object, slices: list[Object]) -> None:
    for one in slices:
        one["endpoints"] = []


def _all_ready(random: Random, service: Object, slices: list[Object]) -> None:
    for one in slices:
        for endpoint in one["endpoints"]:
            endpoint["conditions"] = {"ready": True}


def _other_port(random: Random, service: Object, slices: list[Object]) -> None:
    for one in slices:
        for port in one["ports"]:
            if "port" in port:
                port["port"] += 1


def _external_policy(random: Random, service: Object, slices: list[Object]) -> None:
    spec = service["spec"]
    if spec.get("type", "ClusterIP") != "ClusterIP" or "externalIPs" in spec:
        local = spec.get("externalTrafficPolicy") == "Local"
        spec["externalTrafficPolicy"] = "Cluster" if local else "Local"
        spec.pop("healthCheckNodePort", None)


def _internal_policy(random: Random, service: Object, slices: list[Object]) -> None:
    if service["spec"].get("clusterIP") != "None":
        local = service["spec"].get("internalTrafficPolicy") == "Local"
        service["spec"]["internalTrafficPolicy"] = "Cluster" if local else "Local"


def _affinity(random: Random, service: Object, slices: list[Object]) -> None:
    """Switched on, or off; another time where one was chosen."""
    spec = service["spec"]
    if spec.get("clusterIP") == "None":
        return
    client = spec.pop("sessionAffinityConfig", {}).get("clientIP", {})
    seconds = client.get("timeoutSeconds", USUAL)
    if seconds != USUAL:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": seconds - 1 or 2}}
    else:
        sticky = spec.get("sessionAffinity") == "ClientIP"
        spec["sessionAffinity"] = "None" if sticky else "ClientIP"


def _port_new(random: Random, service: Object, slices: list[Object]) -> None:
    ports = service["spec"]["ports"]
    if all("name" in port for port in ports):
        ports.append({"name": "late", "port": 7777, "protocol": "TCP", "targetPort": 7777})
        for one in slices:
            one["ports"].append({"name": "late", "port": 7777, "protocol": "TCP"})


ALTERATIONS: Sequence[Alteration] = (
    _endpoint_gone,
    _endpoint_new,
    _endpoints_gone,
    _all_ready,
    _other_port,
    _external_policy,
    _internal_policy,
    _affinity,
    _port_new,
)
