"""The script, run by a real dash with nothing but the tools of upstream's image on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kubectl_svcnet.cluster import batch
from kubectl_svcnet.cluster.batch import Answer, decode, encode
from kubectl_svcnet.model.commands import COMMANDS, Command, Needs

TOKEN = "0123456789abcdef0123456789abcdef"
TOOLS = ("cat", "chmod", "grep", "ln", "rm", "sleep", "wc")

CHAIN = Command("iptables-nft-chain", ("nat", "KUBE-SERVICES"))
SETS = Command("ipset-save")
FILE = Command("cat", ("/proc/1/status",))

RULES = """-N KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.1/32 -j A
-A KUBE-SERVICES -d 10.96.0.2/32 -j B
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
"""


class Node:
    """A restricted PATH with fakes, and a /proc/modules of its own."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.bin = folder / "bin"
        self.modules = folder / "modules"
        self.log = folder / "ran"
        self.shell = shell
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))

    def fake(self, name: str, stdout: str = "", stderr: str = "", code: int = 0) -> None:
        path = self.bin / name
        path.write_text(
            f"#!{self.shell}\nprintf '%s\\n' \"${{0##*/}} $*\" >>{self.log}\n"
            f"cat <<'EOF_OF_FAKE'\n{stdout}EOF_OF_FAKE\n"
            f"cat >&2 <<'EOF_OF_FAKE'\n{stderr}EOF_OF_FAKE\nexit {code}\n"
        )
        path.chmod(0o755)

    def load(self, *modules: str) -> None:
        self.modules.write_text("".join(f"{m} 1 0 - Live 0x0\n" for m in modules))

    def output(self, *commands: Command, in_use: tuple[Needs, ...] = ()) -> tuple[bytes, bytes]:
        argv = encode(commands, token=TOKEN, in_use=in_use)
        argv[2] = argv[2].replace("/proc/modules", str(self.modules))
        ran = subprocess.run(
            [self.shell, *argv[1:]],
            env={"PATH": str(self.bin)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout, ran.stderr

    def run(self, *commands: Command, in_use: tuple[Needs, ...] = ()) -> tuple[Answer, ...]:
        return decode(commands, *self.output(*commands, in_use=in_use), TOKEN)

    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path, str(shutil.which("dash")))


pytestmark = pytest.mark.tools("dash", *TOOLS)


def filtered(pattern: str) -> Command:
    return Command("iptables-nft-chain-filtered", ("nat", "KUBE-SERVICES", pattern))


def test_answers_with_both_streams_and_exit_codes(node: Node) -> None:
    node.fake("iptables-nft-save", RULES, "# Warning: legacy tables present\n")
    node.fake("iptables-legacy-save", "", "broken\n", 4)
    save = Command("iptables-nft-save-all")
    chain, legacy, again = node.run(save, Command("iptables-legacy-save-all"), save)
    assert chain.data == again.data == RULES.encode()
    assert chain.stderr == b"# Warning: legacy tables present\n"
    assert (chain.exit_code, chain.ended, chain.absent) == (0, True, False)
    assert (legacy.data, legacy.stderr, legacy.exit_code) == (b"", b"broken\n", 4)
    assert node.ran()[0].split() == ["iptables-nft-save"]


def test_warnings_at_every_call_are_told_where_it_fails(node: Node) -> None:
    """iptables-nft warns of legacy tables; both backends are read anyway."""
    node.fake("iptables-nft", RULES, "# Warning: legacy tables present\n")
    (chain,) = node.run(CHAIN)
    assert (chain.data, chain.stderr, chain.exit_code) == (RULES.encode(), b"", 0)
    node.fake("iptables-nft", "", "# Warning\nno such chain\n", 1)
    (chain,) = node.run(CHAIN)
    assert (chain.data, chain.stderr, chain.exit_code) == (b"", b"# Warning\nno such chain\n", 1)


def test_a_tool_that_is_missing(node: Node) -> None:
    (answer,) = node.run(Command("ip-addr"))
    assert answer.exit_code == 127
    assert b"ip: not found" in answer.stderr


def test_filters_keep_numbers_true(node: Node) -> None:
    node.fake("iptables-nft", RULES, code=1)
    (answer,) = node.run(filtered(r"^-A KUBE-SERVICES -d 10\.96\.0\.(1|9)/32 "))
    first, _, two, three = RULES.splitlines()
    assert answer.data.decode() == f"1:{first}\n3:{two}\n4:{three}\n"
    assert (answer.exit_code, answer.unfiltered) == (1, False)


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("", ""),
        ("\n", "1:\n"),
        ("one\n", "1:one\n"),
        ("one\n\n", "1:one\n2:\n"),
        ("leave\n", ""),
        ("leave\n\n", "2:\n"),
    ],
)
def test_filtered_ends(node: Node, printed: str, kept: str) -> None:
    node.fake("iptables-nft", printed)
    (answer,) = node.run(filtered("^leave"))
    assert (answer.data.decode(), answer.exit_code, answer.unfiltered) == (kept, 0, False)


