"""iptables rules as kube-proxy writes them, from 1.11 to today: one row per shape.

Sources: `pkg/proxy/iptables/proxier.go` of these versions; chain names are its hashes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_rules import Frontends, Rules
from tests.kernel.kernel_services import Service, said

INPUT, FORWARD, OUTPUT = "INPUT", "FORWARD", "OUTPUT"
NEW = "-m conntrack --ctstate NEW"


@dataclass(frozen=True)
class Era:
    """`services` and `external`: hooks that ask KUBE-SERVICES and KUBE-EXTERNAL-SERVICES.
    `remote`: how KUBE-FORWARD knows what belongs to a connection. `marks`: where a ClusterIP's
    packets are marked. `local`: the chain of local endpoints. `refuses`: a mark, or filter."""

    versions: str
    services: tuple[str, ...]
    external: tuple[str, ...]
    remote: str  # cidr, pods, plain
    marks: str  # dispatch, service
    local: str  # XLB, SVL
    refuses: str  # mark, filter
    invalid: bool = True
    own_way: bool = True  # what the node itself sends to a local-only Service goes anywhere
    comments: bool = True
    physdev: bool = False
    returns: bool = True  # KUBE-POSTROUTING returns what has no mark
    health: bool = False
    localnet: bool = True  # KUBE-FIREWALL keeps others from 127.0.0.0/8
    nfacct: bool = False


_ALL = (INPUT, FORWARD, OUTPUT)
_TWO, _IN = (FORWARD, OUTPUT), (INPUT,)
_NEWER = (INPUT, FORWARD)
ERAS = (
    Era("1.11-1.13", (OUTPUT,), _IN, "cidr", "dispatch", "XLB", "mark", invalid=False,
        own_way=False, comments=False, physdev=True, returns=False, localnet=False),
    Era("1.14-1.15", _ALL, _IN, "cidr", "dispatch", "XLB", "mark", invalid=False,
        own_way=False, comments=False, physdev=True, returns=False, localnet=False),
    Era("1.16-1.17", _ALL, _IN, "cidr", "dispatch", "XLB", "mark", comments=False,
        physdev=True, returns=False),
    Era("1.18", _ALL, _IN, "pods", "dispatch", "XLB", "mark", physdev=True, returns=False),
    Era("1.20", _TWO, _NEWER, "pods", "dispatch", "XLB", "mark", physdev=True),
    Era("1.21", _TWO, _NEWER, "pods", "dispatch", "XLB", "mark", health=True),
    Era("1.22", _TWO, _NEWER, "pods", "service", "XLB", "mark", health=True),
    Era("1.23", _TWO, _NEWER, "plain", "service", "XLB", "mark", health=True),
    Era("1.24", _TWO, _NEWER, "plain", "service", "SVL", "mark", health=True),
    Era("1.25-1.26", _TWO, _NEWER, "plain", "service", "SVL", "filter", health=True,
        localnet=False),
    Era("1.27-1.30", _TWO, _NEWER, "plain", "service", "SVL", "filter", health=True),
    Era("1.31-1.37", _TWO, _NEWER, "plain", "service", "SVL", "filter", health=True,
        nfacct=True),
)  # fmt: skip


def write_proxy(rules: Rules, rng: random.Random, era: Era, most: int = 3) -> Frontends:
    """kube-proxy's rules for a few random Services; what they listen at."""
    _frame(rules, era)
    frontends: Frontends = []
    for number in range(rng.randint(1, most)):
        frontends += Service(rules, rng, era, number).write()
    places = rules.places
    local = "-m addrtype --dst-type LOCAL"
    if places.family is Family.IPV6 and era.refuses == "filter":
        local = f"! -d ::1/128 {local}"
    if rng.random() < 0.15:  # --nodeport-addresses
        local = f"-d {places.one(places.node)}"
    note = said("kubernetes service nodeports; NOTE: this must be the last rule in this chain")
    rules.add("nat", "KUBE-SERVICES", f"{note} {local} -j KUBE-NODEPORTS")
    return frontends


