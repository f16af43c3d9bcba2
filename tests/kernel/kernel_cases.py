"""Random cases for iptables: kube-proxy's rules of any shape, spoiled, with others around them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.kernel.kernel_packets import Probe
from tests.kernel.kernel_places import V4, V6, Places
from tests.kernel.kernel_proxy import ERAS, write_proxy
from tests.kernel.kernel_rules import SPOILERS, Rules, Spoil, probes_of


@dataclass
class Case:
    """`texts`: what to load, by backend."""

    places: Places
    texts: dict[str, str]
    probes: list[Probe]
    shape: str
    spoiled: list[str]


def settings_of(seed: int) -> list[str]:
    """sysctls that a node may have so or so."""
    rng = random.Random(-seed)
    bridged, localnet = rng.choice("01"), rng.choice("0111")
    return [
        f"net.bridge.bridge-nf-call-iptables={bridged}",
        f"net.bridge.bridge-nf-call-ip6tables={bridged}",
        f"net.ipv4.conf.all.route_localnet={localnet}",
        f"net.ipv4.conf.eth0.route_localnet={rng.choice('01')}",
        f"net.ipv4.conf.cni0.route_localnet={rng.choice('01')}",
    ]


def make_case(seed: int, blocks: Sequence[Spoil] = ()) -> Case:
    """kube-proxy's rules, spoiled; and with `blocks` what one or two of them write."""
    rng = random.Random(seed)
    places, era = (V4, V6)[seed // 2 % 2], rng.choice(ERAS)
    own, foreign = Rules(places), Rules(places)
    frontends = write_proxy(own, rng, era)
    spoiled = []

    def spoil_by(spoil: Spoil) -> None:
        where = foreign if rng.random() < 0.25 else own
        spoil(where, rng, frontends)
        spoiled.append(f"{spoil.__name__}{' (other backend)' if where is foreign else ''}")

    if rng.random() < 0.1:
        own.policies["filter", "FORWARD"] = "DROP"
        own.add("filter", "FORWARD", f"-s {places.pods} -j ACCEPT")
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        spoil_by(rng.choice(SPOILERS))
    for block in rng.sample(blocks, min(len(blocks), rng.choice((1, 1, 2)))):
        spoil_by(block)
    backends = rng.sample(("nft", "legacy"), 2)
    texts = dict(zip(backends, (own.text(), foreign.text()), strict=True))
    shape = f"{places.family.value} {era.versions} {backends[0]}"
    return Case(places, texts, probes_of(places, rng, frontends), shape, spoiled)