def test_filtered_without_a_last_line_feed(node: Node) -> None:
    path = node.bin / "iptables-nft"
    path.write_text(f"#!{node.shell}\nprintf 'a\\nb'\n")
    path.chmod(0o755)
    (answer,) = node.run(filtered("^a"))
    assert answer.data == b"2:b\n"


def test_a_pattern_that_takes_the_marker_too(node: Node) -> None:
    node.fake("iptables-nft", RULES)
    (answer,) = node.run(filtered("."))
    assert answer.unfiltered
    assert answer.ended


FOREIGN = "-A KUBE-SERVICES -d 10.96.0.9/32 -j ACCEPT\n"
FILTER = "*filter\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -d 10.96.0.3/32 -j REJECT\nCOMMIT\n"
NAT = "*nat\n:KUBE-SERVICES - [0:0]\n-A X -j KUBE-SERVICES\n"


@pytest.mark.parametrize(
    ("saved", "shown"),
    [
        (f"{FILTER}{NAT}{FOREIGN}{RULES}COMMIT\n", f"5:*nat\n8:{FOREIGN}"),
        (f"{NAT}{FOREIGN}{RULES}COMMIT\n{FILTER}", f"1:*nat\n4:{FOREIGN}"),
        (f"{FILTER}{NAT}COMMIT\n*raw\nCOMMIT\n", "5:*nat\n9:*raw\n"),
        (f"{NAT}COMMIT\n{FILTER}", "1:*nat\n5:*filter\n"),
        (f"{NAT}COMMIT\n", "1:*nat\n"),
        (FILTER, ""),
    ],
)
def test_the_first_rule_of_one_table_s_chain(node: Node, saved: str, shown: str) -> None:
    """Whatever the tables' order, whoever made the rule; the next table's head: there is none."""
    node.fake("iptables-legacy-save", saved)
    (answer,) = node.run(Command("iptables-legacy-first-rule", ("nat", "KUBE-SERVICES")))
    assert answer.data.decode() == shown
    assert answer.exit_code == (0 if shown else 1)


def test_the_first_rule_of_many(node: Node) -> None:
    """The second grep ends before the first one has written all."""
    node.fake("iptables-legacy-save", f"{NAT}{FOREIGN}{RULES * 20_000}COMMIT\n")
    (answer,) = node.run(Command("iptables-legacy-first-rule", ("nat", "KUBE-SERVICES")))
    assert answer.data.decode() == f"1:*nat\n4:{FOREIGN}"
    assert (answer.stderr, answer.exit_code) == (b"", 0)


def test_filtered_without_grep(node: Node) -> None:
    node.fake("iptables-nft", RULES)
    (node.bin / "grep").unlink()
    (answer,) = node.run(filtered("^x"))
    assert (answer.unfiltered, answer.exit_code) == (True, 127)


def test_filtered_where_the_tool_is_missing(node: Node) -> None:
    (answer,) = node.run(filtered("^x"))
    assert (answer.data, answer.exit_code, answer.unfiltered) == (b"", 127, False)


def test_bytes_that_are_no_text(node: Node) -> None:
    path = node.bin / "iptables-nft"
    path.write_text(f"#!{node.shell}\nprintf 'a\\377\\000b\\nleave\\n'\n")
    path.chmod(0o755)
    (answer,) = node.run(filtered("^leave"))
    assert answer.data == b"1:a\xff\x00b\n"


