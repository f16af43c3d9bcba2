"""Every flag, as data: kubectl's own first, then ours. All stand before or after the command.

Spelling, meaning and order are kubectl's (cli-runtime `genericclioptions/config_flags.go`).
"""

from __future__ import annotations

import argparse
from typing import Any

#: (names, keywords for argparse); a default of None is a flag that was not given.
CONNECTION: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--kubeconfig",), {"metavar": "FILE", "help": "path of the kubeconfig file"}),
    (("--context",), {"metavar": "NAME", "help": "the kubeconfig context to use"}),
    (("--cluster",), {"metavar": "NAME", "help": "the kubeconfig cluster to use"}),
    (("--user",), {"metavar": "NAME", "help": "the kubeconfig user to use"}),
    (("-n", "--namespace"), {"metavar": "NAME", "help": "the namespace to look in"}),
    (("-s", "--server"), {"metavar": "URL", "help": "address and port of the API server"}),
    (("--certificate-authority",), {"metavar": "FILE", "help": "certificate of the CA"}),
    (
        ("--insecure-skip-tls-verify",),
        {"action": "store_true", "help": "do not check the server's certificate"},
    ),
    (("--tls-server-name",), {"metavar": "NAME", "help": "name to expect in the certificate"}),
    (("--client-certificate",), {"metavar": "FILE", "help": "client certificate for TLS"}),
    (("--client-key",), {"metavar": "FILE", "help": "client key for TLS"}),
    (("--token",), {"metavar": "TOKEN", "help": "bearer token"}),
    (("--username",), {"metavar": "NAME", "help": "name for basic authentication"}),
    (("--password",), {"metavar": "WORD", "help": "password for basic authentication"}),
    (("--as",), {"dest": "as_user", "metavar": "USER", "help": "user to impersonate"}),
    (("--as-uid",), {"metavar": "UID", "help": "UID to impersonate"}),
    (
        ("--as-group",),
        {
            "dest": "as_groups",
            "action": "append",
            "metavar": "GROUP",
            "help": "group to impersonate (repeatable)",
        },
    ),
    (
        ("--as-user-extra",),
        {"action": "append", "metavar": "KEY=VALUE", "help": "extra to impersonate (repeatable)"},
    ),
    (
        ("--request-timeout",),
        {"metavar": "TIME", "help": "how long one API request may take (1s, 2m; 0: no limit)"},
    ),
    (
        ("--disable-compression",),
        {"action": "store_true", "help": "ask for answers that are not compressed"},
    ),
)

COMMON: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-o", "--output"),
        {"choices": ("table", "wide", "json", "yaml", "name"), "help": "output format"},
    ),
    (("-A", "--all-namespaces"), {"action": "store_true", "help": "Services of all namespaces"}),
    (("-l", "--selector"), {"metavar": "LABELS", "help": "only Services with these labels"}),
    (("--field-selector",), {"metavar": "FIELDS", "help": "only Services with these fields"}),
    (("--no-headers",), {"action": "store_true", "help": "tables without their header line"}),
    (
        ("--color",),
        {"choices": ("auto", "always", "never"), "help": "colours (auto: on a terminal)"},
    ),
    (
        ("--node",),
        {
            "dest": "nodes",
            "action": "append",
            "metavar": "NAME",
            "help": "only this node (repeatable)",
        },
    ),
    (("--node-selector",), {"metavar": "LABELS", "help": "only nodes with these labels"}),
    (
        ("--timeout",),
        {"metavar": "TIME", "help": "how long the whole run may take (default 60s; snapshot 10m)"},
    ),
    (
        ("--exec-timeout",),
        {"metavar": "TIME", "help": "how long one exec may take (default 10s)"},
    ),
    (
        ("--settle",),
        {"metavar": "TIME", "help": "how long a difference must last to count (default 5s)"},
    ),
    (
        ("--max-parallel",),
        {"metavar": "N", "help": "requests in flight at once (default 16)"},
    ),
    (("--max-dump",), {"metavar": "SIZE", "help": "largest listing of rules (default 128Mi)"}),
    (("--max-answer",), {"metavar": "SIZE", "help": "largest other answer (default 4Mi)"}),
    (
        ("--fail-on",),
        {
            "choices": ("error", "warning", "info", "never"),
            "help": "lowest level of finding that ends with status 1 (default error)",
        },
    ),
    (
        ("--accept-gaps",),
        {
            "action": "append",
            "metavar": "NODE|WHAT",
            "help": "a gap that is no failure (repeatable)",
        },
    ),
    (
        ("--bundle",),
        {"metavar": "FILE", "help": "answer from a saved bundle (demo: the recorded example)"},
    ),
    (("--record",), {"metavar": "FILE", "help": "save what this run reads to a bundle"}),
    (("--plan",), {"action": "store_true", "help": "show what would be run on nodes, run nothing"}),
    (("-v", "--v"), {"dest": "verbosity", "metavar": "LEVEL", "help": "say what is asked (1-9)"}),
)

