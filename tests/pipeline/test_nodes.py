"""Reading one node: rounds, images without a shell, nft built into the kernel, and failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason, Request
from kubectl_svcnet.model.commands import Command, Needs
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import TraceReport
from kubectl_svcnet.node.netfilter import LISTING
from kubectl_svcnet.pipeline.trace import trace
from tests.saved import Narrow, Saved

DB = Options(services=("db-service",))
Change = Callable[[ExecRequest, Capture], Capture]


class Node(Narrow):
    """n1 answers as `change` has it."""

    def __init__(self, change: Change, saved: Saved | None = None) -> None:
        super().__init__(saved or Saved())
        self.change = change

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        captures = super().fetch(request)
        if isinstance(request, ExecRequest) and request.node == "n1":
            return tuple(self.change(request, capture) for capture in captures)
        return captures

    def of_n1(self) -> list[ExecRequest]:
        return [request for request in self.asked if request.node == "n1"]


def failed(capture: Capture, reason: Reason, message: str = "") -> Capture:
    failure = Failure(reason=reason, message=message or reason.value)
    return replace(capture, data=b"", exit_code=None, failure=failure)


def verdict(report: TraceReport) -> str:
    (node,) = [n for n in report.services[0].frontends[0].nodes if n.node == "n1"]
    return node.verdict.value


def test_an_image_without_a_shell() -> None:
    """Plain argv then, and dumps at once; a filter would need a shell."""

    def no_shell(request: ExecRequest, capture: Capture) -> Capture:
        return (
            failed(capture, Reason.NO_TOOL, "sh is not in the image") if request.shell else capture
        )

    source = Node(no_shell)
    report = trace(source, DB)
    assert verdict(report) == "ok"
    first, second = source.of_n1()
    assert (first.shell, second.shell) == (True, False)
    assert Command("iptables-nft-save-all") in second.commands
    # without the shell every command is an exec of its own
    assert report.collected.execs == 2 + 1 + len(second.commands)


def bare(request: ExecRequest, capture: Capture) -> Capture:
    """As EKS's images: neither sh nor cat, so that /proc/modules cannot be read."""
    assert capture.command is not None
    if request.shell or capture.command.argv()[0] == "cat":
        return failed(capture, Reason.NO_TOOL, "not in the image")
    needs = capture.command.spec.needs
    if needs is Needs.NF_TABLES and needs not in request.in_use:
        return failed(capture, Reason.UNPROVEN, "it may not be loaded")
    return capture


def test_an_image_without_cat() -> None:
    """The legacy tables are empty, so that kube-proxy must use nft. What only `cat` shows, as the
    node's own addresses, is unread all the same."""
    source = Node(bare)
    report = trace(source, DB)
    assert verdict(report) == "unknown"
    (node,) = [n for n in report.services[0].frontends[0].nodes if n.node == "n1"]
    assert any(fate.endpoint for walk in node.walks for fate in walk.fates)
    assert [(r.shell, bool(r.in_use)) for r in source.of_n1()] == [
        (True, False),
        (False, False),
        (False, True),
    ]


def test_what_is_not_proven_is_not_empty() -> None:
    """Where the legacy tables were not read, nothing says whether nft is in use."""

    def no_legacy(request: ExecRequest, capture: Capture) -> Capture:
        assert capture.command is not None
        if "legacy" in capture.command.name:
            return failed(capture, Reason.TIMEOUT, "too slow")
        return bare(request, capture)

    source = Node(no_legacy)
    assert verdict(trace(source, DB)) == "unread"
    assert not any(request.in_use for request in source.of_n1())


def test_an_image_with_nothing_in_it() -> None:
    def nothing(request: ExecRequest, capture: Capture) -> Capture:
        return failed(capture, Reason.NO_TOOL, "no such tool in the image")

    report = trace(Node(nothing), DB)
    assert verdict(report) == "unread"
    (gap,) = [gap for gap in report.gaps if gap.blocking]
    assert (gap.node, gap.what, gap.why) == ("n1", "rules", "no such tool in the image")


def held(request: ExecRequest, capture: Capture) -> Capture:
    """No nf_tables in /proc/modules: what needs it is not run, unless it is in use anyway."""
    assert capture.command is not None
    needs = capture.command.spec.needs
    if needs is Needs.NF_TABLES and needs not in request.in_use:
        return failed(capture, Reason.NOT_PRESENT)
    return capture


