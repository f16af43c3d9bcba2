"""The iptables rules of one port of a random Service, as each shape of kube-proxy writes them."""

from __future__ import annotations

import base64
import hashlib
import random
from typing import TYPE_CHECKING

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_packets import TCP, UDP
from tests.kernel.kernel_places import Places
from tests.kernel.kernel_rules import Frontends, Rules

if TYPE_CHECKING:
    from tests.kernel.kernel_proxy import Era


def said(words: str) -> str:
    return f'-m comment --comment "{words}"'


def _hash(words: str) -> str:
    return base64.b32encode(hashlib.sha256(words.encode()).digest()).decode()[:16]


class Service:
    """One port of a random Service."""

    def __init__(self, rules: Rules, rng: random.Random, era: Era, number: int) -> None:
        self.rules, self.rng, self.era, self.number = rules, rng, era, number
        self.places: Places = rules.places
        self.protocol = rng.choice((TCP, UDP))
        self.word = "tcp" if self.protocol == TCP else "udp"
        self.name = f"ns/s{number}:p"
        self.vip = self.places.vip(number + 10)
        self.port = rng.choice((80, 443))
        self.node_port = 30080 + number
        self.backends = rng.sample(self.places.endpoints, rng.choice((0, 1, 1, 2, 3, 4)))
        self.near = [one for one in self.backends if one in (self.places.pod_a, self.places.pod_b)]
        self.sticky = rng.random() < 0.2
        self.external_local = rng.random() < 0.35
        self.internal_local = rng.random() < 0.1 and era.local == "SVL"
        self.ranges = rng.random() < 0.5
        stem = _hash(self.name + self.word)
        self.service, self.external = f"KUBE-SVC-{stem}", f"KUBE-EXT-{stem}"
        self.locals = f"KUBE-{era.local}-{stem}"
        self.firewall = f"KUBE-FW-{stem}"

    def _add(self, table: str, chain: str, rule: str) -> None:
        self.rules.add(table, chain, rule)

    def _at(self, address: str, port: int, kind: str, *, local: bool = False) -> str:
        note = said(f"{self.name}{kind}")
        where = "-m addrtype --dst-type LOCAL " if local else ""
        to = f"-d {self.places.one(address)} " if address else ""
        return f"{note} {where}-m {self.word} -p {self.word} {to}--dport {port}"

    def write(self) -> Frontends:
        kind = self.rng.choice(("cluster", "nodeport", "external", "balancer"))
        outside = {"external": self.places.external, "balancer": self.places.balancer}.get(kind)
        if outside is not None and (outside, self.port) in self.rules.taken:
            outside = None
        frontends = [(self.protocol, self.vip, self.port)]
        if kind != "cluster":
            frontends.append((self.protocol, self.places.node, self.node_port))
        if outside is not None:
            self.rules.taken.add((outside, self.port))
            frontends.append((self.protocol, outside, self.port))
        if not self.backends:
            self._refuse(kind, outside)
            return frontends
        self._endpoints(external=kind != "cluster")
        self._cluster()
        if kind != "cluster":
            self._outside(kind, outside)
        return frontends

    def _refuse(self, kind: str, outside: str | None) -> None:
        """Without any endpoint."""
        answer, none = f"-j REJECT --reject-with {self.places.refused}", " has no endpoints"
        self._add("filter", "KUBE-SERVICES", f"{self._at(self.vip, self.port, none)} {answer}")
        if kind != "cluster":
            at = self._at("", self.node_port, none, local=True)
            self._add("filter", "KUBE-EXTERNAL-SERVICES", f"{at} {answer}")
        if outside is not None and (kind, self.era.remote) != ("balancer", "cidr"):
            both = "KUBE-EXTERNAL-SERVICES"
            chain = "KUBE-SERVICES" if (kind, self.era.versions) == ("balancer", "1.18") else both
            self._add("filter", chain, f"{self._at(outside, self.port, none)} {answer}")

    def _endpoints(self, *, external: bool) -> None:
        """The chains of endpoints, and who picks one of them."""
        names = {one: "KUBE-SEP-" + _hash(f"{self.name}{self.word}{self.places.spot(one, 8080)}")
                 for one in self.backends}  # fmt: skip
        self.rules.chains["nat", self.service] = []
        self._balance(self.service, {one: names[one] for one in self.backends})
        for one, name in names.items():
            note = said(self.name) if self.era.comments else ""
            self._add("nat", name, f"{note} -s {self.places.one(one)} -j KUBE-MARK-MASQ")
            seen = f"-m recent --name {name} --set " if self.sticky else ""
            to = f"-j DNAT --to-destination {self.places.spot(one, 8080)}"
            self._add("nat", name, f"{note} {seen}-m {self.word} -p {self.word} {to}")
        if not (external and self.external_local) and not self.internal_local:
            return
        if self.era.local == "XLB":
            self._xlb_way()
        if self.near:
            self._balance(self.locals, {one: names[one] for one in self.near})
        elif self.era.refuses == "mark":
            none = said(f"{self.name} has no local endpoints")
            self._add("nat", self.locals, f"{none} -j KUBE-MARK-DROP")

    def _balance(self, chain: str, names: dict[str, str]) -> None:
        notes = {
            one: said(f"{self.name} -> {self.places.spot(one, 8080)}")
            if self.era.local == "SVL"
            else said(self.name)
            if self.era.comments
            else ""
            for one in names
        }
        if self.sticky:
            for one, name in names.items():
                seen = f"-m recent --name {name} --rcheck --seconds 10800 --reap"
                self._add("nat", chain, f"{notes[one]} {seen} -j {name}")
        digits = 5 if self.era.remote == "cidr" and self.era.versions < "1.16" else 10
        for index, (one, name) in enumerate(names.items()):
            left = len(names) - index
            share = f"-m statistic --mode random --probability {1 / left:.{digits}f}"
            self._add("nat", chain, f"{notes[one]} {share if left > 1 else ''} -j {name}")

    def _cluster(self) -> None:
        at = self._at(self.vip, self.port, " cluster IP")
        to = self.locals if self.internal_local else self.service
        how = self.rng.choice(("cidr", "cidr", "all", "none", "bridge"))
        mark = {
            "cidr": f"{at} ! -s {self.places.pods} -j KUBE-MARK-MASQ",
            "all": f"{at} -j KUBE-MARK-MASQ",
            "bridge": f"{at} ! -i cni0 -j KUBE-MARK-MASQ",
        }.get(how)
        if how == "bridge" and self.era.local == "XLB":  # since 1.24
            mark = None
        if mark is not None and self.era.marks == "dispatch":
            self._add("nat", "KUBE-SERVICES", mark)
        elif mark is not None:
            self.rules.chains.setdefault(("nat", to), []).insert(0, mark)
        if self.internal_local and not self.near and self.era.refuses == "filter":
            none = self._at(self.vip, self.port, " has no local endpoints")
            self._add("filter", "KUBE-SERVICES", f"{none} -j DROP")
            return
        if to == self.service or self.near or self.era.refuses == "mark":
            self._add("nat", "KUBE-SERVICES", f"{at} -j {to}")

    # From outside

    def _outside(self, kind: str, outside: str | None) -> None:
        if self.era.health and self.external_local and kind == "balancer":
            at = self._at("", self.node_port + 1000, " health check node port")
            self._add("filter", "KUBE-NODEPORTS", f"{at} -j ACCEPT")
        if self.era.local == "SVL":
            self._external_chain()
            refused = self.external_local and not self.near and self.era.refuses == "filter"
            none, drop = " has no local endpoints", "KUBE-EXTERNAL-SERVICES"
            if refused:
                at = self._at("", self.node_port, none, local=True)
                self._add("filter", drop, f"{at} -j DROP")
            if refused and outside is not None:
                self._add("filter", drop, f"{self._at(outside, self.port, none)} -j DROP")
            self._node_port(self.external)
            if outside is not None:
                self._external_address(kind, outside)
            return
        self._old_node_port()
        if kind == "external" and outside is not None:
            self._old_external_ip(outside)
        if kind == "balancer" and outside is not None:
            self._old_firewall(outside)

    def _external_chain(self) -> None:
        words = f"{self.name} external destinations"
        if not self.external_local:
            note = said(f"masquerade traffic for {words}")
            self._add("nat", self.external, f"{note} -j KUBE-MARK-MASQ")
            self._add("nat", self.external, f"-j {self.service}")
            return
        own = "-m addrtype --src-type LOCAL"
        notes = ("pod traffic", "masquerade LOCAL traffic", "route LOCAL traffic")
        pods, masked, routed = (said(f"{what} for {words}") for what in notes)
        self._add("nat", self.external, f"{pods} -s {self.places.pods} -j {self.service}")
        self._add("nat", self.external, f"{masked} {own} -j KUBE-MARK-MASQ")
        self._add("nat", self.external, f"{routed} {own} -j {self.service}")
        if self.near or self.era.refuses == "mark":
            self._add("nat", self.external, f"-j {self.locals}")

    def _node_port(self, to: str) -> None:
        at = self._at("", self.node_port, "")
        if self.era.nfacct and self.places.family is Family.IPV4:
            account = "-m nfacct --nfacct-name localhost_nps_accepted_pkts"
            rule = f"{at} -d {self.places.loopback_net} {account} -j {to}"
            self._add("nat", "KUBE-NODEPORTS", rule)
        self._add("nat", "KUBE-NODEPORTS", f"{at} -j {to}")

    def _external_address(self, kind: str, address: str) -> None:
        if kind == "external" or not self.ranges:
            words = " external IP" if kind == "external" else " loadbalancer IP"
            at = self._at(address, self.port, words)
            self._add("nat", "KUBE-SERVICES", f"{at} -j {self.external}")
            return
        at = self._at(address, self.port, " loadbalancer IP")
        self._add("nat", "KUBE-SERVICES", f"{at} -j {self.firewall}")
        self._from_ranges(address, self.external)
        if self.era.refuses == "mark":
            note = said(f"{self.name} loadbalancer IP")
            self._add("nat", self.firewall, f"{note} -j KUBE-MARK-DROP")
            return
        others = f"other traffic to {self.name} will be dropped by KUBE-PROXY-FIREWALL"
        self._add("nat", self.firewall, said(others))
        at = self._at(address, self.port, f" traffic not accepted by {self.firewall}")
        self._add("filter", "KUBE-PROXY-FIREWALL", f"{at} -j DROP")

    def _from_ranges(self, address: str, to: str) -> None:
        note, places = said(f"{self.name} loadbalancer IP"), self.places
        ranges = self.rng.choice(
            ([places.outside_net], [places.one(places.outside), places.pods_here], [places.pods])
        )
        for network in ranges:
            self._add("nat", self.firewall, f"{note} -s {network} -j {to}")
        if self.rng.random() < 0.5:  # the node is in a range: so is the address as it sees it
            self._add("nat", self.firewall, f"{note} -s {places.one(address)} -j {to}")

    # 1.23 and before

    def _xlb_way(self) -> None:
        """What comes before the local endpoints."""
        pods = said("Redirect pods trying to reach external loadbalancer VIP to clusterIP")
        self._add("nat", self.locals, f"{pods} -s {self.places.pods} -j {self.service}")
        if self.era.own_way:
            masked = said(f"masquerade LOCAL traffic for {self.name} LB IP")
            own = "-m addrtype --src-type LOCAL"
            self._add("nat", self.locals, f"{masked} {own} -j KUBE-MARK-MASQ")
            routed = said(f"route LOCAL traffic for {self.name} LB IP to service chain")
            self._add("nat", self.locals, f"{routed} {own} -j {self.service}")

    def _old_node_port(self) -> None:
        at = self._at("", self.node_port, "")
        if self.external_local:
            mark = f"{at} -s {self.places.loopback_net} -j KUBE-MARK-MASQ"
            self._add("nat", "KUBE-NODEPORTS", mark)
        else:
            self._mark_outside("KUBE-NODEPORTS", f"{at} -j KUBE-MARK-MASQ")
        to = self.locals if self.external_local else self.service
        self._add("nat", "KUBE-NODEPORTS", f"{at} -j {to}")

    def _mark_outside(self, chain: str, rule: str) -> None:
        if self.era.marks == "dispatch":
            self._add("nat", chain, rule)
        else:
            self.rules.chains["nat", self.service].insert(0, rule)

    def _old_external_ip(self, address: str) -> None:
        at = self._at(address, self.port, " external IP")
        if self.era.physdev:
            self._add("nat", "KUBE-SERVICES", f"{at} -j KUBE-MARK-MASQ")
            from_outside = "-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL"
            self._add("nat", "KUBE-SERVICES", f"{at} {from_outside} -j {self.service}")
            own = f"{at} -m addrtype --dst-type LOCAL -j {self.service}"
            self._add("nat", "KUBE-SERVICES", own)
            return
        if not self.external_local:
            self._mark_outside("KUBE-SERVICES", f"{at} ! -s {self.places.pods} -j KUBE-MARK-MASQ")
        to = self.locals if self.external_local else self.service
        self._add("nat", "KUBE-SERVICES", f"{at} -j {to}")

    def _old_firewall(self, address: str) -> None:
        """Every load balancer's address has one."""
        at, note = self._at(address, self.port, " loadbalancer IP"), f"{self.name} loadbalancer IP"
        self._add("nat", "KUBE-SERVICES", f"{at} -j {self.firewall}")
        if not self.external_local:
            self._add("nat", self.firewall, f"{said(note)} -j KUBE-MARK-MASQ")
        to = self.locals if self.external_local else self.service
        if self.ranges:
            self._from_ranges(address, to)
        else:
            self._add("nat", self.firewall, f"{said(note)} -j {to}")
        self._add("nat", self.firewall, f"{said(note)} -j KUBE-MARK-DROP")