CLIENT: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--from",),
        {
            "dest": "client",
            "metavar": "[NS/]POD",
            "help": "the pod that is the client on its node (default: one that is no endpoint)",
        },
    ),
)

MOST_PODS: tuple[tuple[str, ...], dict[str, Any]] = (
    ("--max-pods",),
    {"metavar": "N", "help": "pods that are counted for how full ranges are (default 20000)"},
)

PIPELINES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--only",),
        {"action": "append", "metavar": "CODE", "help": "only findings of this code (repeatable)"},
    ),
    (
        ("--skip",),
        {
            "action": "append",
            "metavar": "CODE[=WHERE]",
            "help": "no findings of this code, of a Service NAMESPACE/NAME or a node (repeatable)",
        },
    ),
    (
        ("--baseline",),
        {"metavar": "FILE", "help": "what an earlier check -o json found is no news"},
    ),
    (
        ("--config",),
        {"metavar": "FILE", "help": "levels of your own: [levels], then lines CODE = info"},
    ),
    (
        ("--wait",),
        {
            "action": "store_true",
            "help": "until every node is programmed, or --timeout (default 10m)",
        },
    ),
    (
        ("-w", "--watch"),
        {"action": "store_true", "help": "go on, and print what changes"},
    ),
    MOST_PODS,
)

RIGHTS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--role",), {"action": "store_true", "help": "print the least Role to apply, as YAML"}),
)

LOGS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-f", "--follow"), {"action": "store_true", "help": "go on with what is written from now"}),
    (
        ("-p", "--previous"),
        {"action": "store_true", "help": "also the logs of the containers' runs before"},
    ),
    (
        ("--since",),
        {"metavar": "TIME", "help": "how far back to look (default 1h; 0: all there is)"},
    ),
)

RANGES: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--ip",),
        {
            "dest": "ips",
            "action": "append",
            "metavar": "ADDR",
            "help": "what is this address? (repeatable; -: all those in the text on stdin)",
        },
    ),
    (
        ("--with",),
        {
            "dest": "beside",
            "action": "append",
            "metavar": "CIDR",
            "help": "a network of your own, as a VPN's, to compare with (repeatable)",
        },
    ),
    (
        ("--probe",),
        {
            "action": "store_true",
            "help": "also try, as a server-side dry-run, a Service outside every range",
        },
    ),
    (
        ("--explain",),
        {"action": "store_true", "help": "what to type to see what each source says"},
    ),
    MOST_PODS,
)

PACKET: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--in",),
        {
            "dest": "in_interface",
            "metavar": "IFACE",
            "help": "by which interface it comes in (default: by the routes to SRC)",
        },
    ),
    (("--sport",), {"metavar": "PORT", "help": "the port it is sent from"}),
    (("--mark",), {"metavar": "MARK", "help": "the mark it has already (0x4000)"}),
    (
        ("--hook",),
        {
            "choices": ("prerouting", "output"),
            "help": "where it enters (default: output for the node's own, else prerouting)",
        },
    ),
    (
        ("--packets",),
        {"metavar": "FILE", "help": "many packets instead: one JSON object a line"},
    ),
)

SAVED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("--rules",),
        {
            "action": "extend",
            "nargs": "+",
            "metavar": "[nft=|legacy=]FILE",
            "help": "iptables-save or `nft list ruleset` (repeatable; -: stdin)",
        },
    ),
    *(
        ((flag,), {"action": "append", "metavar": "FILE", "help": f"{shows} (repeatable)"})
        for flag, shows in (
            ("--addresses", "ip -j addr"),
            ("--routes", "ip -j route show table all"),
            ("--ip-rule", "ip -j rule"),
            ("--sysctl", "sysctl -a"),
            ("--ipset", "ipset save"),
            ("--ipvs", "cat /proc/net/ip_vs"),
        )
    ),
)


#: Formats of one command alone, which stand after it.
_FORMATS = {"check": ("junit", "sarif")}


def common(command: str) -> tuple[tuple[tuple[str, ...], dict[str, Any]], ...]:
    """COMMON as this command has it."""
    (names, output), *rest = COMMON
    choices = (*output["choices"], *_FORMATS.get(command, ()))
    return ((names, {**output, "choices": choices}), *rest)


def add(parser: argparse.ArgumentParser, *, title: str, flags: Any) -> None:
    """Adds flags that leave no trace in the namespace unless given, so that the same flag may
    stand before and after the command and the later one wins."""
    group = parser.add_argument_group(title)
    for names, keywords in flags:
        added = group.add_argument(*names, **{"default": argparse.SUPPRESS, **keywords})
        if keywords.get("action") == "store_true":
            _add_spelt_out(group, added)


def _add_spelt_out(group: argparse._ArgumentGroup, switch: argparse.Action) -> None:
    """--all-namespaces=false, as Go reads it; completion and help offer the short way alone."""
    for word in ("true", "false"):
        group.add_argument(
            *(f"{name}={word}" for name in switch.option_strings),
            dest=switch.dest,
            action=f"store_{word}",
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )
