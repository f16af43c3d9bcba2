"""`-m NAME` by table: the options of each match module and what they become.

A module that is not here, or has an option that is not here, stays Unknown. The options and how
many words follow them are those of iptables 1.8 (`extensions/libxt_*.c`).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from ..model import matches as m
from ._iptables_words import Module, Option, Words, masked, port_range

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


def _ct_state(words: Words) -> object:
    (option,) = words.options
    return m.CtState(frozenset(option.words[0].upper().split(",")), option.negated)


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
    if words.value("--mode") == "random":
        option = words["--probability"]
        chance = float(option.words[0])
    else:
        option = words["--every"]
        chance = 1 / int(option.words[0]) if int(option.words[0]) else 2.0
    if not 0 <= chance <= 1:
        raise ValueError(option.words[0])
    return m.Chance(chance, option.negated)


_RECENT = ("--set", "--rcheck", "--update", "--remove")


def _recent(words: Words) -> object:
    (action,) = (option for option in words.options if option.name in _RECENT)
    name = words.value("--name") if "--name" in words else "DEFAULT"
    return m.Recent(action.name.lstrip("-"), name, action.negated)


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


_PORT_OPTIONS = dict.fromkeys(("--sport", "--source-port", "--dport", "--destination-port"), 1)
_MULTIPORT = dict.fromkeys((*_SOURCE_PORT[2:], *_DESTINATION_PORT[2:], "--ports", "--port"), 1)

MODULES: Mapping[str, Module] = {
    "addrtype": Module(
        {"--src-type": 1, "--dst-type": 1, "--limit-iface-in": 0, "--limit-iface-out": 0},
        _addrtype,
    ),
    "comment": Module({"--comment": 1}, _nothing),
    "connmark": Module({"--mark": 1}, _connmark),
    "conntrack": Module({"--ctstate": 1}, _ct_state),
    "icmp": Module({"--icmp-type": 1}, _icmp),
    "icmp6": Module({"--icmpv6-type": 1}, _icmp),
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
    "recent": Module(
        dict.fromkeys(_RECENT, 0)
        | {"--seconds": 1, "--reap": 0, "--hitcount": 1, "--rttl": 0, "--name": 1, "--mask": 1}
        | {"--rsource": 0, "--rdest": 0},
        _recent,
    ),
    "sctp": Module(_PORT_OPTIONS, _transport),
    "state": Module({"--state": 1}, _ct_state),
    "statistic": Module({"--mode": 1, "--probability": 1, "--every": 1, "--packet": 1}, _statistic),
    "tcp": Module(_PORT_OPTIONS | {"--tcp-flags": 2, "--syn": 0}, _transport),
    "udp": Module(_PORT_OPTIONS, _transport),
}