@pytest.mark.parametrize(
    ("modules", "in_use", "runs"),
    [
        (None, (), True),  # no /proc/modules: nothing can be loaded
        ((), (), False),
        (("nf_tables", "x_tables"), (), True),
        (("nf_tables_offload", "xnf_tables"), (), False),
        ((), (Needs.NF_TABLES,), True),
        ((), (Needs.IP_SET,), False),
        ((), (Needs.IP_SET, Needs.NF_TABLES), True),
    ],
)
def test_nothing_runs_that_would_load_a_module(
    node: Node, modules: tuple[str, ...] | None, in_use: tuple[Needs, ...], runs: bool
) -> None:
    node.fake("iptables-nft", RULES)
    if modules is not None:
        node.load(*modules)
    chain, part = node.run(CHAIN, filtered("^x"), in_use=in_use)
    assert chain.absent is part.absent is not runs
    assert bool(chain.data) is bool(part.data) is runs
    assert bool(node.ran()) is runs


LISTING = Command("nft-chains", ("^}$",))
RAW = Command("iptables-nft-chain", ("raw", "PREROUTING"))
NAT6 = Command("ip6tables-nft-chain", ("nat", "PREROUTING"))


def test_a_table_that_is_not_there_is_not_asked_for(node: Node) -> None:
    """Old versions of iptables-nft create a table to list its chains."""
    node.fake("nft", "table ip nat {\n\tchain x {\n}\ntable ip6 rawer {\n}\n")
    node.fake("iptables-nft", RULES)
    node.fake("ip6tables-nft", RULES)
    listing, nat, raw, nat6, part = node.run(LISTING, CHAIN, RAW, NAT6, filtered("^x"))
    assert listing.data == b"1:table ip nat {\n2:\tchain x {\n4:table ip6 rawer {\n"
    assert (listing.exit_code, listing.unfiltered) == (0, False)
    assert [each.absent for each in (nat, raw, nat6, part)] == [False, True, True, False]
    assert node.ran() == ["nft -a list chains", *["iptables-nft -t nat -S KUBE-SERVICES"] * 2]


@pytest.mark.parametrize("nft", ["none", "broken"])
def test_no_listing_no_chains(node: Node, nft: str) -> None:
    node.fake("iptables-nft", RULES)
    node.fake("iptables-nft-save", "*nat\n")
    if nft == "broken":
        node.fake("nft", "", "Killed\n", 137)
    saved = Command("iptables-nft-save-all-filtered", ("^x", "^y"))
    listing, chain, save = node.run(LISTING, CHAIN, saved)
    assert listing.exit_code == (127 if nft == "none" else 137)
    assert chain.absent
    assert save.absent is (nft == "broken")
    assert save.data == (b"1:*nat\n" if nft == "none" else b"")


SAVE = """*nat
:A - [0:0]
-A A -j ACCEPT
-A KUBE-SERVICES -d 10.96.0.1/32 -j A
-A KUBE-SERVICES -d 10.96.0.2/32 -j B
COMMIT
"""
FILTERED = Command(
    "iptables-legacy-save-all-filtered", ("^(:|-A )A ", "^([0-9]+:)?-A KUBE-SERVICES -d 10.96.0.1/")
)
FIRST = Command("iptables-legacy-first-rule", ("nat", "KUBE-SERVICES"))
FIRST6 = Command("ip6tables-legacy-first-rule", FIRST.arguments)


def test_a_dump_is_made_once_for_both_questions(node: Node) -> None:
    node.fake("iptables-legacy-save", SAVE)
    node.fake("ip6tables-legacy-save", SAVE)
    part, first, first6 = node.run(FILTERED, FIRST, FIRST6)
    assert part.data == b"1:*nat\n5:-A KUBE-SERVICES -d 10.96.0.2/32 -j B\n6:COMMIT\n"
    assert (part.exit_code, part.unfiltered) == (0, False)
    lines = b"1:*nat\n4:-A KUBE-SERVICES -d 10.96.0.1/32 -j A\n"
    assert (first.data, first.exit_code) == (lines, 0)
    assert (first6.data, first6.exit_code) == (lines, 0)  # of its own program, whole
    assert [name.strip() for name in node.ran()] == [
        "iptables-legacy-save",
        "ip6tables-legacy-save",
    ]


def test_a_dump_that_failed_is_kept_with_its_code(node: Node) -> None:
    node.fake("iptables-legacy-save", "*nat\n", "broken\n", 3)
    part, first = node.run(FILTERED, FIRST)
    assert (part.data, part.exit_code, part.stderr) == (b"1:*nat\n", 3, b"broken\n")
    (alone,) = node.run(FIRST)
    assert first.data == alone.data == b"1:*nat\n"


