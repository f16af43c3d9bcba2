"""Law 3, seen from outside: what the API server logged, and what the nodes look like after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubectl_svcnet.cli import main
from kubectl_svcnet.cluster.batch import SCRIPT
from kubectl_svcnet.model.commands import COMMANDS, Command, checked
from tests.e2e.tool import Svcnet
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import NODES, SERVICE_RANGE

pytestmark = pytest.mark.e2e

RUNS = (
    ["trace", "-A"],
    ["trace", "db-service"],
    ["trace", "db-service", "--explain"],
    ["ranges"],
    ["proxy"],
    ["logs", "db-service", "--previous"],
    ["check"],
    ["check", "--wait", "--timeout", "60s"],
    ["packet", "tcp", "default/client-n1", "10.96.0.10:53"],
    ["permissions"],
)
#: These know no cluster.
APART = {"completion", "version"}
#: Each answers with a document a line.
FOLLOWED = (
    ("logs", "db-service", "-f", "--timeout", "8s", "-o", "json"),
    ("check", "-w", "--timeout", "20s", "-o", "json"),
)
READS = {"get", "list", "watch"}
REVIEWS = {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}


#: Who the audited runs act as, so that nobody else's requests are taken for theirs.
AUDITED = "e2e-audited"


class Marked:
    """What the audited runs added to the audit log."""

    def __init__(self, log: Path) -> None:
        self._log, self._from = log, log.stat().st_size

    def events(self) -> list[dict[str, Any]]:
        with self._log.open("rb") as file:
            file.seek(self._from)
            lines = file.read().splitlines()
        events = [json.loads(line) for line in lines if line.endswith(b"}")]
        return [e for e in events if (e.get("impersonatedUser") or {}).get("username") == AUDITED]


def argv_of(event: dict[str, Any]) -> list[str]:
    return query_of(event)["command"]


def query_of(event: dict[str, Any]) -> dict[str, list[str]]:
    return parse_qs(urlsplit(event["requestURI"]).query, keep_blank_values=True)


def steps_of(parameters: list[str]) -> Iterator[Command]:
    """The commands in the script's positional parameters; ValueError if it is not one."""
    words = iter(parameters)
    for name in words:
        spec = COMMANDS[name]
        yield Command(name, tuple(next(words) for _ in spec.arguments))


def check_argv(argv: list[str]) -> int:
    """One exec's commands are all of the table; how many they are."""
    if argv[:2] == ["sh", "-c"]:
        assert argv[2] == SCRIPT
        assert argv[3] == "svcnet"
        steps = list(steps_of(argv[6:]))
        for step in steps:
            checked(step)
        return len(steps)
    assert any(matches(spec.argv, argv) for spec in COMMANDS.values()), argv
    return 1


def matches(pattern: tuple[str, ...], argv: list[str]) -> bool:
    return len(pattern) == len(argv) and all(
        word.startswith("{") or word == given for word, given in zip(pattern, argv, strict=True)
    )


def runs(folder: Path) -> list[list[str]]:
    file = str(folder / "cluster.tar.gz")
    return [*RUNS, ["snapshot", file], ["diff", file]]


def test_no_command_is_left_out(tmp_path: Path) -> None:
    assert {words[0] for words in runs(tmp_path)} | APART == set(main.COMMANDS)


