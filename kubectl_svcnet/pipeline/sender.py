"""PROTO SRC DST:PORT: what was typed, and who the sender is.

SRC is an address, `ns/pod`, or `node`: a process of the node. Which node the packet is followed
on is --node, else where the pod with that address or name runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from ..errors import ClusterError, UsageError
from ..model.address import IPAddress, Protocol, SocketAddress, family_of
from ..model.capture import ApiRequest, Capture, Reason
from ..model.finding import Gap
from ..model.options import Options, PacketOptions
from ..model.packet import Hook, Packet, PacketQuestion
from ..model.service import Node, Pod
from ..parse.kube_pod import parse_pod
from .collect import Collector, gap_of

NODE = "node"
USAGE = "packet PROTO SRC DST:PORT, as in: packet tcp 10.244.1.9 10.96.0.10:53"

_POD = re.compile(r"(?P<namespace>[a-z0-9.-]+)/(?P<name>[a-z0-9.-]+)")
_PICKED = re.compile(r"(?:(?P<namespace>[a-z0-9-]+)/)?(?P<name>[a-z0-9][a-z0-9.-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """The words, typed. Neither address nor pod: a process of the node."""

    asked: PacketOptions
    protocol: Protocol
    destination: SocketAddress
    address: IPAddress | None = None
    pod: tuple[str, str] | None = None

    def question(self, source: IPAddress | None, *, own: bool = False) -> PacketQuestion:
        """`own`: it is surely a packet of the node itself, unless the user says otherwise."""
        asked = self.asked
        output = asked.hook == Hook.OUTPUT.value or (own and not asked.hook)
        return PacketQuestion(
            id=" ".join(asked.words),
            packet=Packet(
                hook=Hook.OUTPUT if output else Hook.PREROUTING,
                protocol=self.protocol,
                source=source,
                source_port=asked.source_port,
                destination=self.destination.address,
                destination_port=self.destination.port,
                in_interface=None if output else asked.in_interface or None,
                mark=asked.mark,
            ),
            own_source=not asked.hook and not asked.in_interface,
            note="/".join(self.pod or ()),
        )


def spoken(asked: PacketOptions) -> Spoken:
    """Raises UsageError for words that are none of ours."""
    if len(asked.words) != 3:
        raise UsageError(f"a packet is named by three words: {USAGE}")
    protocol, source, destination = asked.words
    known = {each.value.lower(): each for each in Protocol}
    if protocol.lower() not in known:
        raise UsageError(f"{protocol!r} is no protocol that is followed: {', '.join(known)}")
    where = _socket(destination)
    found = _POD.fullmatch(source)
    address = None if found or source == NODE else _address(source)
    if source == NODE and (asked.hook == Hook.PREROUTING.value or asked.in_interface):
        raise UsageError("a process of the node sends by the hook output and no interface")
    if address is not None and address.version != where.address.version:
        raise UsageError(f"{address} and {where.address} are of two families")
    return Spoken(
        asked=asked,
        protocol=known[protocol.lower()],
        destination=where,
        address=address,
        pod=(found["namespace"], found["name"]) if found else None,
    )


def _socket(text: str) -> SocketAddress:
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if bracketed else host)
        if address.version == (6 if bracketed else 4) and 0 < int(port) < 1 << 16:
            return SocketAddress(address, int(port))
    except ValueError:
        pass
    raise UsageError(f"{text!r} is no ADDRESS:PORT: write 10.96.0.10:53 or [fd00::a]:53")


def _address(text: str) -> IPAddress:
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        raise UsageError(
            f"{text!r} is no sender: write an address, NAMESPACE/POD, or {NODE} for a process of "
            "the node"
        ) from None


def saved_question(words: Spoken) -> PacketQuestion:
    """Of saved rules, where nobody knows pods."""
    if words.pod is not None:
        raise UsageError("saved rules know no pods: give the pod's address")
    return words.question(words.address, own=words.address is None)


def find_sender(
    collector: Collector, words: Spoken, nodes: tuple[Node, ...], chosen: str
) -> tuple[str, PacketQuestion]:
    """The node to look at, `chosen` if it is not "", and the packet. Raises UsageError where the
    node does not follow from the sender, ClusterError where pods cannot be read."""
    if words.pod is not None:
        (pod,) = _pods(_asked(collector, *words.pod))
        return _checked(chosen or pod.node), words.question(
            None if pod.host_network else _address_of(pod, words), own=pod.host_network
        )
    address = words.address
    if address is None or chosen:
        return _checked(chosen), words.question(address, own=address is None)
    own = (node.name for node in nodes if address in node.addresses)
    found = next(own, "") or _runs_on(collector, address) or _range_of(nodes, address)
    return _checked(found, address), words.question(address)


def _checked(node: str, address: IPAddress | None = None) -> str:
    if node:
        return node
    why = f"no running pod has the address {address}, so" if address else "say"
    raise UsageError(
        f"{why} on which node the packet is to be followed: --node NAME", next="kubectl get nodes"
    )


def chosen_client(
    collector: Collector, options: Options, nodes: Iterable[Node]
) -> tuple[Pod | None, tuple[Gap, ...]]:
    """The pod that --from picks. Raises UsageError where it can be nobody's client, or does not
    exist; that it may not be read, or that its node is not looked at, is a gap."""
    found = _PICKED.fullmatch(options.client)
    if found is None:
        raise UsageError(f"--from: {options.client!r} is no pod: write POD or NAMESPACE/POD")
    namespace, name = found["namespace"] or options.namespace, found["name"]
    capture = _asked(collector, namespace, name)
    if capture.failure is not None:
        request = _request(namespace, name)
        return None, (gap_of(request, capture.failure, what="client pod", blocking=True),)
    (pod,) = _pods(capture)
    if pod.phase != "Running" or pod.host_network:
        why = "has the address of its node" if pod.host_network else f"is {pod.phase or 'new'}"
        raise UsageError(
            f"--from: pod {namespace}/{name} {why}; name a running pod with an address of its own",
            next=f"kubectl get pods -n {namespace} -o wide",
        )
    if pod.node in {node.name for node in nodes}:
        return pod, ()
    why = f"pod {namespace}/{name} of --from runs on a node that is not looked at"
    return None, (Gap(what="client pod", node=pod.node, why=why, blocking=True),)


def _asked(collector: Collector, namespace: str, name: str) -> Capture:
    capture = collector.fetch_one(_request(namespace, name))
    if capture.failed(Reason.NOT_FOUND):
        raise UsageError(
            f'Error from server (NotFound): pods "{name}" not found',
            next=f"kubectl get pods -n {namespace}",
        )
    return capture


def _request(namespace: str, name: str) -> ApiRequest:
    return ApiRequest(path=f"/api/v1/namespaces/{namespace}/pods/{name}", many=False)


def _pods(capture: Capture) -> tuple[Pod, ...]:
    if capture.failure is not None:
        raise ClusterError(capture.failure.message)
    return tuple(map(parse_pod, capture.objects))


def _address_of(pod: Pod, words: Spoken) -> IPAddress:
    family = family_of(words.destination.address)
    found = next((a for a in pod.addresses if family_of(a) is family), None)
    if found is None:
        raise UsageError(f"pod {pod} has no {family.value} address")
    return found


def _runs_on(collector: Collector, address: IPAddress) -> str:
    """The node of the running pod with this address; a finished pod's is free again."""
    query = (("fieldSelector", f"status.podIP={address}"),)
    pods = _pods(collector.fetch_one(ApiRequest(path="/api/v1/pods", query=query)))
    running = [pod for pod in pods if pod.phase == "Running" and not pod.host_network]
    return running[0].node if running else ""


def _range_of(nodes: tuple[Node, ...], address: IPAddress) -> str:
    """The API finds pods by their first address alone; a second one is in its node's range."""
    ranges = ((node, cidr) for node in nodes for cidr in node.pod_cidrs)
    return next((node.name for node, cidr in ranges if address in cidr), "")