def test_an_empty_listing_is_one(node: Node) -> None:
    node.fake("nft")
    node.fake("iptables-nft", RULES)
    listing, chain = node.run(LISTING, CHAIN)
    assert (listing.data, listing.exit_code, listing.unfiltered) == (b"", 0, False)
    assert chain.absent


def test_the_bare_name_only_where_the_others_are_missing(node: Node) -> None:
    bare = Command("iptables-save-all")
    node.fake("iptables-save", "*nat\n")
    assert node.run(bare)[0].data == b"*nat\n"
    node.fake("iptables-legacy-save")
    assert node.run(bare)[0].absent


def test_every_row_runs_its_own_argv(node: Node) -> None:
    """Table and script cannot drift, for the one is made from the other; this runs both."""
    examples = {
        "table": "nat",
        "chain": "KUBE-SERVICES",
        "chains": "^x",
        "leave": "^x",
        "show": "^x",
        "first": "x",
        "family": "ip",
        "bytes": "100",
        "log": "/var/log/kube-proxy.log",
    }
    for spec in COMMANDS.values():
        if spec.argv[0] in TOOLS or spec.unless or spec.needs is Needs.IP_VS:
            continue
        node.fake(spec.argv[0])
        command = Command(spec.name, tuple(examples[name] for name in spec.arguments))
        (answer,) = node.run(command)
        # grep finds nothing in an empty listing.
        assert (answer.exit_code, answer.absent) == (int(spec.first), False), spec.name
        assert node.ran()[-1].split() == list(command.argv())


def test_a_log_is_searched_only_where_its_end_cannot_be_had(node: Node, tmp_path: Path) -> None:
    log = tmp_path / "kube-proxy.log"
    log.write_text("a 10.96.0.1\nb 10.96.0.2\nc default/db\n" * 2)
    tail = Command("log-tail", ("100", str(log)))
    grep = Command("log-grep", ("3", r"10\.96\.0\.1|default/db", str(log)))
    missing, found = node.run(tail, grep)
    assert missing.exit_code == 127
    assert found.data == b"a 10.96.0.1\nc default/db\na 10.96.0.1\n"
    node.fake("tail", "the end\n")
    had, searched = node.run(tail, grep)
    assert (had.data, searched.absent) == (b"the end\n", True)


def test_arguments_are_never_read_as_shell(node: Node, tmp_path: Path) -> None:
    node.fake("iptables-nft", 'a $(touch x) `touch y` "; touch z\n')
    pattern = f"$(touch {tmp_path}/x)`touch {tmp_path}/y`'\"; touch {tmp_path}/z #"
    (answer,) = node.run(filtered(pattern))
    assert answer.exit_code == 0
    assert sorted(os.listdir(tmp_path)) == ["bin", "ran"]


def test_hostile_output_cannot_pass_for_a_marker(node: Node) -> None:
    other = "f" * 32
    text = f"{other} end 1 0\n{other} begin 2\nX\n{other} end 2 0\n"
    node.fake("iptables-nft-save", text, text)
    node.fake("iptables-legacy-save", "real\n")
    chain, legacy = node.run(Command("iptables-nft-save-all"), Command("iptables-legacy-save-all"))
    assert chain.data == chain.stderr == text.encode()
    assert legacy.data == b"real\n"


def test_output_cut_at_every_byte(node: Node) -> None:
    """What ended before the cut is whole; what did not is said to be cut; nothing is invented."""
    node.fake("iptables-nft", RULES)
    node.fake("iptables-legacy-save", "*nat\n")
    commands = (CHAIN, filtered("^-A KUBE-SERVICES -d"), Command("iptables-legacy-save-all"))
    stdout, stderr = node.output(*commands)
    whole = decode(commands, stdout, stderr, TOKEN)
    cuts = [(stdout[:cut], stderr) for cut in range(len(stdout))]
    cuts += [(stdout, stderr[:cut]) for cut in range(len(stderr))]
    for out, err in cuts:
        answers = decode(commands, out, err, TOKEN)
        assert not all(answer.ended for answer in answers)
        for got, full in zip(answers, whole, strict=True):
            if got.ended:
                assert (got.data, got.stderr) == (full.data, full.stderr)
            else:
                assert got.exit_code is None
        begun = [answer.begun for answer in answers]
        assert begun == sorted(begun, reverse=True)