@pytest.fixture(scope="module")
def audited(
    lab: Lab, svcnet: Svcnet, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    marked = Marked(lab.audit_log)
    for run in runs(tmp_path_factory.mktemp("audited")):
        answer = svcnet(*run, "--as", AUDITED, "--as-group", "system:masters")
        assert answer.code == 0, answer.told()
    for followed in FOLLOWED:
        assert svcnet.raw(*followed, "--as", AUDITED, "--as-group", "system:masters").code == 0
    execs = len(RUNS)  # at least one each; the log is written behind
    wait_until("the log", lambda: count(marked.events(), "exec") >= execs, timeout=20)
    return marked.events()


def count(events: list[dict[str, Any]], subresource: str) -> int:
    return sum(object_of(e).get("subresource") == subresource for e in events)


def object_of(event: dict[str, Any]) -> dict[str, Any]:
    """Empty for paths that are no resources, such as /version."""
    return event.get("objectRef") or {}


def test_only_reads_and_execs(audited: list[dict[str, Any]]) -> None:
    assert len(audited) > 20
    for event in audited:
        assert event["userAgent"].startswith("kubectl-svcnet/"), event
        what = object_of(event)
        resource, subresource = what.get("resource", ""), what.get("subresource", "")
        if resource == "pods" and subresource in ("exec", "portforward"):
            assert what["namespace"] == "kube-system"
            assert subresource == "exec" or query_of(event)["ports"] in (["10249"], ["10256"])
            continue
        if resource in REVIEWS:
            continue
        assert event["verb"] in READS, event
        assert subresource in ("", "log"), event
        assert resource != "secrets", event


def test_only_commands_of_the_table(audited: list[dict[str, Any]]) -> None:
    execs = [e for e in audited if object_of(e).get("subresource") == "exec"]
    assert execs
    assert sum(check_argv(argv_of(event)) for event in execs) > 100
    for event in execs:
        query = query_of(event)
        assert "stdin" not in query or query["stdin"] == ["false"]
        assert "tty" not in query or query["tty"] == ["false"]


def test_a_probe_creates_nothing(lab: Lab, svcnet: Svcnet) -> None:
    """Its only writes are dry-runs, and the API server, refusing them, names the ranges."""
    marked = Marked(lab.audit_log)
    answer = svcnet("ranges", "--probe", "--as", AUDITED, "--as-group", "system:masters")
    told = [i["range"] for i in answer.document["items"] if "Service dry-run" in sources_of(i)]
    assert sorted(told) == sorted(SERVICE_RANGE.split(","))
    wait_until("the log", lambda: len(posts(marked.events())) >= len(told), timeout=20)
    for event in posts(marked.events()):
        assert object_of(event)["resource"] == "services"
        assert query_of(event)["dryRun"] == ["All"]
        assert event["responseStatus"]["code"] == 422


def posts(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Creations of objects, other than the exec and port-forward of a pod."""
    return [e for e in events if e["verb"] == "create" and "subresource" not in object_of(e)]


def sources_of(item: dict[str, Any]) -> list[str]:
    return [source["source"] for source in item["sources"]]


SAVES = ("iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save")
FILES = ("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names", "/proc/modules")

#: Counters among the sysctls, and what cannot always be read.
_RESTLESS = re.compile(
    r"(?m)^(net\.netfilter\.nf_conntrack_count|.*(stable_secret|random)\S*) = .*$"
)


def state_of(lab: Lab, node: str) -> dict[str, str]:
    """A node's netfilter and sysctls without counters and dates, by the machine's own programs."""
    found = {}
    for program in SAVES:
        text = lab.node_exec(node, [program])
        found[program] = re.sub(r"(?m)^#.*\n| \[\d+:\d+\]$", "", text)
    found["nft"] = re.sub(
        r"packets \d+ bytes \d+", "", lab.node_exec(node, ["nft", "list", "tables"])
    )
    sysctls = lab.node_exec(node, ["sh", "-c", "sysctl -a --pattern '^net\\.' 2>/dev/null"])
    found["sysctls"] = _RESTLESS.sub("", sysctls)
    found["modules"] = lab.node_exec(node, ["sh", "-c", f"cat {' '.join(FILES)} 2>/dev/null || :"])
    return found


@contextmanager
def nothing_changes(lab: Lab) -> Iterator[None]:
    before = {node.name: state_of(lab, node.name) for node in NODES}
    yield
    for name, state in before.items():
        after = state_of(lab, name)
        for what, text in state.items():
            assert after[what] == text, f"{name}: {what}"


def test_nodes_are_as_before(lab: Lab, svcnet: Svcnet, tmp_path: Path) -> None:
    with nothing_changes(lab):
        for run in runs(tmp_path):
            assert svcnet(*run).code == 0
        assert svcnet.raw("trace", "db-service", "--steps").code == 0
        for followed in FOLLOWED:
            assert svcnet.raw(*followed).code == 0
