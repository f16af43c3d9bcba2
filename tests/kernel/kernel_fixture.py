"""A case as files that `packet --rules` takes, with the kernel's answers: what a disagreement is
kept as, under tests/fixtures/kernel.

SVCNET_KERNEL_KEEP=DIR keeps each one that a run finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_net import Net
from tests.kernel.kernel_packets import Probe, Seen
from tests.kernel.kernel_view import SYSCTLS, packet_of

#: File, and the command that shows what is in it.
LISTINGS = {
    "addresses.json": "ip -j addr",
    "routes4.json": "ip -j route show table all",
    "routes6.json": "ip -6 -j route show table all",
    "sets.txt": "ipset save",
}


def keep(net: Net, folder: Path, answers: Mapping[Probe, Iterable[Seen]]) -> None:
    """What is loaded now, these packets, and what became of each."""
    folder.mkdir(parents=True, exist_ok=True)
    family = next(iter(answers)).family
    tool = "iptables" if family is Family.IPV4 else "ip6tables"
    listings = LISTINGS | {f"rules-{name}.txt": f"{tool}-{name}-save" for name in ("nft", "legacy")}
    for name, command in listings.items():
        (folder / name).write_text(net.run("node", *command.split()), encoding="utf-8")
    paths = [f"/proc/sys/net/{name}" for name in SYSCTLS]
    sysctls = net.run("node", "grep", "-sH", "", *paths)
    (folder / "sysctl.txt").write_text(sysctls, encoding="utf-8")
    native = net.run("node", "nft", "list", "ruleset")
    if " kube-proxy {" in native or " beside" in native:
        (folder / "rules-native.txt").write_text(native, encoding="utf-8")
    rows = [json.dumps(_row(probe, seen)) for probe, seen in answers.items()]
    (folder / "packets.jsonl").write_text("\n".join([*rows, ""]), encoding="utf-8")


def _row(probe: Probe, seen: Iterable[Seen]) -> dict[str, object]:
    """`seen` is a key that readers of packets ignore."""
    packet = packet_of(probe)
    row: dict[str, object] = {
        "hook": packet.hook.value,
        "in": packet.in_interface,
        "physin": packet.physical_in,
        "proto": packet.protocol.value.lower(),
        "src": probe.source,
        "dst": probe.destination,
        "dport": probe.port,
        "seen": [[one.kind, one.endpoint or None, one.masquerade] for one in sorted(set(seen))],
    }
    return {key: value for key, value in row.items() if value is not None}