@pytest.mark.parametrize("name", ["busybox", "bash"])
def test_other_shells(tmp_path: Path, name: str) -> None:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}")
    node = Node(tmp_path, found)
    if name == "busybox":
        node.shell = str(tmp_path / "sh")
        os.symlink(found, node.shell)
        for tool in ("cat", "grep"):
            (node.bin / tool).unlink()
            (node.bin / tool).symlink_to(found)
    node.fake("iptables-nft", RULES, "said\n")
    node.load("nf_tables")
    chain, part, sets = node.run(CHAIN, filtered("^-A .* -d "), SETS)
    assert (chain.data, chain.stderr) == (RULES.encode(), b"")
    assert part.stderr == b"said\n"
    assert part.data.splitlines()[0] == b"1:-N KUBE-SERVICES"
    assert part.exit_code == 0
    assert sets.absent


RULE = "\t\tip daddr 10.0.0.1 drop\n"
TABLE = "".join(f"\tchain c{n} {{\n\t\tend {n}\n{RULE * 20}\t}}\n" for n in range(9))


@pytest.mark.parametrize("name", ["dash", "busybox"])
def test_picked_lines_and_those_below_them(node: Node, name: str) -> None:
    if (found := shutil.which(name)) is None:
        pytest.skip(f"no {name}")
    if name == "busybox":
        (node.bin / "grep").unlink()
        (node.bin / "grep").symlink_to(found)
    node.fake("nft", f"table ip kube-proxy {{\n{TABLE}}}\n", code=3)
    node.load("nf_tables")
    command = Command("nft-table-picked", ("ip", "kube-proxy", "^table |^[[:space:]]chain c4 "))
    picked, after = node.run(command, FILE)
    assert picked.exit_code == 3
    assert not picked.unfiltered
    lines = picked.data.decode().splitlines()
    assert lines[:2] == ["1:table ip kube-proxy {", "2-\tchain c0 {"]
    assert lines[16:20] == [
        "--",
        "94:\tchain c4 {",
        "95-\t\tend 4",
        "96-\t\tip daddr 10.0.0.1 drop",
    ]
    assert [line for line in lines[20:] if line != "--"][13:] == []
    assert after.ended
    nothing = Command("nft-table-picked", ("ip", "kube-proxy", "^nowhere"))
    (picked,) = node.run(nothing)
    assert (picked.data, picked.exit_code) == (b"", 3)


# The encoder needs no shell.


def test_only_the_table_is_encoded() -> None:
    for command in (Command("sh"), Command("cat", ("/etc/passwd",)), Command("ip-addr", ("x",))):
        with pytest.raises(ValueError, match=r"table|may not be"):
            encode([command], token=TOKEN)
    with pytest.raises(ValueError, match="token"):
        encode([FILE], token="short")


def test_arguments_have_a_limit() -> None:
    pattern = Command("iptables-nft-save-filtered", ("nat", "x" * 5000))
    assert batch.size_of([pattern]) < batch.MAX_ARGUMENTS
    encode([pattern], token=TOKEN)
    with pytest.raises(ValueError, match="6144 bytes"):
        encode([pattern, pattern], token=TOKEN)


def test_the_script_is_one_constant() -> None:
    argv = encode([CHAIN, FILE], token=TOKEN, in_use=[Needs.NF_TABLES, Needs.IP_SET])
    assert argv[:4] == ["sh", "-c", batch.SCRIPT, "svcnet"]
    assert argv[4:6] == [TOKEN, "ip_set,nf_tables"]
    assert argv[6:] == ["iptables-nft-chain", "nat", "KUBE-SERVICES", "cat", "/proc/1/status"]
    assert len(batch.SCRIPT) < 4400  # it travels in the URL of each exec


@pytest.mark.parametrize(
    "out",
    [b"", b"\n", b"noise", TOKEN.encode(), f"{TOKEN} begin 2\n".encode(), b"\xff\x00"],
)
def test_noise_is_no_answer(out: bytes) -> None:
    answers = decode([FILE, FILE], out, b"", TOKEN)
    assert not answers[0].begun
    assert not any(answer.ended for answer in answers)
