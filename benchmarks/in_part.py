"""One Service of a large nftables node: read in part and judged, against listing its whole table.

The commands are those of a trace, run by its own script, in a network namespace instead of a node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from time import process_time

from kubectl_svcnet.cluster.batch import decode, encode
from kubectl_svcnet.dataplanes.kube_proxy_nftables import OWN, hashed_name
from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.capture import Capture
from kubectl_svcnet.model.commands import Command, Needs
from kubectl_svcnet.model.fate import IPTABLES, FateKind
from kubectl_svcnet.model.nodeview import InterfaceAddress, NodeView, Route
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.node.netfilter import LISTING, Wanted
from kubectl_svcnet.node.nft import further_tables, read_native
from tests.lab.shell import LabError
from tests.samples import capture

from .answering import NODE, check, packets
from .rulesets import service_address
from .sizes import NAMESPACE, TARGET_PORT, Size, addresses, service_name

TOKEN = "0123456789abcdef"
ROUNDS = 4

Run = Callable[[list[str]], tuple[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """`seconds` of processor time, the node's and ours."""

    seconds: float
    bytes: int


def wanted(size: Size, number: int) -> Wanted:
    name = f"{NAMESPACE}/{service_name(number)}/tcp/http"
    places = tuple(addresses(size, number))
    behind = [f"endpoint-{hashed_name(f'{name}__{place}/{TARGET_PORT}')}" for place in places]
    return Wanted(
        family=Family.IPV4,
        chains=frozenset(),
        destinations=frozenset([service_address(number)]),
        native=frozenset([f"service-{hashed_name(name)}", *behind]),
        endpoints=frozenset(map(ip_address, places)),
    )


def view_of(answers: Mapping[Command, Capture], asked: Wanted) -> NodeView:
    native = read_native(answers, [asked])
    assert native is not None
    none = {
        (Family.IPV4, one): Ruleset(family=Family.IPV4, backend=one, complete=True)
        for one in IPTABLES
    }
    return NodeView(
        node="",
        rulesets=none,
        nft_tables=native.tables,
        addresses=(InterfaceAddress(ip_address(NODE), "eth0", 24),),
        routes=(
            Route(ip_network("0.0.0.0/0"), "eth0", gateway=ip_address("172.18.0.1")),
            Route(ip_network("10.244.3.0/24"), "cni0"),
        ),
        sysctls={"net.ipv4.ip_forward": "1"},
        own=OWN,
    )


def in_part(size: Size, run: Run) -> Cost:
    """Round by round, as a trace does it, until its walks miss nothing."""
    number = size.services // 2
    asked = wanted(size, number)
    answers: dict[Command, Capture] = {}
    commands: tuple[Command, ...] = (LISTING,)
    seconds, count = 0.0, 0
    for _ in range(ROUNDS):
        argv = encode(commands, token=TOKEN, in_use=[Needs.NF_TABLES])
        out, spent = run(argv)
        started = process_time()
        for command, answer in zip(
            commands, decode(commands, out.encode(), b"", TOKEN), strict=True
        ):
            answers[command] = capture(command, answer.data.decode())
            count += len(answer.data)
        simulator = Simulator(view_of(answers, asked))
        walks = [simulator.fates(packet) for packet in packets(size, number)]
        unread = frozenset(name for fates in walks for fate in fates for name in fate.unread)
        commands = further_tables(unread, answers, [asked])
        seconds += spent + process_time() - started
        if not any(fate.kind is FateKind.UNREAD for fates in walks for fate in fates):
            for fates in walks:
                check(fates, size, number)
            return Cost(seconds=seconds, bytes=count)
    raise LabError(f"still unread after {ROUNDS} rounds: {sorted(map(str, unread))}")
