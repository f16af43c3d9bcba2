"""What all modes of kube-proxy share: finding its pod, its mode as configured or logged."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.address import SocketAddress
from ..model.capture import LogRequest, log_head
from ..model.kube_proxy import embedded, is_proxy, proxy_container
from ..model.nodeview import Dispatched, NodeView
from ..model.service import Frontend, Node, Pod, Service
from ._base import Dataplane, Owner


def proxy_pod(agents: tuple[Pod, ...]) -> Pod | None:
    """The kube-proxy pod among a node's agents; one that runs and stays first."""
    return next(iter(proxy_pods(agents)), None)


def proxy_pods(agents: tuple[Pod, ...]) -> list[Pod]:
    return sorted(
        (pod for pod in agents if is_proxy(pod)),
        key=lambda pod: (not _runs(pod), pod.deleting, pod.phase != "Running", pod.name),
    )


def rivals(agents: tuple[Pod, ...]) -> list[Pod]:
    """Further kube-proxies that are at work there too; while pods are replaced there are two."""
    return [pod for pod in proxy_pods(agents)[1:] if _runs(pod) and not pod.deleting]


def _runs(pod: Pod) -> bool:
    container = proxy_container(pod)
    return container is not None and container.running


def proxy_log_head(pod: Pod) -> LogRequest:
    container = proxy_container(pod)
    return log_head(pod, container.name if container else "")


def node_ports_only_at(*served: object) -> str:
    """Why there are none elsewhere."""
    told = ", ".join(map(str, served))
    return f"kube-proxy serves node ports at {told} only (nodePortAddresses)"


class KubeProxy:
    """A mode of kube-proxy: its pod says whose the node is, or the distribution that embeds it,
    only the kernel and its log in which mode. Where Services have names in the kernel, the mode
    knows them."""

    def recognise(self: Dataplane, node: Node, agents: tuple[Pod, ...]) -> Owner | None:
        here = proxy_pod(agents) is not None or embedded(node)
        return Owner(name=self.name, reader=self) if here else None

    def dispatched(self, view: NodeView) -> Iterable[Dispatched]:
        return ()

    def names(
        self, service: Service, frontend: Frontend, endpoints: Iterable[SocketAddress]
    ) -> frozenset[str]:
        return frozenset()
