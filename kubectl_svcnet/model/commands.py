"""Law 3's table: every command that may ever run on a node, as data.

`node`, `dataplanes`, `ranges` and `logs` pick from it, `cluster.exec` refuses anything else, and
`--plan` and the docs print it. A command is argv with {placeholders}; its arguments must match
the pattern given for each. `filtered` commands end in a `grep -n` that drops lines, so that
numbers stay true; the pattern is an extended regular expression of lines to *leave behind*. Where
a line alone does not tell what it belongs to (`picked`), of lines to show, with those below each.

Reading changes nothing: `iptables-nft-save` creates no table, and `iptables-nft -S` of a
table that is not there (1.8.8 and older would create it) is not run: the listing of `nft-chains`
earlier in the same exec must name the table, and an exec without that listing may ask only for
chains that were met by walking, whose table exists. `iptables-legacy-save` without -t lists only
tables that the kernel has. `iptables-legacy -L/-S` (takes kube-proxy's lock) is not here at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from .node_files import (
    BRIDGE_FILES,
    DEVICE_SYSCTLS,
    DEVICES,
    FILES,
    SYSCTLS,
    VIRTUAL_DEVICES,
)


class Needs(str, Enum):
    """What the kernel must have already, so that the command loads no module (law 3)."""

    NOTHING = ""
    NF_TABLES = "nf_tables"
    IP_SET = "ip_set"
    IP_VS = "ip_vs"


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table with its arguments filled in."""

    name: str
    arguments: tuple[str, ...] = ()

    @property
    def spec(self) -> CommandSpec:
        return COMMANDS[self.name]

    def argv(self) -> tuple[str, ...]:
        """The argv to exec without a shell; the filter, if any, is left out.

        Raises ValueError for a name or an argument that the table does not allow.
        """
        spec = checked(self)
        values = dict(zip(spec.arguments, self.arguments, strict=True))
        return tuple(word.format_map(values) for word in spec.argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    name: str
    argv: tuple[str, ...]
    shows: str
    arguments: Mapping[str, str] = field(default_factory=dict)  # placeholder: pattern, in order
    filtered: bool = False  # the last argument is a pattern of lines to leave on the node
    first: bool = False  # shows {table}'s line and, if it has one, {chain}'s first rule, numbered
    picked: bool = False  # the last argument is a pattern of lines to show, with 15 below each
    kept: bool = False  # the script keeps what the first of two patterns lets through, so that
    # `first` of the same program need not run it again
    needs: Needs = Needs.NOTHING
    dump: bool = False  # may be long: --max-dump limits it, not --max-answer
    unless: tuple[str, ...] = ()  # not run where one of these tools exists
    hushed: bool = False  # its stderr is shown only where it fails: it warns at every call
    listing: bool = False  # the script keeps what it prints, for those that are `within`
    within: str = ""  # nft's word for the family of {table}: not run where a listing lacks it


def checked(command: Command) -> CommandSpec:
    """The row of this command. Raises ValueError unless the table allows it as it is."""
    spec = COMMANDS.get(command.name)
    if spec is None or len(spec.arguments) != len(command.arguments):
        raise ValueError(f"not in the command table: {command.name} {command.arguments}")
    for (placeholder, pattern), value in zip(
        spec.arguments.items(), command.arguments, strict=True
    ):
        if not re.fullmatch(pattern, value):
            raise ValueError(f"{command.name}: {placeholder} may not be {value!r}")
    return spec


_TABLE = r"nat|filter|mangle|raw|security"
# No leading dash: `iptables -S -Z` would read "-Z" as an option, and zero the counters.
_CHAIN = r"[A-Za-z0-9_.:@+=/][A-Za-z0-9_.:@+=/-]{0,63}"
_PATTERN = r"[^\x00-\x1f\x7f]{1,6144}"
# Letters that mean themselves in a regular expression.
_FIRST = {"table": _TABLE, "chain": r"[A-Z][A-Z0-9-]{0,63}"}
_LOG_PATH = r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,8}/kube-proxy\.log"  # as a pod mounts it
_CNI_DIRECTORY = r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*){0,8}/(?:net\.d|cni-network)"
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"


def _nft_chains(nft: str, family: str) -> tuple[CommandSpec, ...]:
    table, chain = {"table": _TABLE}, {"chain": _CHAIN}
    return (
        CommandSpec(
            name=f"{nft}-chain",
            dump=True,
            hushed=True,
            within=family,
            argv=(nft, "-t", "{table}", "-S", "{chain}"),
            arguments=table | chain,
            needs=Needs.NF_TABLES,
            shows="one chain, rule n on line n+1",
        ),
        CommandSpec(
            name=f"{nft}-chain-filtered",
            dump=True,
            within=family,
            argv=(nft, "-t", "{table}", "-S", "{chain}"),
            arguments=table | chain | {"leave": _PATTERN},
            filtered=True,
            needs=Needs.NF_TABLES,
            shows="one chain without the rules of other single addresses",
        ),
        CommandSpec(
            name=f"{nft}-table",
            dump=True,
            hushed=True,
            within=family,
            argv=(nft, "-t", "{table}", "-S"),
            arguments=table,
            needs=Needs.NF_TABLES,
            shows="one table whose chains are few, whatever other tables hold",
        ),
    )


