"""The recorded lab through the whole of `proxy`: as it was, and with one thing altered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import ApiRequest, Capture, ForwardRequest, LogRequest, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.proxystate import Harm, ProxyState, SyncState
from kubectl_svcnet.model.report import ProxyReport
from kubectl_svcnet.pipeline.proxy import plan, run
from tests.saved import PROXY, Saved, Watched, of_node, of_resource, readings, recorded

CONFIG = "kube-proxy"


def saved() -> Saved:
    return Saved(recorded(PROXY))


def told(source: Saved, **options: object) -> ProxyReport:
    return run(source.source(), Options(**options))  # type: ignore[arg-type]


def codes(report: ProxyReport) -> dict[str, set[str]]:
    """By node; that modes differ is said always."""
    found: dict[str, set[str]] = {}
    for one in report.findings:
        if one.code != "SVN305":
            found.setdefault(one.node, set()).add(one.code)
    return found


def state(report: ProxyReport, node: str) -> ProxyState:
    [found] = [one for one in report.proxies if one.node == node]
    return found


def test_all_is_well() -> None:
    report = told(saved())
    shown = {
        one.node: (
            one.configured.mode if one.configured else None,
            one.running,
            one.programmed,
            one.backend,
            one.version,
            one.sync.state,
            one.process,
            one.sync.healthy,
            one.leftovers,
        )
        for one in report.proxies
    }
    well = ("v1.36.3", SyncState.UP_TO_DATE, "S", True, ())
    assert shown == {
        "n1": ("iptables", "iptables", ("iptables (nft)",), "nft", *well),
        "n2": ("iptables", "iptables", ("iptables (legacy)",), "legacy", *well),
        "n3": ("nftables", "nftables", ("nftables",), "nft", *well),
    }
    assert [one.code for one in report.findings] == ["SVN305"]
    assert report.gaps == ()
    n3 = state(report, "n3")
    assert (n3.nft, n3.kernel, n3.restarts) == ("1.0.6", "6.18.44", 0)
    assert n3.setting.detect_local == "ClusterCIDR"
    assert [str(network) for network in n3.setting.cluster_cidr] == [
        "10.244.0.0/16",
        "fd00:10:244::/48",
    ]


def test_one_node() -> None:
    report = told(saved(), nodes=("n2",))
    assert [one.node for one in report.proxies] == ["n2"]
    assert report.findings == ()
    with pytest.raises(UsageError):
        told(saved(), nodes=("n9",))


def edited(time: str) -> Callable[[Any], Any]:
    def edit(item: Any) -> Any:
        text = item["data"]["config.conf"]
        item["data"]["config.conf"] = text.replace('mode: "iptables"', "mode: nftables")
        assert text != item["data"]["config.conf"]
        item["metadata"]["managedFields"] = [{"time": time}]
        return item

    return edit


def test_edited_and_not_restarted() -> None:
    report = told(saved().objects(CONFIG, edited("2026-11-25T00:00:00Z")))
    assert codes(report) == {"n1": {"SVN303"}, "n2": {"SVN303"}}
    first = report.findings[0]
    assert "mode nftables, runs with iptables" in first.message
    assert first.evidence == ("/proxyMode says iptables",)
    assert first.next.startswith("kubectl -n kube-system delete pod kube-proxy-")


def test_not_as_configured() -> None:
    report = told(saved().objects(CONFIG, edited("2026-11-24T23:35:51Z")))
    assert codes(report) == {"n1": {"SVN302"}, "n2": {"SVN302"}}


def test_stopped() -> None:
    def silent(capture: Capture) -> bool:
        request = capture.request
        return isinstance(request, ForwardRequest) and request.node == "n3"

    source = saved().stopped("n3").refuse(silent, Reason.TIMEOUT, "no answer within 10s")
    report = told(source)
    assert codes(report) == {"n3": {"SVN301"}}
    assert state(report, "n3").sync.state is SyncState.STOPPED
    assert state(report, "n3").running == "nftables"  # by its log
    [gap] = report.gaps
    assert (gap.node, gap.what, gap.blocking) == ("n3", "kube-proxy's endpoints", False)


def queued(by: float) -> Callable[[str], str]:
    """IPv4's last sync stands, and a later one was queued."""

    def edit(text: str) -> str:
        name = "kubeproxy_sync_proxy_rules_last_{}timestamp_seconds"
        found = re.search(rf'^{name.format("")}{{ip_family="IPv4"}} (\S+)$', text, re.M)
        assert found
        line = rf'^({name.format("queued_")}{{ip_family="IPv4"}}) \S+$'
        return re.sub(line, rf"\g<1> {float(found[1]) + by}", text, flags=re.M)

    return edit


