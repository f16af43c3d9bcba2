"""Services, pods and scenes as the tests of log sources want them."""

from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.logs import Place, Scene
from kubectl_svcnet.logs.mentions import Mentions
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.model.capture import Capture, Failure, LogRequest, Reason
from kubectl_svcnet.model.logline import Subject
from kubectl_svcnet.model.service import Endpoint, Pod, Service, ServiceName, ServicePort
from tests.samples import at

WEB = ServiceName("shop", "web")

#: 2026-11-24T23:36:00Z
NOW = 1795563360.0


def web(**values: object) -> Service:
    known: dict[str, object] = {
        "name": WEB,
        "type": "NodePort",
        "ports": (ServicePort(name="http", protocol=Protocol.TCP, port=80, node_port=30080),),
        "cluster_ips": (ip_address("10.96.0.1"), ip_address("fd00:10:96::50")),
    }
    return Service(**{**known, **values})  # type: ignore[arg-type]


def behind(address: str, pod: str = "") -> Endpoint:
    return Endpoint(address=at(address), port_name="http", protocol=Protocol.TCP, pod=pod)


ENDPOINTS = (behind("10.244.1.5:8080", "web-77c94d7d89-blz8z"), behind("[fd00:244::5]:8080"))


def subject(*services: Service) -> Subject:
    return Subject(
        services=services or (web(),),
        endpoints={WEB: ENDPOINTS},
        slices=frozenset({"shop/web-a", "shop/web-h8j9l"}),
    )


def scene(*services: Service, **values: object) -> Scene:
    known: dict[str, object] = {"mentions": Mentions(subject(*services)), "now": NOW}
    return Scene(**{**known, **values})  # type: ignore[arg-type]


def answer(place: Place, text: str, *, number: int = 0, truncated: bool = False) -> Capture:
    data = text.encode()
    request = place.requests[number]
    return Capture(request=request, data=data, size=len(data), truncated=truncated)


def refusal(place: Place, reason: Reason, message: str, *, number: int = 0) -> Capture:
    failure = Failure(reason=reason, message=message)
    return Capture(request=place.requests[number], failure=failure)


def log_place(pod: Pod) -> Place:
    request = LogRequest(
        namespace=pod.namespace,
        pod=pod.name,
        container=pod.containers[0].name,
        node=pod.node,
        timestamps=True,
        tail_lines=100,
    )
    return Place(what="log", requests=(request,), node=pod.node, pod=pod, source="kube-proxy")