def _nft_saves(nft: str) -> tuple[CommandSpec, ...]:
    table, leave = {"table": _TABLE}, {"leave": _PATTERN}
    return (
        CommandSpec(
            name=f"{nft}-save",
            dump=True,
            argv=(f"{nft}-save", "-t", "{table}"),
            arguments=table,
            needs=Needs.NF_TABLES,
            shows="one table",
        ),
        CommandSpec(
            name=f"{nft}-save-filtered",
            dump=True,
            argv=(f"{nft}-save", "-t", "{table}"),
            arguments=table | leave,
            filtered=True,
            needs=Needs.NF_TABLES,
            shows="one table without the chains of other Services",
        ),
        CommandSpec(
            name=f"{nft}-save-all",
            dump=True,
            argv=(f"{nft}-save",),
            needs=Needs.NF_TABLES,
            shows="all tables of the nft backend",
        ),
        CommandSpec(
            name=f"{nft}-save-all-filtered",
            dump=True,
            argv=(f"{nft}-save",),
            arguments={"chains": _PATTERN, "leave": _PATTERN},
            filtered=True,
            kept=True,
            needs=Needs.NF_TABLES,
            unless=("nft",),
            shows="all tables without the chains of other Services, in images without nft",
        ),
        CommandSpec(
            name=f"{nft}-first-rule",
            argv=(f"{nft}-save",),
            arguments=_FIRST,
            first=True,
            needs=Needs.NF_TABLES,
            unless=("nft",),
            shows="the line of one chain's first rule, from which its numbers count",
        ),
    )


def _legacy(legacy: str) -> tuple[CommandSpec, ...]:
    return (
        CommandSpec(
            name=f"{legacy}-save-all",
            dump=True,
            argv=(f"{legacy}-save",),
            shows="all tables of the legacy backend that the kernel has",
        ),
        CommandSpec(
            name=f"{legacy}-save-all-filtered",
            dump=True,
            argv=(f"{legacy}-save",),
            arguments={"chains": _PATTERN, "leave": _PATTERN},
            filtered=True,
            kept=True,
            shows="all legacy tables without the chains of other Services",
        ),
        CommandSpec(
            name=f"{legacy}-first-rule",
            argv=(f"{legacy}-save",),
            arguments=_FIRST,
            first=True,
            shows="the line of one chain's first rule, from which its numbers count",
        ),
    )


def _iptables(prefix: str) -> tuple[CommandSpec, ...]:
    nft, legacy = f"{prefix}-nft", f"{prefix}-legacy"
    return (
        *_nft_chains(nft, "ip6" if prefix == "ip6tables" else "ip"),
        *_nft_saves(nft),
        *_legacy(legacy),
        CommandSpec(
            name=f"{prefix}-save-all",
            dump=True,
            argv=(f"{prefix}-save",),
            unless=(f"{nft}-save", f"{legacy}-save"),
            shows="all tables, in images of iptables 1.6 that know one backend only",
        ),
    )


