"""What others write around kube-proxy's rules: as Docker, flannel, portmap, ufw, firewalld,
kube-router, Calico, Weave, the AWS agent and ip-masq-agent do. Each is put in whole, first or last
in the chains that it hooks into, as whoever started last would.
"""

from __future__ import annotations

import random

from kubectl_svcnet.model.address import Family
from tests.kernel.kernel_places import V4, V6, Places
from tests.kernel.kernel_rules import Frontends, Rules, Spoil


def _sets_of(places: Places) -> str:
    family = " family inet6" if places.family is Family.IPV6 else ""
    pod, name = places.pod_a, places.set
    return f"""\
create {name("pods")} hash:net{family}
add {name("pods")} {places.pods}
create {name("mine")} hash:ip{family}
add {name("mine")} {pod}
create {name("vips")} hash:ip,port{family}
add {name("vips")} {places.vip(10)},tcp:80
add {name("vips")} {places.vip(11)},udp:443
add {name("vips")} {places.external},tcp:80
create {name("blocked")} hash:net,port{family}
add {name("blocked")} {places.pods_here},tcp:8080
create {name("loop")} hash:ip,port,ip{family}
add {name("loop")} {pod},tcp:8080,{pod}
create {name("allowed")} hash:ip,port,net{family}
add {name("allowed")} {places.balancer},tcp:80,{places.outside_net}
add {name("allowed")} {places.balancer},tcp:80,{places.one(places.outside)} nomatch
create {name("ports")} bitmap:port range 0-65535
add {name("ports")} 30080
add {name("ports")} 30082
create {name("all")} list:set size 8
add {name("all")} {name("mine")}
add {name("all")} {name("pods")}
"""


#: Sets that the blocks ask, as `ipset restore` takes them.
SETS = _sets_of(V4) + _sets_of(V6)


def _hook(rules: Rules, rng: random.Random, table: str, chain: str, *lines: str) -> None:
    """First or last in a chain that is there."""
    place = rules.chains[table, chain]
    at = rng.choice((0, len(place)))
    place[at:at] = lines