def test_nft_that_is_built_into_the_kernel() -> None:
    """kube-proxy needs one backend; without a legacy table it uses nft itself (law 3)."""
    source = Node(held)
    assert verdict(trace(source, DB)) == "ok"
    first, second = source.of_n1()
    assert first.in_use == frozenset()
    assert second.in_use == {Needs.NF_TABLES}


def test_a_kernel_without_nft_is_left_alone() -> None:
    """Where legacy tables hold the rules, nothing that could load nf_tables is run."""

    class Legacy(Node):
        def fetch(self, request: Request) -> tuple[Capture, ...]:
            captures = Narrow.fetch(self, request)
            if isinstance(request, ExecRequest) and request.node == "n2":
                return tuple(held(request, capture) for capture in captures)
            return captures

    source = Legacy(held)
    report = trace(source, DB)
    assert {n.node: n.verdict.value for n in report.services[0].frontends[0].nodes}["n2"] == "ok"
    assert all(r.in_use == frozenset() for r in source.asked if r.node == "n2")


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.BROKEN, Reason.FORBIDDEN])
def test_a_node_that_says_nothing(reason: Reason) -> None:
    source = Node(lambda request, capture: failed(capture, reason, "it failed"))
    report = trace(source, DB)
    assert verdict(report) == "unread"
    [gap] = [gap for gap in report.gaps if gap.blocking]
    assert gap.node == "n1"
    assert gap.why.startswith("it failed")
    assert report.collected.nodes_read == 2
    assert len(source.of_n1()) == 1  # and it is not asked again


def test_one_command_that_failed_is_asked_otherwise() -> None:
    """A table that failed to be listed is saved; then the dump is taken."""

    def large(request: ExecRequest, capture: Capture) -> Capture:
        if capture.command == Command("iptables-nft-table", ("filter",)):
            return failed(capture, Reason.TOO_LARGE)
        return capture

    source = Node(large)
    assert verdict(trace(source, DB)) == "ok"
    later = [command for request in source.of_n1()[1:] for command in request.commands]
    assert later == [Command("iptables-nft-save", ("filter",))]


def test_it_ends_after_four_rounds() -> None:
    def stubborn(request: ExecRequest, capture: Capture) -> Capture:
        name = capture.command.name if capture.command else ""
        return failed(capture, Reason.TOO_LARGE) if name.startswith("iptables-nft") else capture

    source = Node(stubborn)
    report = trace(source, DB)
    assert verdict(report) == "unread"
    assert 2 <= len(source.of_n1()) <= 4
    assert [gap.node for gap in report.gaps if gap.blocking] == ["n1"]


def test_a_listing_that_makes_no_sense_is_a_blocking_gap() -> None:
    def garbage(request: ExecRequest, capture: Capture) -> Capture:
        name = capture.command.name if capture.command else ""
        if name in ("iptables-nft-chain", "iptables-nft-save-all"):
            return replace(capture, data=b"<html>proxy error</html>\n")
        return capture

    report = trace(Node(garbage), DB)
    assert verdict(report) in ("unread", "unknown")
    assert "n1" in [gap.node for gap in report.gaps if gap.blocking]


def test_bytes_that_are_no_text() -> None:
    """Hostile or broken bytes in a comment change nothing of the rest."""
    saved = Saved().rules("n1", lambda t: t.replace("db-service:mysql cluster IP", "\x1b]52;c;x"))

    def raw(request: ExecRequest, capture: Capture) -> Capture:
        return replace(capture, data=capture.data.replace(b"\x1b]52", b"\xff\xfe\x00"))

    assert verdict(trace(Node(raw, saved), DB)) == "ok"


def test_an_image_without_nft_says_what_was_not_looked_for() -> None:
    """Which tables there are is not known there: one filtered dump, no chain by its name."""
    source = Narrow(Saved(), nft=False)
    report = trace(source, DB)
    assert verdict(report) == "ok"
    gaps = [gap for gap in report.gaps if gap.node == "n1"]
    assert [(gap.what, gap.blocking) for gap in gaps] == [("native nft tables", False)]
    assert len(source.asked) == 3


def test_many_arguments_are_several_execs() -> None:
    source = Narrow(Saved())
    trace(source, Options(all_namespaces=True))
    from kubectl_svcnet.cluster.batch import MAX_ARGUMENTS, size_of

    assert max(size_of(request.commands) for request in source.asked) <= MAX_ARGUMENTS
    for request in source.asked:  # each exec with chains says first which tables there are
        first = next((n for n, c in enumerate(request.commands) if c.spec.within), None)
        assert first is None or LISTING in request.commands[:first]


# nftables mode

