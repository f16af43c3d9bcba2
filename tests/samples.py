"""Model objects as short as a test wants them, and rules from save text."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from kubectl_svcnet.engine.simulate.flow import Flow, Tracking
from kubectl_svcnet.model.address import Family, Protocol, SocketAddress
from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.fate import Backend, ChainId, Fate, FateKind, RuleRef
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.model.packet import Client, Hook, Packet
from kubectl_svcnet.model.report import Asked, Expectation, Walk
from kubectl_svcnet.model.service import (
    Container,
    Endpoint,
    Frontend,
    FrontendKind,
    Node,
    Pod,
    Service,
    ServiceName,
    ServicePort,
)
from kubectl_svcnet.parse.iptables_save import parse_save

DB = ServiceName("default", "db")


def at(text: str) -> SocketAddress:
    """10.244.1.2:3306, [fd00::2]:3306"""
    host, _, port = text.rpartition(":")
    return SocketAddress(ip_address(host.strip("[]")), int(port))


def service(**values: object) -> Service:
    known: dict[str, object] = {
        "name": DB,
        "type": "ClusterIP",
        "ports": (ServicePort(name="mysql", protocol=Protocol.TCP, port=3306),),
        "cluster_ips": (ip_address("10.96.0.9"),),
    }
    return Service(**{**known, **values})  # type: ignore[arg-type]


def frontend(
    kind: FrontendKind = FrontendKind.CLUSTER_IP,
    address: str | None = "10.96.0.9",
    port: int = 3306,
    *,
    port_name: str = "mysql",
    family: Family = Family.IPV4,
    protocol: Protocol = Protocol.TCP,
    service: ServiceName = DB,
) -> Frontend:
    return Frontend(
        service=service,
        kind=kind,
        address=ip_address(address) if address else None,
        port=port,
        protocol=protocol,
        port_name=port_name,
        family=family,
    )


def endpoint(text: str, node: str = "n1", **values: object) -> Endpoint:
    known: dict[str, object] = {"port_name": "mysql", "protocol": Protocol.TCP, "node": node}
    return Endpoint(address=at(text), **{**known, **values})  # type: ignore[arg-type]


def node(name: str = "n1", *addresses: str, cidrs: Iterable[str] = (), **values: object) -> Node:
    return Node(
        name=name,
        addresses=tuple(map(ip_address, addresses)),
        pod_cidrs=tuple(map(ip_network, cidrs)),
        **values,  # type: ignore[arg-type]
    )


def pod(name: str, *addresses: str, on: str = "n1", **values: object) -> Pod:
    known: dict[str, object] = {"namespace": "default", "phase": "Running"}
    return Pod(
        name=name,
        node=on,
        addresses=tuple(map(ip_address, addresses)),
        **{**known, **values},  # type: ignore[arg-type]
    )


def agent(name: str, on: str = "n1", *, container: str = "agent", **values: object) -> Pod:
    """A running hostNetwork pod of kube-system."""
    labels = values.pop("labels", {})
    running = values.pop("running", True)
    environment = values.pop("environment", {})
    command = values.pop("command", ())
    made = Container(
        name=container,
        running=bool(running),
        environment=environment,  # type: ignore[arg-type]
        command=command,  # type: ignore[arg-type]
    )
    known: dict[str, object] = {
        "namespace": "kube-system",
        "host_network": True,
        "labels": labels,
        "containers": (made,),
    }
    return pod(name, on=on, **{**known, **values})


def proxy(on: str = "n1", **values: object) -> Pod:
    known: dict[str, object] = {"labels": {"k8s-app": "kube-proxy"}, "container": "kube-proxy"}
    return agent(f"kube-proxy-{on}", on, **{**known, **values})  # type: ignore[arg-type]


def view(save: str = "", *, family: Family = Family.IPV4, **values: object) -> NodeView:
    rulesets = {(family, Backend.NFT): parse_save(save, family, Backend.NFT)} if save else {}
    return NodeView(node="n1", rulesets=rulesets, **values)  # type: ignore[arg-type]


def ref(chain: str, raw: str = "", number: int = 1, table: str = "nat") -> RuleRef:
    return RuleRef(ChainId(Family.IPV4, Backend.NFT, table, chain), number, raw)


def packet(**values: object) -> Packet:
    known: dict[str, object] = {
        "hook": Hook.PREROUTING,
        "protocol": Protocol.TCP,
        "source": ip_address("10.244.1.9"),
        "destination": ip_address("10.96.0.9"),
        "destination_port": 3306,
    }
    return Packet(**{**known, **values})  # type: ignore[arg-type]


#: What comes in by cni0, and is nobody's connection yet.
FLOW = Flow(
    family=Family.IPV4,
    protocol=Protocol.TCP,
    source=ip_address("10.244.1.9"),
    source_port=None,
    destination=ip_address("10.96.0.10"),
    destination_port=80,
    in_device="cni0",
    out_device="",
    physical_in=None,
    own=False,
    mark=0x4000,
    tracking=Tracking.NEW,
)


def asked(
    *expected: str,
    client: Client = Client.POD,
    alternatives: Iterable[Iterable[str]] = (),
    may_pass: bool = False,
    why: str = "",
) -> Asked:
    return Asked(
        client=client,
        packet=packet(),
        expectation=Expectation(
            endpoints=frozenset(map(at, expected)),
            alternatives=tuple(frozenset(map(at, other)) for other in alternatives),
            may_pass=may_pass,
            why=why,
        ),
    )


DISPATCH = ref(
    "KUBE-SERVICES",
    "-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m tcp --dport 3306 -j KUBE-SVC-AAAAAAAAAAAAAAAA",
)


def arrives(
    text: str,
    probability: float | None = 1.0,
    *,
    chain: str = "KUBE-SEP-AAAAAAAAAAAAAAAA",
    masquerade: bool | None = False,
) -> Fate:
    rule = ref(chain, f"-A {chain} -p tcp -m tcp -j DNAT --to-destination {text}", 2)
    return Fate(
        kind=FateKind.ENDPOINT,
        endpoint=at(text),
        probability=probability,
        masquerade=masquerade,
        rules=(DISPATCH, ref("KUBE-SVC-AAAAAAAAAAAAAAAA", f"-j {chain}"), rule),
        translated_by=rule,
    )


def ends(kind: FateKind, *rules: RuleRef, **values: object) -> Fate:
    """A refusal's last rule is to blame for it."""
    if kind in (FateKind.DROP, FateKind.REJECT) and rules:
        values = {"because": str(rules[-1]), **values}
    return Fate(kind=kind, rules=rules, **values)  # type: ignore[arg-type]


def walk(question: Asked, *fates: Fate) -> Walk:
    return Walk(asked=question, fates=fates)


def capture(
    command: Command,
    data: str | bytes = b"",
    *,
    exit_code: int | None = 0,
    stderr: str = "",
    failure: Reason | None = None,
) -> Capture:
    """One command's answer on n1."""
    raw = data.encode() if isinstance(data, str) else data
    return Capture(
        request=ExecRequest(
            node="n1",
            namespace="kube-system",
            pod="kube-proxy-n1",
            container="kube-proxy",
            commands=(command,),
        ),
        command=command,
        data=raw,
        stderr=stderr.encode(),
        size=len(raw),
        exit_code=exit_code,
        failure=Failure(reason=failure, message=failure.value) if failure else None,
    )