FAILED = 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv4"} 3\n'


@pytest.mark.parametrize(
    ("by", "failures", "code", "sync"),
    [
        (59.0, "", set(), SyncState.UP_TO_DATE),
        (61.0, "", {"SVN307"}, SyncState.LATE),
        (61.0, FAILED, {"SVN308"}, SyncState.FAILING),
        (1.0, FAILED, set(), SyncState.UP_TO_DATE),  # it failed, and has synced since
    ],
)
def test_sync(by: float, failures: str, code: set[str], sync: SyncState) -> None:
    source = saved().answer("n1", "/metrics", lambda text: queued(by)(text) + failures)
    report = told(source)
    assert codes(report).get("n1", set()) == code
    assert state(report, "n1").sync.state is sync


def test_a_sync_that_was_only_due_for_a_moment() -> None:
    """After an hour without a change the clocks differ by it until the sync is done."""
    captures = recorded(PROXY)
    asked = [c for c in captures if isinstance(c.request, ForwardRequest)]
    first = next(c for c in asked if c.request.node == "n1" and c.request.path == "/metrics")  # type: ignore[union-attr]
    source = Saved([first, *captures]).answer("n1", "/metrics", lambda text: text)
    source.captures[0] = Saved([first]).answer("n1", "/metrics", queued(3600)).captures[0]
    assert codes(told(source)) == {}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"healthy":false,"nodeEligible":true}', 503, {"SVN308"}),
        ('{"healthy":true,"nodeEligible":false}', 503, set()),
        ('{"lastUpdated":"x"}', 503, {"SVN308"}),  # before 1.28
        ('{"lastUpdated":"x"}', None, set()),
        ("what?", 503, set()),
    ],
)
def test_health(body: str, status: int | None, code: set[str]) -> None:
    report = told(saved().answer("n1", "/healthz", lambda _: body, status))
    assert codes(report).get("n1", set()) == code


def test_without_the_right_to_port_forward() -> None:
    source = saved().refuse(
        lambda c: isinstance(c.request, ForwardRequest),
        Reason.FORBIDDEN,
        'pods "x" is forbidden: User "u" cannot get resource "pods/portforward"',
    )
    report = told(source)
    assert [one.running for one in report.proxies] == ["iptables", "iptables", "nftables"]
    assert codes(report) == {}
    assert {gap.blocking for gap in report.gaps} == {False}
    assert len({(gap.what, gap.why) for gap in report.gaps}) == 1
    assert "portforward" in report.gaps[0].next


def test_neither_log_nor_endpoints() -> None:
    source = saved().refuse(
        lambda c: isinstance(c.request, (ForwardRequest, LogRequest)), Reason.FORBIDDEN, "no"
    )
    report = told(source)
    assert [one.running for one in report.proxies] == ["", "", ""]
    assert [one.programmed for one in report.proxies][2] == ("nftables",)
    assert report.findings == ()


def test_without_the_right_to_exec() -> None:
    source = saved().refuse(lambda c: of_node(c, "n1"), Reason.FORBIDDEN, "no exec")
    report = told(source)
    assert state(report, "n1").programmed is None
    assert state(report, "n1").running == "iptables"
    [gap] = report.gaps
    assert (gap.node, gap.blocking) == ("n1", True)