def _docker(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    _hook(rules, rng, "nat", "PREROUTING", "-m addrtype --dst-type LOCAL -j DOCKER")
    output = f"! -d {places.loopback_net} -m addrtype --dst-type LOCAL -j DOCKER"
    _hook(rules, rng, "nat", "OUTPUT", output)
    _hook(rules, rng, "nat", "POSTROUTING", f"-s {places.docker} ! -o docker0 -j MASQUERADE")
    rules.add("nat", "DOCKER", "-i docker0 -j RETURN")
    to = f"DNAT --to-destination {places.spot(places.pod_a, 80)}"
    rules.add("nat", "DOCKER", f"! -i docker0 -p tcp -m tcp --dport 30080 -j {to}")
    rules.policies["filter", "FORWARD"] = rng.choice(("DROP", "ACCEPT"))
    forward = ("-j DOCKER-USER", "-j DOCKER-ISOLATION-STAGE-1")
    accept = "-o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    _hook(rules, rng, "filter", "FORWARD", *forward, accept, f"-s {places.pods} -j ACCEPT")
    rules.add("filter", "DOCKER-USER", "-j RETURN")
    stage = "-i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2"
    rules.add("filter", "DOCKER-ISOLATION-STAGE-1", stage)
    rules.add("filter", "DOCKER-ISOLATION-STAGE-1", "-j RETURN")
    rules.add("filter", "DOCKER-ISOLATION-STAGE-2", "-o docker0 -j DROP")


def _flannel(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    _hook(rules, rng, "nat", "POSTROUTING", "-j FLANNEL-POSTRTG")
    for rule in (
        "-m mark --mark 0x4000/0x4000 -j RETURN",
        f"-s {places.pods_here} -d {places.pods} -j RETURN",
        f"-s {places.pods} -d {places.pods_here} -j RETURN",
        f"! -s {places.pods} -d {places.pods_here} -j RETURN",
        f"-s {places.pods} ! -d {places.multicast} -j MASQUERADE --random-fully",
        f"! -s {places.pods} -d {places.pods} -j MASQUERADE --random-fully",
    ):
        rules.add("nat", "FLANNEL-POSTRTG", rule)
    _hook(rules, rng, "filter", "FORWARD", "-j FLANNEL-FWD")
    rules.add("filter", "FLANNEL-FWD", f"-s {places.pods} -j ACCEPT")
    rules.add("filter", "FLANNEL-FWD", f"-d {places.pods} -j ACCEPT")


def _portmap(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    protocol, _, port = rng.choice(frontends)
    word = "tcp" if protocol == 6 else "udp"
    for hook in ("PREROUTING", "OUTPUT"):
        _hook(rules, rng, "nat", hook, "-m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT")
    jump = f"-p {word} -m multiport --dports {port},9000 -j CNI-DN-1"
    rules.add("nat", "CNI-HOSTPORT-DNAT", jump)
    for source in (places.pods_here, places.one(places.loopback)):
        mark = f"-s {source} -p {word} -m {word} --dport {port} -j CNI-HOSTPORT-SETMARK"
        rules.add("nat", "CNI-DN-1", mark)
    to = f"DNAT --to-destination {places.spot(places.pod_b, 80)}"
    rules.add("nat", "CNI-DN-1", f"-p {word} -m {word} --dport {port} -j {to}")
    rules.add("nat", "CNI-HOSTPORT-SETMARK", "-j MARK --set-xmark 0x2000/0x2000")
    _hook(rules, rng, "nat", "POSTROUTING", "-j CNI-HOSTPORT-MASQ")
    rules.add("nat", "CNI-HOSTPORT-MASQ", "-m mark --mark 0x2000/0x2000 -j MASQUERADE")


def _ufw(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    for hook in ("INPUT", "FORWARD", "OUTPUT"):
        word = hook.lower()
        _hook(rules, rng, "filter", hook, f"-j ufw-before-{word}", f"-j ufw-after-{word}")
        related = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        rules.add("filter", f"ufw-before-{word}", related)
        rules.add("filter", f"ufw-after-{word}", '-j LOG --log-prefix "[UFW] "')
    before = "ufw-before-input"
    rules.chains["filter", before].insert(0, "-i lo -j ACCEPT")
    rules.add("filter", before, "-m conntrack --ctstate INVALID -j DROP")
    rules.add("filter", before, f"{places.error} -j ACCEPT")
    rules.add("filter", before, "-j ufw-not-local")
    kinds = ("LOCAL", "MULTICAST", *("BROADCAST",) * (places.family is Family.IPV4))
    for kind in kinds:
        rules.add("filter", "ufw-not-local", f"-m addrtype --dst-type {kind} -j RETURN")
    rules.add("filter", "ufw-not-local", "-j DROP")
    rules.add("filter", "ufw-before-output", "-o lo -j ACCEPT")
    allow = rng.choice(
        (f"-s {places.outside_net} -j ACCEPT", "-p tcp -m tcp --dport 8080 -j ACCEPT")
    )
    rules.add("filter", before, allow)
    rules.policies["filter", "INPUT"] = "DROP"


def _firewalld(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    _hook(rules, rng, "filter", "FORWARD", "-j FORWARD_direct", "-j FWD_zones")
    zone = rng.choice(("-i eth0 -g FWDI_public", "-i cni0 -g FWDI_public"))
    rules.add("filter", "FWD_zones", zone)
    rules.add("filter", "FWD_zones", "-g FWDI_trusted")
    rules.chains["filter", "FORWARD_direct"] = []
    reject = f"-j REJECT --reject-with {places.prohibited}"
    rules.add("filter", "FWDI_public", "-m conntrack --ctstate DNAT -j ACCEPT")
    rules.add("filter", "FWDI_public", reject)
    rules.add("filter", "FWDI_trusted", "-j ACCEPT")


def _kube_router(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    for hook in ("FORWARD", "OUTPUT", "INPUT"):
        _hook(rules, rng, "filter", hook, f"-j KUBE-ROUTER-{hook}")
        rules.chains["filter", f"KUBE-ROUTER-{hook}"] = []
    pod = f"-d {places.one(places.pod_a)} -j KUBE-POD-FW-1"
    rules.add("filter", "KUBE-ROUTER-FORWARD", pod)
    rules.add("filter", "KUBE-ROUTER-FORWARD", "-m mark --mark 0x20000/0x20000 -j ACCEPT")
    rules.add("filter", "KUBE-ROUTER-OUTPUT", pod)
    firewall = "KUBE-POD-FW-1"
    rules.add("filter", firewall, "-m addrtype --src-type LOCAL -j ACCEPT")
    rules.add("filter", firewall, "-j KUBE-NWPLCY-1")
    rejected = "-m mark ! --mark 0x10000/0x10000"
    rules.add("filter", firewall, f"{rejected} -m limit --limit 10/min -j NFLOG --nflog-group 100")
    rules.add("filter", firewall, f"{rejected} -j REJECT --reject-with {places.refused}")
    rules.add("filter", firewall, "-j MARK --set-xmark 0x0/0x10000")
    rules.add("filter", firewall, "-j MARK --set-xmark 0x20000/0x20000")
    allowed = f"-p tcp -m set --match-set {places.set('pods')} src -m tcp --dport 8080"
    rules.add("filter", "KUBE-NWPLCY-1", f"{allowed} -j MARK --set-xmark 0x10000/0x10000")
    rules.add("filter", "KUBE-NWPLCY-1", f"{allowed} -m mark --mark 0x10000/0x10000 -j RETURN")


def _calico(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    rules.chains["filter", "FORWARD"].insert(0, "-j cali-FORWARD")
    forward = "cali-FORWARD"
    rules.add("filter", forward, "-j MARK --set-xmark 0x0/0xe0000")
    rules.add("filter", forward, "-i cni+ -j cali-from-wl")
    rules.add("filter", forward, "-o cni+ -j cali-to-wl")
    rules.add("filter", forward, "-m mark --mark 0x10000/0x10000 -j ACCEPT")
    rules.add("filter", "cali-from-wl", "-i cni0 -g cali-fw-1")
    rules.add("filter", "cali-fw-1", "-m conntrack --ctstate INVALID -j DROP")
    rules.add(
        "filter",
        "cali-fw-1",
        f"-m set --match-set {places.set('mine')} src -j MARK --set-xmark 0x10000/0x10000",
    )
    rules.add("filter", "cali-to-wl", "-o cni0 -g cali-tw-1")
    rules.add("filter", "cali-tw-1", "-j MARK --set-xmark 0x0/0x10000")
    rules.add("filter", "cali-tw-1", f"-m set --match-set {places.set('blocked')} dst,dst -j DROP")
    rules.add("filter", "cali-tw-1", "-j MARK --set-xmark 0x10000/0x10000")
    rules.chains["nat", "POSTROUTING"].insert(0, "-j cali-nat-outgoing")
    pods, every = places.set("pods"), places.set("all")
    outgoing = f"-m set --match-set {pods} src -m set ! --match-set {every} dst -j MASQUERADE"
    rules.add("nat", "cali-nat-outgoing", outgoing)


def _weave(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    _hook(rules, rng, "nat", "POSTROUTING", "-j WEAVE")
    rules.add(
        "nat",
        "WEAVE",
        f"-m set --match-set {places.set('mine')} dst -m comment --comment x -j RETURN",
    )
    rules.add("nat", "WEAVE", f"-s {places.pods_here} -d {places.multicast} -j RETURN")
    rules.add("nat", "WEAVE", f"! -s {places.pods_here} -d {places.pods_here} -j MASQUERADE")
    rules.add("nat", "WEAVE", f"-s {places.pods_here} ! -d {places.pods_here} -j MASQUERADE")
    _hook(rules, rng, "filter", "FORWARD", "-o cni0 -j WEAVE-NPC")
    rules.add("filter", "WEAVE-NPC", "-m state --state RELATED,ESTABLISHED -j ACCEPT")
    rules.add("filter", "WEAVE-NPC", "-m physdev --physdev-out vethwe-bridge -j ACCEPT")
    rules.add("filter", "WEAVE-NPC", "-m state --state NEW -j WEAVE-NPC-DEFAULT")
    rules.add(
        "filter", "WEAVE-NPC-DEFAULT", f"-m set --match-set {places.set('mine')} dst -j ACCEPT"
    )


def _aws(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    mark = "-i eth0 -m addrtype --dst-type LOCAL --limit-iface-in"
    _hook(rules, rng, "mangle", "PREROUTING", f"{mark} -j CONNMARK --set-xmark 0x80/0x80")
    restore = "-i cni+ -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80"
    _hook(rules, rng, "mangle", "PREROUTING", restore)
    _hook(rules, rng, "nat", "POSTROUTING", "-j AWS-SNAT-CHAIN-0")
    rules.add("nat", "AWS-SNAT-CHAIN-0", f"-d {places.pods} -j RETURN")
    snat = f"-j SNAT --to-source {places.node} --random-fully"
    rules.add("nat", "AWS-SNAT-CHAIN-0", f"! -o vlan+ -m addrtype ! --dst-type LOCAL {snat}")


def _masq_agent(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    jump = "-m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT"
    _hook(rules, rng, "nat", "POSTROUTING", jump)
    for network in places.private:
        rules.add("nat", "IP-MASQ-AGENT", f"-d {network} -j RETURN")
    rules.add("nat", "IP-MASQ-AGENT", "-j MASQUERADE")


def _sets(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    """As kube-proxy's ipvs mode asks: by sets alone."""
    places = rules.places
    negation = rng.choice(("", "! "))
    name, sides = rng.choice(
        (
            ("vips", "dst,dst"),
            ("loop", "dst,dst,src"),
            ("allowed", "dst,dst,src"),
            ("ports", "dst"),
            ("all", "src"),
        )
    )
    table, hook = rng.choice((("nat", "PREROUTING"), ("filter", "FORWARD"), ("nat", "POSTROUTING")))
    verdicts = {"PREROUTING": "MARK --set-xmark 0x4000/0x4000", "FORWARD": "DROP"}
    verdict = verdicts.get(hook, "MASQUERADE")
    _hook(
        rules,
        rng,
        table,
        hook,
        f"-m set {negation}--match-set {places.set(name)} {sides} -j {verdict}",
    )


def _netmap(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    places = rules.places
    _hook(
        rules,
        rng,
        "nat",
        "PREROUTING",
        f"-d {places.external_net} -j NETMAP --to {places.pods_far}",
    )
    _hook(
        rules,
        rng,
        "nat",
        "POSTROUTING",
        f"-s {places.pods_here} -o eth0 -j NETMAP --to {places.mapped}",
    )


def _touches(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    """Targets after which a packet goes on."""
    places = rules.places
    target = rng.choice(
        (
            "TOS --set-tos 0x10",
            "DSCP --set-dscp 10",
            places.set_hops,
            "MARK --or-mark 0",
            "NFLOG",
            "TRACE",
            "CONNMARK --save-mark",
        )
    )
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    table = "raw" if target == "TRACE" else "mangle"
    _hook(rules, rng, table, hook, f"-j {target}")


def _zone(rules: Rules, rng: random.Random, frontends: Frontends) -> None:
    hook = rng.choice(("PREROUTING", "OUTPUT"))
    state = rng.choice(("NEW", "INVALID"))
    zone = ("-p tcp -j CT --zone 3", f"-m conntrack --ctstate {state} -j MARK --set-mark 0x4000")
    _hook(rules, rng, "raw", hook, *zone)


BLOCKS: tuple[Spoil, ...] = (
    _aws,
    _calico,
    _docker,
    _firewalld,
    _flannel,
    _kube_router,
    _masq_agent,
    _netmap,
    _portmap,
    _sets,
    _sets,
    _touches,
    _ufw,
    _weave,
    _zone,
)