_ROWS = (
    *_iptables("iptables"),
    *_iptables("ip6tables"),
    CommandSpec(
        name="nft-version",
        argv=("nft", "--version"),
        needs=Needs.NF_TABLES,
        shows="the version of the image's nft",
    ),
    CommandSpec(
        name="nft-chains",
        dump=True,
        listing=True,
        argv=("nft", "-a", "list", "chains"),
        arguments={"leave": _PATTERN},
        filtered=True,
        needs=Needs.NF_TABLES,
        shows="which tables and base chains there are, without their rules",
    ),
    CommandSpec(
        name="nft-table",
        dump=True,
        argv=("nft", "list", "table", "{family}", "{table}"),
        arguments={"family": r"ip|ip6|inet|arp|bridge|netdev", "table": _WORD},
        needs=Needs.NF_TABLES,
        shows="one native nft table",
    ),
    CommandSpec(
        name="nft-table-picked",
        dump=True,
        argv=("nft", "list", "table", "{family}", "{table}"),
        arguments={"family": r"ip|ip6", "table": _WORD, "show": _PATTERN},
        filtered=True,
        picked=True,
        needs=Needs.NF_TABLES,
        shows="one native nft table without the chains and elements of other Services",
    ),
    CommandSpec(
        name="nft-service-range",
        argv=("nft", "list", "chain", "{family}", "kube-proxy", "cluster-ips-check"),
        arguments={"family": r"ip|ip6"},
        needs=Needs.NF_TABLES,
        shows="the chain of nftables mode that names the Service range",
    ),
    CommandSpec(
        name="nft-calico-cidr-block",
        argv=("nft", "list", "chain", "{family}", "calico", "filter-cali-cidr-block"),
        arguments={"family": r"ip|ip6"},
        needs=Needs.NF_TABLES,
        shows="Calico's chain that keeps packets to Services from looping",
    ),
    CommandSpec(
        name="ipset-save",
        dump=True,
        argv=("ipset", "save"),
        needs=Needs.IP_SET,
        shows="all sets with their members (ipvs mode, Calico, Weave)",
    ),
    CommandSpec(
        name="ip-vs",
        dump=True,
        argv=("cat", "/proc/net/ip_vs"),
        shows="virtual servers of ipvs mode, if the kernel has any",
    ),
    CommandSpec(
        name="ipvsadm-save",
        dump=True,
        argv=("ipvsadm", "-Sn"),
        needs=Needs.IP_VS,
        shows="the same with the schedulers' flags, where ipvsadm exists",
    ),
    CommandSpec(
        name="cat",
        argv=("cat", "{file}"),
        arguments={"file": "|".join(map(re.escape, FILES))},
        shows="one file of the kernel, kube-proxy's log, or a CNI's ranges",
    ),
    CommandSpec(
        name="sysctls", argv=("grep", "-sH", "", *SYSCTLS), shows="sysctls of the packet's way"
    ),
    CommandSpec(
        name="device-sysctls",
        argv=("grep", "-rsH", *(f"--include={name}" for name in DEVICE_SYSCTLS), "", DEVICES),
        shows="accept_local, forwarding and the like of each device, by GNU's grep",
    ),
    CommandSpec(
        name="bridge-ports",
        argv=("grep", "-rsH", *(f"--include={name}" for name in BRIDGE_FILES), "", VIRTUAL_DEVICES),
        shows="hairpin_mode of each port of a bridge, and whose it is, by GNU's grep",
    ),
    CommandSpec(name="ip-addr", argv=("ip", "-j", "addr"), shows="addresses, where ip exists"),
    CommandSpec(name="ip-rule", argv=("ip", "-j", "rule"), shows="routing rules, IPv4"),
    CommandSpec(name="ip6-rule", argv=("ip", "-6", "-j", "rule"), shows="routing rules, IPv6"),
    CommandSpec(
        name="ip-route", argv=("ip", "-j", "route", "show", "table", "all"), shows="all routes"
    ),
    CommandSpec(
        name="ip6-route",
        argv=("ip", "-6", "-j", "route", "show", "table", "all"),
        shows="all IPv6 routes",
    ),
    CommandSpec(
        name="connections",
        argv=("grep", "-E", "{dialled}", "/proc/net/nf_conntrack"),
        arguments={
            "dialled": r" udp .* dport=\([0-9]{1,5}(?:\|[0-9]{1,5}){0,999}\) ",
            "leave": _PATTERN,
        },
        filtered=True,
        shows="tracked UDP connections to Services that no endpoint answers",
    ),
    CommandSpec(
        name="log-tail",
        argv=("tail", "-c", "{bytes}", "{log}"),
        arguments={"bytes": r"[1-9][0-9]{0,7}", "log": _LOG_PATH},
        shows="the last part of kube-proxy's log on the node, where a pod mounts it",
    ),
    CommandSpec(
        name="log-grep",
        argv=("grep", "-aEm", "{lines}", "-e", "{pattern}", "{log}"),
        arguments={"lines": r"[1-9][0-9]{0,5}", "pattern": _PATTERN, "log": _LOG_PATH},
        unless=("tail",),
        shows="lines of that log about the Service, in images without tail",
    ),
    # Without --dry-run it gives an empty database the row that it lacks, even to list it.
    CommandSpec(
        name="ovn-networks",
        argv=(
            *("ovn-nbctl", "--dry-run", "--no-leader-only", "--timeout=5", "--format=json"),
            *("--", "--columns=name,other_config,external_ids", "list", "Logical_Switch"),
            *("--", "--columns=name,networks,external_ids", "list", "Logical_Router_Port"),
        ),
        shows="the networks in OVN's northbound database",
    ),
    CommandSpec(
        name="weave-status",
        argv=("curl", "-sf", "--max-time", "5", "http://127.0.0.1:6784/status"),
        shows="the range that Weave's allocator works with",
    ),
    CommandSpec(
        name="cni-files",
        argv=("grep", "-rlF", '"type"', "{directory}"),
        arguments={"directory": _CNI_DIRECTORY},
        shows="the names of the node's CNI configurations, where a pod mounts their directory",
    ),
    CommandSpec(
        name="apiserver-manifest",
        argv=("grep", "cluster-ip-range", "/etc/kubernetes/manifests/kube-apiserver.yaml"),
        shows="the Service range in the API server's manifest, where a pod mounts it",
    ),
)

COMMANDS: Mapping[str, CommandSpec] = MappingProxyType({row.name: row for row in _ROWS})