def test_an_answer_that_was_cut_is_no_proof_that_rules_are_gone() -> None:
    """Of a slow node: its files came before the time was over, its rules did not."""
    rules = ("nft", "iptables", "ip6tables")
    source = saved().refuse(
        lambda c: of_node(c, "n1") and bool(c.command and c.command.name.startswith(rules)),
        Reason.TIMEOUT,
        "exec: timed out",
    )
    report = told(source)
    assert codes(report) == {}
    assert state(report, "n1").programmed is None
    blocking = [gap for gap in report.gaps if gap.blocking]
    assert {(gap.node, gap.what) for gap in blocking} == {
        ("n1", "rules"),
        ("n1", "native nft tables"),
    }
    assert all(gap.why.startswith("exec: timed out") for gap in blocking)


def test_without_the_right_to_list_services() -> None:
    """Then no packet asks for the table of nftables mode, whose rules are not read."""
    source = saved().refuse(
        lambda c: getattr(c.request, "path", "") == "/api/v1/services", Reason.FORBIDDEN, "no"
    )
    report = told(source)
    assert codes(report) == {}
    assert state(report, "n3").programmed is None
    assert ("n3", True) in [(gap.node, gap.blocking) for gap in report.gaps]


def test_the_rules_are_gone() -> None:
    """Flushed: what runs is not in the kernel, and neither is the API's Service."""
    source = saved().rules("n1", lambda text: re.sub(r"^-A.*\n", "", text, flags=re.M))
    report = told(source)
    assert codes(report)["n1"] == {"SVN304"}
    [found] = [one for one in report.findings if one.code == "SVN304"]
    assert found.message.endswith("and the kernel does not show its IPv4 rules")
    assert state(report, "n1").sync.state is SyncState.LATE
    source.change(
        lambda c: of_node(c, "n1") and c.command == Command("ip6tables-nft-save-all"),
        lambda c: replace(c, data=re.sub(rb"(?m)^-A.*\n", b"", c.data)),
    )
    report = told(source)
    assert codes(report)["n1"] == {"SVN304"}
    assert state(report, "n1").programmed == ()


DUAL = b'"kube-proxy running in dual-stack mode" primary ipFamily="IPv4"'
SINGLE = b'"kube-proxy running in single-stack mode" ipFamily="IPv4"'
ROTATED = b"rotated away"


@pytest.mark.parametrize(
    ("said", "code", "evidence"),
    [
        (DUAL, "SVN304", "in the kernel: iptables (nft)"),
        (ROTATED, "SVN304", "in the kernel: iptables (nft)"),
        (SINGLE, "SVN316", "the log of kube-system/kube-proxy-"),
        (SINGLE, "SVN316", "says single-stack mode, IPv4"),
    ],
)
def test_one_family_alone(said: bytes, code: str, evidence: str) -> None:
    """Its log tells whether rules are lost, or were never to be; without it, its metrics."""
    source = one_family(said)
    report = told(source)
    assert codes(report) == {"n1": {code}}
    [found] = [one for one in report.findings if one.code == code]
    assert "IPv6" in found.message
    assert evidence in " ".join(found.evidence)
    assert "which families" not in " ".join(found.evidence)
    late = state(report, "n1").sync.state is SyncState.LATE
    assert late is (code == "SVN304")


@pytest.mark.parametrize(
    ("how", "code", "evidence"),
    [
        (
            lambda text: "".join(x for x in text.splitlines(True) if 'y="IPv6"' not in x),
            "SVN316",
            " counts syncs of IPv4 alone",
        ),
        (  # as until 1.32
            lambda text: re.sub('ip_family="IPv[46]",?', "", text),
            "SVN304",
            "; neither its log nor its metrics say which families it serves",
        ),
    ],
)
def test_one_family_by_its_metrics(how: Callable[[str], str], code: str, evidence: str) -> None:
    source = one_family(ROTATED).change(
        lambda c: (
            isinstance(c.request, ForwardRequest)
            and c.request.node == "n1"
            and c.request.path == "/metrics"
        ),
        lambda c: replace(c, data=how(c.text()).encode()),
    )
    report = told(source)
    assert codes(report) == {"n1": {code}}
    [found] = [one for one in report.findings if one.code == code]
    assert found.evidence[-1].endswith(evidence)