def _frame(rules: Rules, era: Era) -> None:
    """What is there before the first Service. Each jump is put first in its hook."""
    places, external = rules.places, "kubernetes externally-visible service portals"
    portals = said("kubernetes service portals")
    tables = ["mangle", "nat", "filter"] if era.versions[:4] > "1.16" else []
    for table in tables:
        rules.chains[table, "KUBE-PROXY-CANARY"] = []
    jumps = [
        ("filter", h, f"{NEW} {said(external)} -j KUBE-EXTERNAL-SERVICES") for h in era.external
    ]
    if era.health:
        note = said("kubernetes health check service ports")
        jumps.append(("filter", INPUT, f"{note} -j KUBE-NODEPORTS"))
        rules.chains["filter", "KUBE-NODEPORTS"] = []
    jumps += [("filter", hook, f"{NEW} {portals} -j KUBE-SERVICES") for hook in era.services]
    jumps.append(("filter", FORWARD, f"{said('kubernetes forwarding rules')} -j KUBE-FORWARD"))
    if era.refuses == "filter":
        note = said("kubernetes load balancer firewall")
        jumps += [("filter", hook, f"{NEW} {note} -j KUBE-PROXY-FIREWALL") for hook in _ALL]
        rules.chains["filter", "KUBE-PROXY-FIREWALL"] = []
    jumps += [("nat", hook, f"{portals} -j KUBE-SERVICES") for hook in (OUTPUT, "PREROUTING")]
    note = said("kubernetes postrouting rules")
    jumps.append(("nat", "POSTROUTING", f"{note} -j KUBE-POSTROUTING"))
    jumps += [("filter", hook, "-j KUBE-FIREWALL") for hook in (INPUT, OUTPUT)]
    for table, hook, rule in jumps:
        rules.chains[table, hook].insert(0, rule)
    for table, chain in (
        ("nat", "KUBE-SERVICES"), ("nat", "KUBE-NODEPORTS"), ("filter", "KUBE-SERVICES"),
        ("filter", "KUBE-EXTERNAL-SERVICES"), ("filter", "KUBE-FIREWALL"),
    ):  # fmt: skip
        rules.chains[table, chain] = []
    _marks(rules, era)
    if era.refuses == "mark":
        note = said("kubernetes firewall for dropping marked packets")
        rules.add("filter", "KUBE-FIREWALL", f"{note} -m mark --mark 0x8000/0x8000 -j DROP")
    if era.localnet and places.family is Family.IPV4:
        net, note = places.loopback_net, said("block incoming localnet connections")
        states = "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT"
        rules.add("filter", "KUBE-FIREWALL", f"{note} ! -s {net} -d {net} {states} -j DROP")


def _marks(rules: Rules, era: Era) -> None:
    """Marking, what marks lead to, and KUBE-FORWARD."""
    word = "--or-mark 0x4000" if era.returns else "--set-xmark 0x4000/0x4000"
    rules.add("nat", "KUBE-MARK-MASQ", f"-j MARK {word}")
    if era.refuses == "mark":
        rules.add("nat", "KUBE-MARK-DROP", "-j MARK --set-xmark 0x8000/0x8000")
    note = said("kubernetes service traffic requiring SNAT")
    if era.returns:
        rules.add("nat", "KUBE-POSTROUTING", "-m mark ! --mark 0x4000/0x4000 -j RETURN")
        rules.add("nat", "KUBE-POSTROUTING", "-j MARK --xor-mark 0x4000")
        rules.add("nat", "KUBE-POSTROUTING", f"{note} -j MASQUERADE --random-fully")
    else:
        fully = " --random-fully" if era.invalid else ""
        rules.add(
            "nat", "KUBE-POSTROUTING", f"{note} -m mark --mark 0x4000/0x4000 -j MASQUERADE{fully}"
        )
    if era.invalid:
        account = " -m nfacct --nfacct-name ct_state_invalid_dropped_pkts" if era.nfacct else ""
        rules.add("filter", "KUBE-FORWARD", f"-m conntrack --ctstate INVALID{account} -j DROP")
    note = said("kubernetes forwarding rules")
    rules.add("filter", "KUBE-FORWARD", f"{note} -m mark --mark 0x4000/0x4000 -j ACCEPT")
    known = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    if era.remote == "plain":
        note = said("kubernetes forwarding conntrack rule")
        rules.add("filter", "KUBE-FORWARD", f"{note} {known}")
        return
    for side, word in (("-s", "source"), ("-d", "destination")):
        note = said(f"kubernetes forwarding conntrack pod {word} rule")
        which = f"{side} {rules.places.pods} " if era.remote == "cidr" else ""
        rules.add("filter", "KUBE-FORWARD", f"{which}{note} {known}")
