"""kube-proxy's log: failures and starts beside the Service's lines, gaps, and what is hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kubectl_svcnet.logs.kube_proxy import SOURCE, about_proxy, minor_version, verbosity
from kubectl_svcnet.model.capture import LogRequest, Reason
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.logline import AboutKind
from kubectl_svcnet.model.service import Container
from kubectl_svcnet.parse.log_records import split_records
from tests.logs.scenes import answer, log_place, refusal, scene
from tests.samples import agent, proxy

FIXTURES = Path(__file__).parents[1] / "fixtures" / "kube-proxy-logs"
ADDING = '"Adding new service port" portName="shop/web:http" servicePort="10.96.0.1:80/TCP"'


def stamped(level: str, text: str, clock: str = "23:35:00") -> str:
    return f"2026-11-24T{clock}.500000000Z {level}1124 {clock}.499999       1 a.go:1] {text}\n"


def about(line: str) -> AboutKind | None:
    (entry,) = split_records(line)
    found = about_proxy(entry.record)
    return found.kind if found else None


PROXY = [
    ("I", "Using iptables Proxier.", AboutKind.START),
    ("I", '"Using nftables Proxier" ipFamily="IPv4"', AboutKind.START),
    ("I", "Version: v1.11.8", AboutKind.START),
    ("I", '"Version info" version="v1.36.3"', AboutKind.START),
    ("E", '"command failed" err="failed validate: KubeProxyConfiguration"', AboutKind.START),
    ("E", '"Error running ProxyServer" err="can\'t use the IPVS proxier"', AboutKind.START),
    ("F", "unable to create proxier: failed to set open file handler limit", AboutKind.START),
    ("E", "\"The ipvs proxier is now deprecated [...] Please use 'nftables'\"", AboutKind.START),
    ("E", "\"No kube-proxy mode specified: defaulting to 'iptables'.\"", AboutKind.START),
    ("W", 'Unknown proxy mode "", assuming iptables proxy', AboutKind.START),
    ("E", "Failed to execute iptables-restore: exit status 1 (line 7)", AboutKind.SYNC),
    ("E", '"Failed to execute iptables-restore" err="exit status 1"', AboutKind.SYNC),
    ("E", '"nftables sync failed" ipFamily="IPv4"', AboutKind.SYNC),
    ("I", "Sync failed; retrying in 30s", AboutKind.SYNC),
    ("I", '"Sync failed" retryingTime="30s"', AboutKind.SYNC),
    ("E", '"Failed to watch" err="failed to list *v1.Node: connection refused"', AboutKind.SYNC),
    ("W", "reflector.go: watch of *v1.EndpointSlice ended with: too old", AboutKind.SYNC),
    ("E", '"Failed to retrieve node info" err="nodes \\"n1\\" not found"', AboutKind.SYNC),
    ("I", '"watch-list failed - backing off" type="*v1.Node" err="x"', AboutKind.SYNC),
    # harmless at the first sync in nftables mode
    ("E", '"Failed to list existing nftables objects" err="no such file"', None),
    ("E", '"Failed to list existing sets" err="netlink receive: no such file"', None),
    ("I", '"SyncProxyRules complete" elapsed="4ms"', None),
    ("I", '"Syncing iptables rules" ipFamily="IPv4" fullSync=true', None),
    ("I", 'FLAG: --iptables-sync-period="30s"', None),
    ("E", '"Kube-proxy configuration may be incomplete" err="nodePortAddresses is unset"', None),
]


@pytest.mark.parametrize(("level", "text", "kind"), PROXY, ids=lambda case: str(case)[:40])
def test_what_is_about_the_proxy(level: str, text: str, kind: AboutKind | None) -> None:
    assert about(f"{level}1124 23:36:03.565531       1 a.go:1] {text}") is kind


def test_a_panic() -> None:
    assert about("panic: runtime error: invalid memory address") is AboutKind.START


@pytest.mark.parametrize("log", sorted(FIXTURES.glob("*.log")), ids=lambda log: log.stem)
def test_real_logs_say_when_they_start_or_why_they_do_not(log: Path) -> None:
    kinds = {found.kind for e in split_records(log.read_text()) if (found := about_proxy(e.record))}
    expected = {AboutKind.SYNC} if "api-dead" in log.name else {AboutKind.START}
    assert expected <= kinds


def test_lines_with_time_level_and_what_they_are_about() -> None:
    place = log_place(proxy())
    text = stamped("I", ADDING) + stamped("E", '"Sync failed" err="x"') + stamped("I", "other")
    reading = SOURCE.read(place, [answer(place, text)], scene())
    first, second = reading.lines
    assert (first.node, first.source, first.level) == ("n1", "kube-proxy", Level.INFO)
    assert first.message == ADDING
    assert first.time == pytest.approx(1795563300.5)
    assert str(first.about) == "service shop/web"
    assert (second.level, str(second.about)) == (Level.ERROR, "sync")
    assert reading.gaps == ()


def test_only_what_is_recent() -> None:
    place = log_place(proxy())
    text = stamped("I", ADDING, "21:00:00") + stamped("I", ADDING, "23:00:00")
    captures = [answer(place, text)]
    assert len(SOURCE.read(place, captures, scene()).lines) == 1
    assert len(SOURCE.read(place, captures, scene(since=None)).lines) == 2


def test_what_is_asked_of_the_api() -> None:
    (place,) = SOURCE.places(scene(proxies=(proxy("n2"),), previous=True, limit=4000))
    now, before = place.requests
    assert isinstance(now, LogRequest)
    assert isinstance(before, LogRequest)
    assert (now.node, now.timestamps, now.since_seconds, now.tail_lines) == ("n2", True, 3600, 10)
    assert (now.limit_bytes, now.previous, before.previous) == (4000, False, True)
    (place,) = SOURCE.places(scene(proxies=(proxy("n2"),), since=None))
    (request,) = place.requests
    assert isinstance(request, LogRequest)
    assert request.since_seconds is None


# What was not read


def test_a_refusal_is_a_gap_with_the_missing_right() -> None:
    place = log_place(proxy())
    reading = SOURCE.read(place, [refusal(place, Reason.FORBIDDEN, "pods/log forbidden")], scene())
    (gap,) = reading.gaps
    assert (gap.what, gap.node, gap.why) == ("kube-proxy log", "n1", "pods/log forbidden")
    assert gap.next == "kubectl auth can-i get pods --subresource=log -n kube-system"


def test_an_unreachable_kubelet_is_a_gap_with_what_to_type() -> None:
    place = log_place(proxy())
    reading = SOURCE.read(place, [refusal(place, Reason.UNREACHABLE, "dial tcp: refused")], scene())
    (gap,) = reading.gaps
    assert gap.next == "kubectl -n kube-system logs kube-proxy-n1 -c kube-proxy"


def test_the_kubelets_sentence_is_a_gap() -> None:
    place = log_place(proxy())
    text = "unable to retrieve container logs for containerd://4ab"
    (gap,) = SOURCE.read(place, [answer(place, text)], scene()).gaps
    assert gap.why == text


def test_no_run_before_this_one_is_an_answer() -> None:
    (place,) = SOURCE.places(scene(proxies=(proxy(),), previous=True))
    said = 'previous terminated container "kube-proxy" in pod "kube-proxy-n1" not found'
    captures = [
        answer(place, stamped("I", ADDING)),
        refusal(place, Reason.REFUSED, said, number=1),
    ]
    assert SOURCE.read(place, captures, scene()).gaps == ()
    captures[1] = refusal(place, Reason.TIMEOUT, "no answer", number=1)
    (gap,) = SOURCE.read(place, captures, scene()).gaps
    assert gap.next.endswith("--previous")


def test_which_part_is_missing_of_a_large_log() -> None:
    place = log_place(proxy())
    text = stamped("I", ADDING, "23:20:00") + stamped("I", ADDING, "23:30:00")
    (gap,) = SOURCE.read(place, [answer(place, text, truncated=True)], scene()).gaps
    assert "after 23:30:00 UTC was not read" in gap.why
    many = "".join(stamped("I", ADDING, f"23:20:{n % 60:02}") for n in range(100))
    (gap,) = SOURCE.read(place, [answer(place, many)], scene()).gaps
    assert gap.why == "only its last 100 lines were read, from 23:20:00 UTC on"


# Verbosity


@pytest.mark.parametrize(
    ("command", "v"),
    [
        (("kube-proxy", "--v=2"), 2),
        (("kube-proxy", "--v", "4"), 4),
        (("kube-proxy", "-v=3"), 3),
        (("kube-proxy", "-v3"), 3),
        (("/bin/sh", "-c", "exec kube-proxy --v=5 2>&1"), 5),
        (("kube-proxy", "--config=/x"), None),
        (("kube-proxy", "--v=high"), None),
    ],
)
def test_verbosity(command: tuple[str, ...], v: int | None) -> None:
    assert verbosity(Container(name="kube-proxy", command=command)) == v


@pytest.mark.parametrize(
    ("image", "text", "minor"),
    [
        ("registry.example/kube-proxy:v1.36.3", "", 36),
        ("kube-proxy-amd64:v1.24.17-gke.1", "", 24),
        ("kube-proxy@sha256:1234", '"Version info" version="v1.28.0"', 28),
        ("kube-proxy", "", None),
    ],
)
def test_minor_version(image: str, text: str, minor: int | None) -> None:
    entries = split_records(f"I1124 23:36:03.565531       1 a.go:1] {text}")
    assert minor_version(Container(name="kube-proxy", image=image), entries) == minor


HIDDEN = [
    ("v1.36.3", ("--v=2",), "SyncProxyRules", 4),
    ("v1.36.3", ("--config=/x",), "SyncProxyRules", 4),
    ("v1.36.3", ("--v=4",), "SyncProxyRules", None),
    ("v1.36.3", ("--v=2",), "Calling handler.OnServiceAdd", None),
    ("v1.24.17", ("--v=2",), "SyncProxyRules", 3),
    ("v1.24.17", ("--v=3",), "SyncProxyRules", None),
    ("v1.11.8", (), "SyncProxyRules", 1),
    ("latest", ("--v=2",), "SyncProxyRules", 4),
]


@pytest.mark.parametrize(("tag", "command", "text", "needed"), HIDDEN)
def test_verbosity_that_hides_lines_is_said_once(
    tag: str, command: tuple[str, ...], text: str, needed: int | None
) -> None:
    pod = proxy(command=command)
    image = replace(pod.containers[0], image=f"kube-proxy:{tag}")
    place = log_place(replace(pod, name="kube-proxy-x7k2p", containers=(image,)))
    gaps = SOURCE.read(place, [answer(place, stamped("I", text))], scene()).gaps
    assert [gap.why[-9:] for gap in gaps] == ([f"add --v={needed}"] if needed else [])
    assert all(gap.next == "kubectl -n kube-system edit daemonset kube-proxy" for gap in gaps)
    assert not any(gap.blocking for gap in gaps)


def test_a_static_pod_is_changed_on_its_node() -> None:
    place = log_place(proxy("gke-pool-1", command=("--v=2",)))
    (gap,) = SOURCE.read(place, [answer(place, stamped("I", "SyncProxyRules"))], scene()).gaps
    assert gap.next == "kubectl -n kube-system get pod kube-proxy-gke-pool-1 -o yaml"


def test_a_pod_without_containers_has_no_log() -> None:
    assert SOURCE.places(scene(proxies=(replace(agent("x"), containers=()),))) == ()


@pytest.mark.parametrize(
    "piece", ["a", "a=", "a=[", 'a="', 'a="\\', "1", "1.", "a:", "a/", "shop/web-", "a=<", " "]
)
@pytest.mark.timeout(20)
@pytest.mark.parametrize("head", ["", 'I1124 23:36:03.565531       1 a.go:1] "x" '])
def test_a_line_without_end_costs_no_time(piece: str, head: str) -> None:
    """Each took half a minute while the expressions were not bounded; a tenth of a second now."""
    (entry,) = split_records(head + piece * (50_000 // len(piece)))
    assert scene().mentions.in_record(entry.record) is None
    assert about_proxy(entry.record) is None