def one_family(said: bytes) -> Saved:
    """n1 has no IPv6 rules, and in its log `said` instead of which families it serves."""
    source = saved().change(
        lambda c: of_node(c, "n1") and c.command == Command("ip6tables-nft-save-all"),
        lambda c: replace(c, data=re.sub(rb"(?m)^-A.*\n", b"", c.data)),
    )
    source.change(
        lambda c: isinstance(c.request, LogRequest) and c.request.node == "n1",
        lambda c: replace(c, data=c.data.replace(DUAL, said)),
    )
    return source


def test_a_family_that_the_node_does_not_have() -> None:
    def single(item: Any) -> Any:
        addresses = item["status"]["addresses"]
        item["status"]["addresses"] = [one for one in addresses if ":" not in one["address"]]
        return item

    source = saved().change(
        lambda c: of_node(c, "n1") and c.command == Command("ip6tables-nft-save-all"),
        lambda c: replace(c, data=re.sub(rb"(?m)^-A.*\n", b"", c.data)),
    )
    report = told(source.objects("nodes", single))
    assert codes(report) == {}


def changed(name: str, time: str) -> Callable[[Any], Any]:
    def edit(item: Any) -> Any:
        if item["metadata"]["name"] == name:
            item["metadata"]["managedFields"] = [{"time": time}]
        return item

    return edit


@pytest.mark.parametrize(
    ("time", "code"),
    [("2026-11-25T00:00:30Z", {"SVN307"}), ("2026-11-25T00:01:30Z", set())],
)
def test_a_change_that_the_kernel_does_not_show(time: str, code: set[str]) -> None:
    source = saved().objects("services", changed("db-service", time))
    source.rules("n1", lambda text: text.replace("10.244.3.2:3306", "10.244.3.9:3306"))
    report = told(source)
    assert codes(report).get("n1", set()) == code
    if code:
        assert "default/db-service (10.96." in state(report, "n1").sync.why


def test_ipv6_rules_that_are_gone() -> None:
    """The Service that changed last is of IPv4 alone."""
    source = saved().objects("services", changed("db-service", "2026-11-25T00:00:30Z"))
    source.change(
        lambda c: of_node(c, "n1") and c.command == Command("ip6tables-nft-save-all"),
        lambda c: replace(c, data=re.sub(rb"(?m)^-A KUBE-SERVICES -d fd00.*\n", b"", c.data)),
    )
    report = told(source)
    assert codes(report) == {"n1": {"SVN307"}}
    assert "[fd00:10:96::" in state(report, "n1").sync.why


def test_slices_that_cannot_be_read_make_no_sync_late() -> None:
    """The Service that changed last is not looked for then."""

    def broken(item: Any) -> Any:
        item["endpoints"] = [{"addresses": ["nowhere"]}]
        return item

    source = saved().objects("services", changed("db-service", "2026-11-25T00:00:30Z"))
    report = told(source.objects("endpointslices", broken))
    assert codes(report) == {}
    assert {gap.what for gap in report.gaps if gap.blocking} == {"endpointslices"}


def test_a_difference_that_does_not_last() -> None:
    """Our clock may be ahead of the one that dates changes, so the change may be a second old."""
    source = saved().objects("services", changed("db-service", "2026-11-25T00:00:30Z"))
    first, second = readings(source.captures)
    before = Saved(first).rules("n1", lambda t: t.replace("10.244.3.2:3306", "10.244.3.9:3306"))
    assert codes(told(Saved([*before.captures, *second]))) == {}


def legacy_of(source: Saved, node: str) -> str:
    [text, *_] = [
        c.text()
        for c in source.captures
        if of_node(c, node) and c.command and c.command.name == "iptables-legacy-save-all"
    ]
    return text


