"""`-m NAME` by table: the options of each match module and what they become.

A module that is not here, or has an option that is not here, stays Unknown. The options and how
many words follow them are those of iptables 1.8 (`extensions/libxt_*.c`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address

from ..model import matches as m
from ..model.ruleset import Unknown
from ._iptables_words import (
    Module,
    Option,
    Words,
    masked,
    network,
    port_range,
    protocol_number,
    sides_of,
)

#: -p NAME loads the module of that name without -m; 1.8.9 may print the number.
IMPLICIT: Mapping[str, str] = {
    "tcp": "tcp",
    "6": "tcp",
    "udp": "udp",
    "17": "udp",
    "sctp": "sctp",
    "132": "sctp",
    "icmp": "icmp",
    "icmpv6": "icmp6",
    "ipv6-icmp": "icmp6",
}

_SOURCE_PORT = ("--sport", "--source-port", "--sports", "--source-ports")
_DESTINATION_PORT = ("--dport", "--destination-port", "--dports", "--destination-ports")
_FLAGS = frozenset({"SYN", "ACK", "FIN", "RST", "URG", "PSH"})


def _port_side(name: str) -> m.Side:
    if name in _SOURCE_PORT:
        return m.Side.SOURCE
    return m.Side.DESTINATION if name in _DESTINATION_PORT else m.Side.EITHER


def _ports(option: Option) -> m.Ports:
    ranges = tuple(port_range(word) for word in option.words[0].split(","))
    return m.Ports(_port_side(option.name), ranges, option.negated)


def _transport(words: Words) -> tuple[object, ...]:
    return tuple(
        _tcp_flags(option) if option.name in ("--tcp-flags", "--syn") else _ports(option)
        for option in words.options
    )


def _tcp_flags(option: Option) -> m.TcpFlags:
    if option.name == "--syn":
        mask = frozenset({"FIN", "SYN", "RST", "ACK"})
        return m.TcpFlags(mask, frozenset({"SYN"}), option.negated)
    mask, value = (_flag_set(word) for word in option.words)
    return m.TcpFlags(mask, value, option.negated)


def _flag_set(word: str) -> frozenset[str]:
    if word in ("ALL", "NONE"):
        return _FLAGS if word == "ALL" else frozenset()
    flags = frozenset(word.split(","))
    if not flags <= _FLAGS:
        raise ValueError(word)
    return flags


def _icmp(words: Words) -> tuple[object, ...]:
    return tuple(m.Icmp(option.words[0], option.negated) for option in words.options)


def _mark(words: Words) -> object:
    option = words["--mark"]
    return m.MarkIs(*masked(option.words[0]), option.negated)


def _connmark(words: Words) -> object:
    option = words["--mark"]
    return m.ConnmarkIs(*masked(option.words[0]), option.negated)


def _state(words: Words) -> object:
    (option,) = words.options
    return m.CtState(frozenset(option.words[0].upper().split(",")), option.negated)


def _conntrack(words: Words) -> tuple[object, ...]:
    """The state first: where it held and there is no connection, nothing else is asked."""
    alone = "--ctstate" not in words
    first = [option for option in words.options if option.name == "--ctstate"]
    states = [
        m.CtState(frozenset(option.words[0].upper().split(",")), option.negated) for option in first
    ]
    others = [_of_connection(one, alone=alone) for one in words.options if one not in first]
    return (*states, *others)


def _of_connection(option: Option, *, alone: bool) -> object:
    word, negated = option.words[0], option.negated
    if option.name == "--ctstatus":
        return m.CtStatus(frozenset(word.upper().split(",")), negated, alone)
    if option.name == "--ctdir":
        return m.CtDirection({"ORIGINAL": False, "REPLY": True}[word] is not negated, alone)
    if option.name == "--ctproto":
        return m.CtTuple(True, m.IPProtocol(protocol_number(word), negated), alone)
    what = option.name.removeprefix("--ct").removeprefix("orig").removeprefix("repl")
    side = m.Side.SOURCE if what.startswith("src") else m.Side.DESTINATION
    asked = m.AddressIn(side, network(word), negated) if len(what) == 3 else None
    ports = m.Ports(side, (port_range(word),), negated) if asked is None else asked
    return m.CtTuple(option.name.startswith("--ctorig"), ports, alone)


def _addrtype(words: Words) -> tuple[object, ...]:
    same = "in" if "--limit-iface-in" in words else "out" if "--limit-iface-out" in words else ""
    asked = [option for option in words.options if option.words]
    if not asked:
        raise ValueError("addrtype without a type")
    return tuple(
        m.AddressType(
            m.Side.SOURCE if option.name == "--src-type" else m.Side.DESTINATION,
            frozenset(option.words[0].upper().split(",")),
            option.negated,
            same,
        )
        for option in asked
    )


def _statistic(words: Words) -> object:
    if words.value("--mode") == "nth":
        option = words["--every"]
        if int(option.words[0]) < 1:
            raise ValueError(option.words[0])
        return m.Chance(1.0, option.negated) if int(option.words[0]) == 1 else _varies(words)
    option = words["--probability"]
    chance = float(option.words[0])
    if not 0 <= chance <= 1:
        raise ValueError(option.words[0])
    return m.Chance(chance, option.negated)


_RECENT = ("--set", "--rcheck", "--update", "--remove")


def _recent(words: Words) -> object:
    (action,) = (option for option in words.options if option.name in _RECENT)
    return m.Recent(
        action.name.lstrip("-"),
        words.value("--name") if "--name" in words else "DEFAULT",
        action.negated,
        m.Side.DESTINATION if "--rdest" in words else m.Side.SOURCE,
        int(words.value("--hitcount")) if "--hitcount" in words else 0,
        _recent_mask(words.value("--mask")) if "--mask" in words else "",
        int(words.value("--seconds")) if "--seconds" in words else None,
    )


def _recent_mask(word: str) -> str:
    """ "" where it is all ones, as iptables prints it."""
    mask = ip_address(word)
    return "" if int(mask) == 2**mask.max_prefixlen - 1 else str(mask)


def _limit(words: Words) -> object:
    return m.Limit(" ".join(map(str, words.options)))


def _nothing(words: Words) -> tuple[object, ...]:
    return ()


def _physdev(words: Words) -> tuple[object, ...]:
    return tuple(
        m.Physdev(
            option.name.removeprefix("--physdev-"),
            option.words[0] if option.words else "",
            option.negated,
        )
        for option in words.options
    )


def _owner(words: Words) -> tuple[object, ...]:
    return tuple(_owner_part(option) for option in words.options)


def _owner_part(option: Option) -> m.Owner:
    if option.name == "--socket-exists":
        return m.Owner("socket", negated=option.negated)
    first, dash, last = option.words[0].partition("-")
    what = "uid" if option.name == "--uid-owner" else "gid"
    return m.Owner(what, int(first), int(last if dash else first), option.negated)


def _pkttype(words: Words) -> object:
    option = words["--pkt-type"]
    if option.words[0] not in ("unicast", "broadcast", "multicast"):
        raise ValueError(option.words[0])
    return m.PacketType(option.words[0], option.negated)


def _iprange(words: Words) -> tuple[object, ...]:
    return tuple(_range(option) for option in words.options)


def _range(option: Option) -> m.AddressRange:
    side = m.Side.SOURCE if option.name == "--src-range" else m.Side.DESTINATION
    first, dash, last = option.words[0].partition("-")
    start, end = ip_address(first), ip_address(last if dash else first)
    if start.version != end.version:
        raise ValueError(option.words[0])
    return m.AddressRange(side, start, end, option.negated)


def _set(words: Words) -> object:
    option = words["--match-set"]
    name, sides = option.words
    counters = [one for one in words.options if one.name in _SET_COUNTERS]
    return m.InSet(
        name,
        sides_of(sides),
        option.negated,
        "--return-nomatch" in words,
        " ".join(map(str, counters)),
    )


_SET_COUNTERS = tuple(
    f"--{what}-{how}" for what in ("packets", "bytes") for how in ("eq", "lt", "gt")
)


def _rpfilter(words: Words) -> object:
    asked = (f"--{name}" in words for name in ("loose", "accept-local", "validmark", "invert"))
    return m.ReversePath(*asked)


def _socket(words: Words) -> object:
    return m.HasSocket()


def _policy(words: Words) -> object:
    """A policy with details is one of IPsec all the same, which --pol none is not."""
    if any(option.negated for option in words.options):
        raise ValueError("! of a policy's detail")
    pol = words.value("--pol")
    outgoing = {"in": False, "out": True}[words.value("--dir")]
    return m.Ipsec(outgoing, {"none": True, "ipsec": False}[pol])


def _ipvs(words: Words) -> object:
    """With more than --ipvs it asks for a connection."""
    if [option.name for option in words.options] == ["--ipvs"]:
        return m.ByIpvs((), words.options[0].negated)
    return m.ByIpvs(tuple(_of_virtual(o) for o in words.options if o.name != "--ipvs"))


def _of_virtual(option: Option) -> m.IPProtocol | m.AddressIn | m.Ports | Unknown:
    word, negated = option.words[0], option.negated
    match option.name:
        case "--vproto":
            return m.IPProtocol(protocol_number(word), negated)
        case "--vaddr":
            return m.AddressIn(m.Side.DESTINATION, network(word), negated)
        case "--vport":
            return m.Ports(m.Side.DESTINATION, (port_range(word),), negated)
        case _:
            return Unknown(str(option))


def _varies(words: Words) -> object:
    return m.Varies(" ".join((words.module, *map(str, words.options))))


def _never(words: Words) -> object:
    return m.Never()


def _rows(build: Callable[[Words], object], **options: str) -> Mapping[str, Module]:
    """Modules with the same meaning: name, and its options that have one word or (+) none."""
    return {
        name: Module(
            {f"--{word.rstrip('+')}": not word.endswith("+") for word in words.split()}, build
        )
        for name, words in options.items()
    }


_PORT_OPTIONS = dict.fromkeys(("--sport", "--source-port", "--dport", "--destination-port"), 1)
_MULTIPORT = dict.fromkeys((*_SOURCE_PORT[2:], *_DESTINATION_PORT[2:], "--ports", "--port"), 1)

_TUPLE_WORDS = ("src", "dst", "srcport", "dstport")

#: What another packet of the same client may have otherwise, or time and load decide.
_VARYING = _rows(
    _varies,
    connbytes="connbytes connbytes-dir connbytes-mode",
    connlimit="connlimit-upto connlimit-above connlimit-mask connlimit-saddr+ connlimit-daddr+",
    cpu="cpu",
    dscp="dscp dscp-class",
    ecn="ecn-tcp-cwr+ ecn-tcp-ece+ ecn-ip-ect",
    hashlimit="hashlimit hashlimit-upto hashlimit-above hashlimit-burst hashlimit-mode"
    " hashlimit-name hashlimit-srcmask hashlimit-dstmask hashlimit-htable-size"
    " hashlimit-htable-max hashlimit-htable-expire hashlimit-htable-gcinterval"
    " hashlimit-rate-match+ hashlimit-rate-interval",
    hl="hl-eq hl-lt hl-gt",
    length="length",
    tcpmss="mss",
    time="timestart timestop datestart datestop weekdays monthdays contiguous+ kerneltz+ utc+",
    tos="tos",
    ttl="ttl ttl-eq ttl-lt ttl-gt",
)

#: Headers that no first packet of a TCP, UDP or SCTP flow has.
_HEADERS = _rows(
    _never,
    ah="ahspi",
    esp="espspi",
    frag="fragid fraglen fragres+ fragfirst+ fragmore+ fraglast+",
    rt="rt-type rt-segsleft rt-len rt-0-res+ rt-0-addrs rt-0-not-strict+",
)

MODULES: Mapping[str, Module] = {
    **_HEADERS,
    **_VARYING,
    "addrtype": Module(
        {"--src-type": 1, "--dst-type": 1, "--limit-iface-in": 0, "--limit-iface-out": 0},
        _addrtype,
    ),
    "comment": Module({"--comment": 1}, _nothing),
    "connmark": Module({"--mark": 1}, _connmark),
    "conntrack": Module(
        dict.fromkeys(("--ctstate", "--ctstatus", "--ctdir", "--ctproto"), 1)
        | {f"--ct{of}{what}": 1 for of in ("orig", "repl") for what in _TUPLE_WORDS},
        _conntrack,
    ),
    "icmp": Module({"--icmp-type": 1}, _icmp),
    "icmp6": Module({"--icmpv6-type": 1}, _icmp),
    "ipvs": Module(
        {"--ipvs": 0}
        | dict.fromkeys(("--vproto", "--vaddr", "--vport", "--vdir", "--vmethod", "--vportctl"), 1),
        _ipvs,
    ),
    "iprange": Module({"--src-range": 1, "--dst-range": 1}, _iprange),
    "limit": Module({"--limit": 1, "--limit-burst": 1}, _limit),
    "mark": Module({"--mark": 1}, _mark),
    "multiport": Module(_MULTIPORT, _transport),
    "nfacct": Module({"--nfacct-name": 1}, _nothing),
    "owner": Module({"--uid-owner": 1, "--gid-owner": 1, "--socket-exists": 0}, _owner),
    "physdev": Module(
        {
            "--physdev-in": 1,
            "--physdev-out": 1,
            "--physdev-is-in": 0,
            "--physdev-is-out": 0,
            "--physdev-is-bridged": 0,
        },
        _physdev,
    ),
    "pkttype": Module({"--pkt-type": 1}, _pkttype),
    "policy": Module(
        dict.fromkeys(("--dir", "--pol", "--reqid", "--spi", "--proto", "--mode"), 1)
        | {"--tunnel-src": 1, "--tunnel-dst": 1, "--strict": 0, "--next": 0},
        _policy,
    ),
    "recent": Module(
        dict.fromkeys(_RECENT, 0)
        | {"--seconds": 1, "--reap": 0, "--hitcount": 1, "--rttl": 0, "--name": 1, "--mask": 1}
        | {"--rsource": 0, "--rdest": 0},
        _recent,
    ),
    "rpfilter": Module(
        dict.fromkeys(("--loose", "--validmark", "--accept-local", "--invert"), 0), _rpfilter
    ),
    "sctp": Module(_PORT_OPTIONS, _transport),
    "set": Module(
        {"--match-set": 2, "--return-nomatch": 0, "--update-counters": 0}
        | {"--update-subcounters": 0}
        | dict.fromkeys(_SET_COUNTERS, 1),
        _set,
    ),
    "socket": Module(
        dict.fromkeys(("--transparent", "--nowildcard", "--restore-skmark"), 0), _socket
    ),
    "state": Module({"--state": 1}, _state),
    "statistic": Module({"--mode": 1, "--probability": 1, "--every": 1, "--packet": 1}, _statistic),
    "tcp": Module(_PORT_OPTIONS | {"--tcp-flags": 2, "--syn": 0}, _transport),
    "udp": Module(_PORT_OPTIONS, _transport),
}
