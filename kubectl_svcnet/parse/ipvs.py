"""`cat /proc/net/ip_vs` and `ipvsadm -Sn`: all virtual servers of a node, of both families.

The file prints addresses and ports in hex (IPv6: [text]:hex), and a line of a real server
belongs to the virtual server above it; ipvsadm names its virtual server in every line, and shows
the scheduler's flags. Nothing is dropped: a line that is not understood is kept where it stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_address

from ..errors import ParseError
from ..model.address import Family, Protocol, SocketAddress, family_of
from ..model.ipvs import Forwarding, RealServer, VirtualServer, VirtualServers
from ..model.ruleset import Unknown
from ._text import split_lines

_HEAD = ("IP Virtual Server ", "Prot ", "  -> RemoteAddress:Port ")


@dataclass(slots=True)
class _Draft:
    """A virtual server with the lines below it that were read so far."""

    server: VirtualServer
    servers: list[RealServer] = field(default_factory=list)
    unclear: list[Unknown] = field(default_factory=list)

    def done(self) -> VirtualServer:
        return replace(self.server, servers=tuple(self.servers), unclear=tuple(self.unclear))


def parse_ipvs(text: str) -> VirtualServers:
    """Either listing; ipvsadm prints nothing where there is no virtual server."""
    lines = [line for line in split_lines(text) if line.strip() and not line.startswith("#")]
    if lines and lines[0].startswith(_HEAD[0]):
        return _read(lines, _file_line)
    if not lines or lines[0].startswith("-"):
        return _read(lines, _saved_line)
    raise ParseError("neither /proc/net/ip_vs nor ipvsadm -Sn", line=1, text=lines[0])


_Line = Callable[[str, "dict[str, _Draft]"], None]


def _read(lines: Sequence[str], read: _Line) -> VirtualServers:
    drafts: dict[str, _Draft] = {}
    unclear: list[Unknown] = []
    of: _Draft | None = None  # whose lines those that begin with a blank are
    for line in lines:
        if line.startswith(_HEAD):
            continue
        below = line.startswith(" ")
        try:
            if below and of is None:
                raise ValueError("a real server of none")
            read(line, drafts)
            of = next(reversed(drafts.values()))
        except (ValueError, IndexError, KeyError):
            of = of if below else None
            (unclear if of is None else of.unclear).append(Unknown(line))
    return VirtualServers(servers=tuple(d.done() for d in drafts.values()), unclear=tuple(unclear))


def _file_line(line: str, drafts: dict[str, _Draft]) -> None:
    """ip_vs_info_seq_show (net/netfilter/ipvs/ip_vs_ctl.c)."""
    words = line.split()
    if words[0] != "->":
        server = _virtual(words)
        key = f"{words[0]} {words[1]}"
        if key in drafts and server.mark is None:
            raise ValueError("the same virtual server twice")
        drafts[f"{key} {len(drafts)}" if server.mark is not None else key] = _Draft(server)
        return
    _, address, method, weight, active, inactive = words
    int(active), int(inactive)
    draft = next(reversed(drafts.values()))
    draft.servers.append(_real(_hex_socket(address), Forwarding(method), int(weight)))


def _virtual(words: list[str]) -> VirtualServer:
    kind, place, scheduler, *flags = words
    persistent = "persistent" in flags
    timeout: tuple[int, ...] = ()
    if persistent:
        at = flags.index("persistent")
        int(flags[at + 2], 16)
        timeout = tuple(_seconds(int(flags[at + 1])))
        del flags[at : at + 3]
    if flags not in ([], ["ops"]):
        raise ValueError("flags that are not known")
    server = VirtualServer(
        scheduler=scheduler, persistent=persistent, timeout=timeout, one_packet=bool(flags)
    )
    if kind == "FWM":
        return replace(server, mark=int(place, 16))
    address = _hex_socket(place)
    family = family_of(address.address)
    return replace(server, protocol=Protocol(kind), address=address, family=family)


#: Ticks a second that kernels are built with (CONFIG_HZ), which the file does not tell.
_TICKS = (100, 250, 300, 1000)


def _seconds(jiffies: int) -> Iterator[int]:
    return (jiffies // ticks for ticks in _TICKS if jiffies % ticks == 0)


def _hex_socket(text: str) -> SocketAddress:
    host, _, port = text.rpartition(":")
    if host.startswith("["):
        return SocketAddress(ip_address(host.strip("[]")), int(port, 16))
    return SocketAddress(IPv4Address(int(host, 16)), int(port, 16))


#: Options of ipvsadm that have a word after them; without -n it would print names.
_VALUED = frozenset(("-t", "-u", "-f", "-s", "-p", "-M", "-b", "-r", "-w", "-x", "-y", "pe"))
_SCTP = "--sctp-service"
_PLAIN = frozenset(("-A", "-a", "-6", "-o", "-m", "-g", "-i"))
_PROTOCOLS = {"-t": Protocol.TCP, "-u": Protocol.UDP, _SCTP: Protocol.SCTP}
_METHODS = {"-m": Forwarding.MASQ, "-g": Forwarding.ROUTE, "-i": Forwarding.TUNNEL}


def _saved_line(line: str, drafts: dict[str, _Draft]) -> None:
    words = _options(line.split())
    (which,) = (option for option in (*_PROTOCOLS, "-f") if option in words)
    key = f"{which} {words[which]} {'-6' in words}"
    if "-A" in words:
        if key in drafts:
            raise ValueError("the same virtual server twice")
        drafts[key] = _Draft(_saved_virtual(which, words))
        return
    (method,) = (_METHODS[option] for option in _METHODS if option in words)
    drafts[key].servers.append(_real(_socket(words["-r"]), method, int(words["-w"])))


def _options(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    todo = list(words)
    while todo:
        option = todo.pop(0)
        if option in _VALUED or option == _SCTP:
            found[option] = todo.pop(0)
        elif option in _PLAIN:
            found[option] = ""
        else:
            raise ValueError(option)
    return found


def _saved_virtual(which: str, words: dict[str, str]) -> VirtualServer:
    server = VirtualServer(
        scheduler=words["-s"],
        persistent="-p" in words,
        timeout=(int(words["-p"]),) if "-p" in words else (),
        one_packet="-o" in words,
        scheduler_flags=tuple(flag for flag in words.get("-b", "").split(",") if flag),
    )
    if which == "-f":
        family = Family.IPV6 if "-6" in words else Family.IPV4
        return replace(server, mark=int(words[which]), family=family)
    address = _socket(words[which])
    family = family_of(address.address)
    return replace(server, protocol=_PROTOCOLS[which], address=address, family=family)


def _socket(text: str) -> SocketAddress:
    host, _, port = text.rpartition(":")
    return SocketAddress(ip_address(host.strip("[]")), int(port))


def _real(address: SocketAddress, method: Forwarding, weight: int) -> RealServer:
    if not 0 <= address.port < 65536 or weight < 0:
        raise ValueError("no port or weight")
    return RealServer(address, method, weight)