def with_dump(source: Saved, node: str, tool: str, text: str) -> Saved:
    def wanted(capture: Capture) -> bool:
        command = capture.command
        return of_node(capture, node) and command is not None and command.name == tool

    return source.change(
        wanted, lambda c: replace(c, data=text.encode(), failure=None, exit_code=0)
    )


def test_both_backends() -> None:
    """n2's legacy rules on n1 too: the same endpoints whichever comes first."""
    source = saved()
    with_dump(source, "n1", "iptables-legacy-save-all", legacy_of(source, "n2"))
    report = told(source)
    n1 = state(report, "n1")
    assert n1.programmed == ("iptables (nft)", "iptables (legacy)")
    assert n1.backend == "nft"
    assert "SVN309" in codes(report)["n1"]
    [left] = n1.leftovers
    assert re.fullmatch(r"\d+ chains of kube-proxy \(iptables, legacy\)", left.what)


def nft_of(source: Saved, node: str) -> str:
    [text, *_] = [
        c.text()
        for c in source.captures
        if of_node(c, node) and c.command and c.command.name == "iptables-nft-save-all"
    ]
    return text


def iptables_under_nftables(*, newer: bool) -> Saved:
    """n1's rules on n3, pointing nowhere; made before kube-proxy's own table or after it."""
    source = saved()
    rules = nft_of(source, "n1").replace("--to-destination 10.244.", "--to-destination 10.99.")
    with_dump(source, "n3", "iptables-nft-save-all", rules)
    if newer:

        def last(text: str) -> str:
            parts = re.split(r"^(?=(?:\d+:)?table )", text, flags=re.M)
            nat = [part for part in parts if "table ip nat " in part]
            kept = "".join([part for part in parts if part not in nat] + nat)
            return re.sub(r"(chain (?:filter|nat)-.* \{).*", r"\1 # handle 9", kept)

        source.change(
            lambda c: of_node(c, "n3") and c.command is not None and c.command.name == "nft-chains",
            lambda c: replace(c, data=last(c.text()).encode()),
        )
    return source


def test_leftovers_that_come_first() -> None:
    report = told(iptables_under_nftables(newer=True))
    [left] = state(report, "n3").leftovers
    assert left.harm is Harm.CHANGES
    assert "10.99." in left.because
    assert "SVN313" in codes(report)["n3"]


def test_leftovers_of_which_nobody_knows_whether_they_come_first() -> None:
    report = told(iptables_under_nftables(newer=False))
    [left] = state(report, "n3").leftovers
    assert left.harm is Harm.UNKNOWN
    assert "registered last" in left.because
    assert "SVN315" in codes(report)["n3"]


def test_leftovers_that_nothing_leads_to() -> None:
    source = iptables_under_nftables(newer=True)
    text = nft_of(source, "n3")
    kept = [x for x in text.splitlines(True) if not re.search(r"^-A (PRE|OUT).*KUBE-SERVICES", x)]
    with_dump(source, "n3", "iptables-nft-save-all", "".join(kept))
    report = told(source)
    [left] = state(report, "n3").leftovers
    assert left.harm is Harm.HARMLESS, left.because


def test_a_table_left_over_under_iptables() -> None:
    """kube-proxy of before 1.29 does not know it, and leaves it there."""
    source = saved().answer("n3", "/proxyMode", lambda _: "iptables")
    report = told(source)
    assert {"SVN302", "SVN304"} <= codes(report)["n3"]
    assert [left.what for left in state(report, "n3").leftovers] == [
        "nft table ip kube-proxy, ip6 kube-proxy"
    ]


def test_plan_runs_nothing() -> None:
    watched = Watched(saved())
    report = plan(watched, Options())
    assert {type(request) for request in watched.asked} == {ApiRequest}
    assert {command.node for command in report.commands} == {"n1", "n2", "n3"}
    assert any("port-forward" in text for text in report.may_follow)


def test_no_nodes_at_all() -> None:
    source = saved().refuse(
        lambda c: of_resource(c.request, "nodes") or of_resource(c.request, "pods"),
        Reason.FORBIDDEN,
        "forbidden",
    )
    with pytest.raises(ClusterError):
        told(source)
