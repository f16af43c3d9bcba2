"""`-j NAME` by table: the options of each target and what they become.

A name that is in neither table is a chain's. Names in NOT_CHAINS are extensions of the kernel
that are not understood yet (iptables 1.8, `extensions/libxt_*.c`, `libip*t_*.c`, upper case).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..model import targets as t
from ._iptables_words import Module, Words, masked, network, ports_to, sides_of, translation


def _plain(target: object) -> Module:
    return Module({}, lambda words: target)


def _goes_on(options: Mapping[str, int]) -> Module:
    return Module(options, lambda words: t.Nothing(words.module))


def _reject(words: Words) -> object:
    return t.Reject(words.value("--reject-with") if "--reject-with" in words else "")


def _dnat(words: Words) -> object:
    if sum(option.name == "--to-destination" for option in words.options) != 1:
        raise ValueError("DNAT to several destinations")  # kernels before 2.6.11
    addresses, ports = translation(words.value("--to-destination"))
    persistent = "--persistent" in words
    return t.Dnat(addresses, ports, random="--random" in words, persistent=persistent)


def _snat(words: Words) -> object:
    return t.Snat(*translation(words.value("--to-source")), random=_at_random(words))


def _masquerade(words: Words) -> object:
    ports = ports_to(words.value("--to-ports")) if "--to-ports" in words else None
    return t.Masquerade(ports, random=_at_random(words))


def _at_random(words: Words) -> bool:
    return "--random" in words or "--random-fully" in words


def _netmap(words: Words) -> object:
    return t.Netmap(network(words.value("--to")))


def _redirect(words: Words) -> object:
    ports = ports_to(words.value("--to-ports")) if "--to-ports" in words else None
    return t.Redirect(ports, random="--random" in words)


def _xmark(words: Words) -> tuple[int, int]:
    """Value and mask in the sense of --set-xmark (libxt_MARK.c, mark_tg_parse)."""
    (option,) = words.options
    if option.name not in _MARK_OPTIONS:
        raise ValueError(option.name)
    value, mask = masked(option.words[0])
    return _MARK_OPTIONS[option.name](value, mask)


_MARK_OPTIONS: Mapping[str, Callable[[int, int], tuple[int, int]]] = {
    "--set-xmark": lambda value, mask: (value, mask),
    "--set-mark": lambda value, mask: (value, value | mask),
    "--or-mark": lambda value, mask: (value, value),
    "--and-mark": lambda value, mask: (0, ~value & 0xFFFFFFFF),
    "--xor-mark": lambda value, mask: (value, 0),
}


def _mark(words: Words) -> object:
    return t.SetMark(*_xmark(words))


def _connmark(words: Words) -> object:
    for name, action in _CONNMARK_COPIES.items():
        if name in words:
            both = masked("0/" + words.value("--mask"))[1] if "--mask" in words else 0xFFFFFFFF
            packet, connection = (
                masked("0/" + words.value(mask))[1] if mask in words else both
                for mask in ("--nfmask", "--ctmask")
            )
            return t.Connmark(action, packet_mask=packet, connection_mask=connection)
    return t.Connmark(t.ConnmarkAction.SET, *_xmark(words))


_CONNMARK_COPIES = {
    "--save-mark": t.ConnmarkAction.SAVE,
    "--restore-mark": t.ConnmarkAction.RESTORE,
}


def _ct(words: Words) -> object:
    if "--notrack" not in words:
        for name, direction in _ZONES.items():
            if name in words:
                zone = words.value(name)
                return t.Template(None if zone == "mark" else int(zone, 0), direction)
        return t.Template()
    if len(words.options) > 1:
        raise ValueError("CT --notrack with more")
    return t.Notrack()


_ZONES = {"--zone": "", "--zone-orig": "original", "--zone-reply": "reply"}


def _change_set(words: Words) -> object:
    """One that maps, or does several things, is not understood."""
    (option,) = (option for option in words.options if option.name.endswith("-set"))
    name, sides = option.words
    return t.ChangeSet(name, sides_of(sides), _CHANGES[option.name])


_CHANGES = {"--add-set": True, "--del-set": False}


def _hop_limit(words: Words) -> object:
    """One that may leave a packet without a hop left drops it on its way."""
    (option,) = words.options
    enough = option.name.endswith("-inc") or int(option.words[0]) > 1
    if option.name.endswith("-dec") or not enough:
        raise ValueError(option.name)
    return t.Nothing(words.module)


_MARKS = dict.fromkeys(_MARK_OPTIONS, 1)

TARGETS: Mapping[str, Module] = {
    "ACCEPT": _plain(t.Accept()),
    "AUDIT": _goes_on({"--type": 1}),
    "CHECKSUM": _goes_on({"--checksum-fill": 0}),
    "CLASSIFY": _goes_on({"--set-class": 1}),
    "CONNMARK": Module(
        _MARKS | {"--save-mark": 0, "--restore-mark": 0, "--mask": 1, "--nfmask": 1, "--ctmask": 1},
        _connmark,
    ),
    "CONNSECMARK": _goes_on({"--save": 0, "--restore": 0}),
    "CT": Module(
        {"--notrack": 0}
        | dict.fromkeys(("--zone", "--zone-orig", "--zone-reply", "--helper", "--timeout"), 1)
        | {"--ctevents": 1, "--expevents": 1},
        _ct,
    ),
    "DNAT": Module({"--to-destination": 1, "--random": 0, "--persistent": 0}, _dnat),
    "DROP": _plain(t.Drop()),
    "DSCP": _goes_on({"--set-dscp": 1, "--set-dscp-class": 1}),
    "ECN": _goes_on({"--ecn-tcp-remove": 0}),
    "HL": Module({"--hl-set": 1, "--hl-dec": 1, "--hl-inc": 1}, _hop_limit),
    "IDLETIMER": _goes_on({"--timeout": 1, "--label": 1, "--alarm": 0}),
    "LED": _goes_on({"--led-trigger-id": 1, "--led-delay": 1, "--led-always-blink": 0}),
    "LOG": _goes_on(
        {"--log-prefix": 1, "--log-level": 1}
        | dict.fromkeys(
            (
                "--log-tcp-sequence",
                "--log-tcp-options",
                "--log-ip-options",
                "--log-uid",
                "--log-macdecode",
            ),
            0,
        )
    ),
    "MARK": Module(_MARKS, _mark),
    "MASQUERADE": Module({"--to-ports": 1, "--random": 0, "--random-fully": 0}, _masquerade),
    "NETMAP": Module({"--to": 1}, _netmap),
    "NFLOG": _goes_on(
        dict.fromkeys(("--nflog-group", "--nflog-prefix", "--nflog-range", "--nflog-size"), 1)
        | {"--nflog-threshold": 1}
    ),
    "NOTRACK": _plain(t.Notrack()),
    "RATEEST": _goes_on({"--rateest-name": 1, "--rateest-interval": 1, "--rateest-ewmalog": 1}),
    "REDIRECT": Module({"--to-ports": 1, "--random": 0}, _redirect),
    "REJECT": Module({"--reject-with": 1}, _reject),
    "RETURN": _plain(t.Return()),
    "SECMARK": _goes_on({"--selctx": 1}),
    "SET": Module(
        {"--add-set": 2, "--del-set": 2, "--map-set": 2, "--timeout": 1, "--exist": 0}
        | dict.fromkeys(("--map-mark", "--map-prio", "--map-queue"), 0),
        _change_set,
    ),
    "SNAT": Module(
        {"--to-source": 1, "--random": 0, "--random-fully": 0, "--persistent": 0}, _snat
    ),
    "TCPMSS": _goes_on({"--set-mss": 1, "--clamp-mss-to-pmtu": 0}),
    "TCPOPTSTRIP": _goes_on({"--strip-options": 1}),
    "TEE": _goes_on({"--gateway": 1, "--oif": 1}),
    "TOS": _goes_on(dict.fromkeys(("--set-tos", "--and-tos", "--or-tos", "--xor-tos"), 1)),
    "TRACE": _plain(t.Nothing("TRACE")),
    "TTL": Module({"--ttl-set": 1, "--ttl-dec": 1, "--ttl-inc": 1}, _hop_limit),
    "ULOG": _goes_on(
        dict.fromkeys(("--ulog-nlgroup", "--ulog-prefix", "--ulog-cprange"), 1)
        | {"--ulog-qthreshold": 1}
    ),
}

NOT_CHAINS = frozenset(
    {
        "CLUSTERIP",
        "DNPT",
        "FLOWOFFLOAD",
        "HMARK",
        "MIRROR",
        "NFQUEUE",
        "QUEUE",
        "SNPT",
        "SYNPROXY",
        "TPROXY",
    }
)