CHAIN_LISTING = """1:table ip kube-proxy {
2:\tchain nat-prerouting {
3:\t\ttype nat hook prerouting priority dstnat; policy accept;
6:\tchain nat-output {
7:\t\ttype nat hook output priority -100; policy accept;
"""
SERVICE = "service-HHADPSYQ-default/db-service/tcp/mysql"


def nft_table(vip: str, endpoints: list[str]) -> str:
    picks = ", ".join(f"{n} : {e.replace(':', ' . ')}" for n, e in enumerate(endpoints))
    to = f"dnat ip to numgen random mod {len(endpoints)} map {{ {picks} }}"
    key = "type ipv4_addr . inet_proto . inet_service : verdict"
    hooks = {"prerouting": "dstnat", "output": "-100"}
    chains = "".join(
        f"\tchain nat-{hook} {{\n\t\ttype nat hook {hook} priority {priority}; policy accept;\n"
        "\t\tip daddr . meta l4proto . th dport vmap @service-ips\n\t}\n"
        for hook, priority in hooks.items()
    )
    return (
        f"table ip kube-proxy {{\n\tmap service-ips {{\n\t\t{key}\n"
        f"\t\telements = {{ {vip} . tcp . 3306 : goto {SERVICE} }}\n\t}}\n"
        f"{chains}\tchain {SERVICE} {{\n\t\tmeta l4proto tcp {to}\n\t}}\n}}\n"
    )


def in_nftables_mode(table: str) -> Change:
    def change(request: ExecRequest, capture: Capture) -> Capture:
        command = capture.command
        assert command is not None
        if command == LISTING:
            return replace(capture, data=CHAIN_LISTING.encode(), exit_code=0, failure=None)
        if command == Command("nft-table", ("ip", "kube-proxy")):
            return replace(capture, data=table.encode(), exit_code=0, failure=None)
        if command.name.startswith("iptables-nft-chain"):
            return replace(capture, data=b"", exit_code=1)
        if command.name.startswith("iptables-nft"):
            return replace(capture, data=b"", exit_code=0, failure=None)
        return capture

    return change


def test_a_node_in_nftables_mode() -> None:
    (asked,) = trace(Narrow(Saved()), DB).services[0].frontends
    vip = str(asked.frontend.address)
    places = sorted({str(place) for node in asked.nodes for place in node.expected})
    source = Node(in_nftables_mode(nft_table(vip, places)))
    report = trace(source, DB)
    (node,) = [n for n in report.services[0].frontends[0].nodes if n.node == "n1"]
    assert (node.dataplane, node.verdict.value) == ("kube-proxy/nftables", "ok")
    rules = {str(rule) for walk in node.walks for fate in walk.fates for rule in fate.rules}
    assert f"ip kube-proxy/{SERVICE}:1" in rules
    later = [command for request in source.of_n1()[1:] for command in request.commands]
    assert Command("nft-table", ("ip", "kube-proxy")) in later


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda text: text.replace(f": goto {SERVICE}", ": drop"), "blocked"),
        (lambda text: text.replace("3306 : goto", "3307 : goto"), "absent"),
        (lambda text: text.replace("1 : ", "9 : "), "missing"),
        (lambda text: text.replace(" . 3306, 1", " . 3307, 1"), "stale"),
        (lambda text: text.replace("meta l4proto tcp dnat", "ip checksum 3 dnat"), "unknown"),
        (lambda text: text[:-3], "unknown"),
        (lambda text: "", "unknown"),
    ],
)
def test_faults_in_nftables_mode(spoil: Callable[[str], str], found: str) -> None:
    (asked,) = trace(Narrow(Saved()), DB).services[0].frontends
    places = sorted({str(place) for node in asked.nodes for place in node.expected})
    table = spoil(nft_table(str(asked.frontend.address), places))
    assert verdict(trace(Node(in_nftables_mode(table)), DB)) == found


def test_the_rules_by_hand_in_nftables_mode() -> None:
    (asked,) = trace(Narrow(Saved()), DB).services[0].frontends
    places = sorted({str(place) for node in asked.nodes for place in node.expected})
    source = Node(in_nftables_mode(nft_table(str(asked.frontend.address), places)))
    report = trace(source, replace(DB, steps=True, nodes=("n1",)))
    (step,) = [step for step in report.steps if step.title.startswith("The rules of")]
    assert step.command.endswith("-- nft list table ip kube-proxy | grep default/db-service")
    assert any(line.startswith(f"ip kube-proxy/{SERVICE}:1 ") for line in step.lines)
    assert "the hash is that of default/db-service" in step.note
