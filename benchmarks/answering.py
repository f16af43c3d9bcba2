"""What one saved ruleset costs the simulator, in a process of its own.

`python -m benchmarks.answering RULES ADDRESSES ROUTES SIZE WHICH` reads what `packet --rules` would
be given, answers for one Service and, if WHICH is `all`, for all Services and their clients. Its
line of JSON is an `Answered`.
"""

from __future__ import annotations

import gc
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from time import process_time

from kubectl_svcnet.cli.main import GC_THRESHOLD
from kubectl_svcnet.engine.simulate import Simulator
from kubectl_svcnet.model.address import Family, Protocol
from kubectl_svcnet.model.fate import Fate, FateKind
from kubectl_svcnet.model.packet import Hook, Packet
from kubectl_svcnet.model.saved import SavedFiles, SavedText
from kubectl_svcnet.pipeline.saved import read_saved

from .rulesets import service_address
from .sizes import PORT, Size, addresses, parse_size

NODE, POD = "172.18.0.4", "10.244.3.9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Seconds of processor time; `memory` is the most that the process had, in MiB."""

    one: float  # from the text to the fates of one packet
    all: float | None  # the same, for all Services and their clients
    packets: int
    memory: float


def packets(size: Size, number: int) -> Iterator[Packet]:
    """Of a pod of the node, of a pod that is an endpoint itself, and of the node."""
    own = next(addresses(size, number))
    for source, hook in (
        (POD, Hook.PREROUTING),
        (own, Hook.PREROUTING),
        (NODE, Hook.OUTPUT),
    ):
        yield Packet(
            hook=hook,
            protocol=Protocol.TCP,
            source=ip_address(source),
            destination=service_address(number),
            destination_port=PORT,
            in_interface="cni0" if hook is Hook.PREROUTING else None,
        )


def check(fates: Sequence[Fate], size: Size, number: int) -> None:
    """A quick answer that is wrong is no answer."""
    reached = {str(fate.endpoint.address) for fate in fates if fate.endpoint is not None}
    if reached != set(addresses(size, number)) or {f.kind for f in fates} != {FateKind.ENDPOINT}:
        raise SystemExit(f"Service {number} leads to {sorted(reached)}: {fates[:2]}")


def answer(files: SavedFiles, size: Size, *, everything: bool) -> Answered:
    started = process_time()
    view, _ = read_saved(files, [Family.IPV4])
    simulator = Simulator(view)
    middle = size.services // 2
    fates = simulator.fates(next(packets(size, middle)))
    one = process_time() - started
    check(fates, size, middle)
    asked, whole = 1, None
    if everything:
        whole = one
        for number in range(size.services):
            for packet in packets(size, number):
                started = process_time()
                fates = simulator.fates(packet)
                whole += process_time() - started
                check(fates, size, number)
                asked += 1
    return Answered(one=one, all=whole, packets=asked, memory=most_memory())


def most_memory() -> float:
    """By proc(5); getrusage(2) would count what the process was before its exec."""
    found = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def main(rules: str, nearby: Sequence[str], size: Size, which: str) -> None:
    gc.set_threshold(GC_THRESHOLD)  # as the command line does
    texts = [SavedText(name=path, text=Path(path).read_text()) for path in (rules, *nearby)]
    files = SavedFiles(rules=(texts[0],), addresses=(texts[1],), routes=(texts[2],))
    print(json.dumps(asdict(answer(files, size, everything=which == "all"))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:4], parse_size(sys.argv[4]), sys.argv[5])
