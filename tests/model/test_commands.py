"""Law 3: what may run on a node is this table, and it changes nothing there."""

from __future__ import annotations

import re

import pytest

from kubectl_svcnet.model.commands import COMMANDS, Command, CommandSpec, Needs
from kubectl_svcnet.model.node_files import FILES, SYSCTLS

ROWS = [pytest.param(row, id=row.name) for row in COMMANDS.values()]

#: A value that each placeholder allows.
ALLOWED = {
    "table": "nat",
    "chain": "KUBE-SVC-J5FHDC7QFLM3E3EH",
    "chains": "^-A KUBE-SEP-",
    "leave": r"-A KUBE-SERVICES -d 10\.96\.",
    "family": "ip",
    "show": "^table ",
    "file": "/proc/net/route",
    "directory": "/host/etc/cni/net.d",
    "bytes": "1048576",
    "lines": "2000",
    "dialled": " udp .* dport=(53|5353) ",
    "pattern": r"default/db|10\.96\.0\.9",
    "log": "/host/var/log/kube-proxy.log",
}


def filled(row: CommandSpec) -> Command:
    values = {**ALLOWED, "table": "kube-proxy"} if row.name.startswith("nft-table") else ALLOWED
    return Command(row.name, tuple(values[name] for name in row.arguments))


@pytest.mark.parametrize("row", ROWS)
def test_a_filled_row_is_argv(row: CommandSpec) -> None:
    argv = filled(row).argv()
    assert argv[0] == row.argv[0]
    assert not [word for word in argv if re.search(r"[{}]", word)]
    assert filled(row).spec is row


@pytest.mark.parametrize("row", ROWS)
def test_every_program_is_a_reading_one(row: CommandSpec) -> None:
    program, *words = row.argv
    if re.fullmatch(r"ip6?tables(-nft|-legacy)?-save", program):
        assert words in ([], ["-t", "{table}"])
        assert not ("legacy" in program and words), "-t makes the legacy save load a table"
    elif re.fullmatch(r"ip6?tables-nft", program):
        assert words in (["-t", "{table}", "-S"], ["-t", "{table}", "-S", "{chain}"])
    elif program == "nft":
        listing = words[1:] if words[:1] == ["-a"] else words  # -a: with handles
        assert listing[0] == "list" or words == ["--version"]
    elif program == "ip":
        objects = [word for word in words if not word.startswith("-")]
        assert objects in (["addr"], ["rule"], ["route", "show", "table", "all"])
    elif program == "ovn-nbctl":
        first, *rest = " ".join(words).split(" -- ")
        assert "--dry-run" in first.split(), "else it gives an empty database a row"
        assert all(re.fullmatch(r"--columns=[a-z_,]+ list [A-Z]\w+", part) for part in rest)
    else:
        assert (program, *words[:1]) in {
            ("cat", "/proc/net/ip_vs"),
            ("cat", "{file}"),
            ("grep", "-rsH"),
            ("grep", "-sH"),
            ("grep", "-E"),
            ("grep", "-aEm"),
            ("grep", "-rlF"),
            ("curl", "-sf"),  # without -d, -T or -X: a GET
            ("tail", "-c"),
            ("grep", "cluster-ip-range"),
            ("ipset", "save"),
            ("ipvsadm", "-Sn"),
        }


@pytest.mark.parametrize("row", ROWS)
def test_what_would_load_a_module_says_so(row: CommandSpec) -> None:
    program = row.argv[0]
    if program == "nft" or re.match(r"ip6?tables-nft", program):
        assert row.needs is Needs.NF_TABLES
    elif program == "ipset":
        assert row.needs is Needs.IP_SET
    elif program == "ipvsadm":
        assert row.needs is Needs.IP_VS


@pytest.mark.parametrize("row", ROWS)
def test_a_filter_is_the_last_argument(row: CommandSpec) -> None:
    assert (list(row.arguments)[-1:] in (["leave"], ["show"])) is row.filtered
    assert (list(row.arguments)[-1:] == ["show"]) is row.picked
    if row.first:
        assert list(row.arguments) == ["table", "chain"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("rm", (), id="no such row"),
        pytest.param("iptables-nft-chain", ("nat",), id="too few"),
        pytest.param("iptables-nft-save-all", ("nat",), id="too many"),
        pytest.param("iptables-nft-chain", ("nat", "-Z"), id="an option as a chain"),
        pytest.param("iptables-nft-chain", ("nat", "A;reboot"), id="shell words"),
        pytest.param("iptables-nft-chain", ("nat", "A" * 65), id="too long"),
        pytest.param("iptables-nft-chain", ("nat", "A\n"), id="line end"),
        pytest.param("iptables-nft-chain", ("filter2", "A"), id="no such table"),
        pytest.param("iptables-nft-save-filtered", ("nat", "a\0b"), id="NUL in a pattern"),
        pytest.param("iptables-nft-save-filtered", ("nat", ""), id="a pattern of all lines"),
        pytest.param("nft-table", ("ip", "-f"), id="an option as a table"),
        pytest.param("nft-table", ("any", "x"), id="no such family"),
        pytest.param("cat", ("/etc/shadow",), id="another file"),
        pytest.param("cat", ("/proc/net/route/../../1/environ",), id="a way out"),
        pytest.param("cat", ("/procXnet/route",), id="dots are dots"),
        pytest.param("log-tail", ("1", "/etc/shadow"), id="another file to tail"),
        pytest.param("log-tail", ("1", "/var/../kube-proxy.log"), id="a way out by tail"),
        pytest.param("log-tail", ("+1", "/kube-proxy.log"), id="the whole of it"),
        pytest.param("log-grep", ("0", "a", "/kube-proxy.log"), id="no line of it"),
    ],
)
def test_anything_else_is_refused(name: str, arguments: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(name)):
        Command(name, arguments).argv()


def test_files_are_the_kernels_or_a_log() -> None:
    assert not [
        f
        for f in FILES
        if not re.match(r"/proc/|/var/log/|/run/flannel/|/etc/cni/net", f) or ".." in f
    ]
    assert not [f for f in SYSCTLS if not f.startswith("/proc/sys/net/")]
    assert not [f for f in FILES if re.search(r"environ|cmdline|kcore|/mem$", f)]
