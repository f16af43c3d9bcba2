"""The log file of a node: who can show it, how much of it, and when its lines were written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from ipaddress import ip_address

import pytest

from kubectl_svcnet.cluster.batch import encode
from kubectl_svcnet.logs import Place
from kubectl_svcnet.logs.mentions import Mentions
from kubectl_svcnet.logs.node_file import SOURCE, infer_time
from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.logline import Subject
from kubectl_svcnet.model.service import Pod
from tests.logs.scenes import ENDPOINTS, NOW, WEB, scene, web
from tests.samples import proxy

LINE = (
    'I1124 23:35:00.499999       1 a.go:1] Adding new service port "shop/web:http" at 10.96.0.1\n'
)


def mounting(host: str, at: str, *, running: bool = True) -> Pod:
    pod = proxy(running=running)
    container = replace(pod.containers[0], mounts={"v": at})
    return replace(pod, containers=(container,), host_paths={"v": host})


@pytest.mark.parametrize(
    ("host", "at", "path"),
    [
        ("/var/log", "/var/log", "/var/log/kube-proxy.log"),
        ("/var/log/", "/host/log", "/host/log/kube-proxy.log"),
        ("/var", "/host/var/", "/host/var/log/kube-proxy.log"),
        ("/", "/rootfs", "/rootfs/var/log/kube-proxy.log"),
        ("/var/log/kube-proxy.log", "/x/kube-proxy.log", "/x/kube-proxy.log"),
        ("/var/lib", "/var/log", None),
        ("/var/logs", "/var/log", None),
    ],
)
def test_where_a_pod_mounts_it(host: str, at: str, path: str | None) -> None:
    places = SOURCE.places(scene(proxies=(mounting(host, at),)))
    assert [commands(place)[0].arguments[1] for place in places] == ([path] if path else [])


def commands(place: Place) -> tuple[Command, ...]:
    (request,) = place.requests
    assert isinstance(request, ExecRequest)
    return request.commands


def test_the_table_allows_what_is_asked() -> None:
    many = replace(ENDPOINTS[0], address=replace(ENDPOINTS[0].address))
    endpoints = [
        replace(many, address=replace(many.address, address=ip_address(f"fd00::{n:x}:1")))
        for n in range(500)
    ]
    subject = Subject(services=(web(),), endpoints={WEB: tuple(endpoints)})
    shown = scene(mentions=Mentions(subject), proxies=(mounting("/var/log", "/var/log"),))
    (place,) = SOURCE.places(shown)
    assert encode(commands(place), token="t" * 16)
    tail, grep = commands(place)
    assert tail.argv() == ("tail", "-c", "1048576", "/var/log/kube-proxy.log")
    assert grep.argv()[:3] == ("grep", "-aEm", "2000")


def test_one_pod_of_a_node_and_only_a_running_one() -> None:
    pods = (mounting("/var/log", "/var/log"), mounting("/var", "/var"))
    assert len(SOURCE.places(scene(proxies=pods))) == 1
    assert SOURCE.places(scene(proxies=(mounting("/", "/host", running=False),))) == ()


@pytest.fixture
def place() -> Place:
    (found,) = SOURCE.places(scene(proxies=(mounting("/var/log", "/var/log"),)))
    return found


def answers(
    place: Place, text: str = "", *, code: int = 0, stderr: bytes = b"", number: int = 0
) -> list[Capture]:
    command = commands(place)[number]
    return [
        Capture(
            request=place.requests[0],
            command=command,
            data=text.encode(),
            exit_code=code,
            stderr=stderr,
        )
    ]


def test_lines_and_how_sure_their_time_is(place: Place) -> None:
    (line,) = SOURCE.read(place, answers(place, LINE), scene()).lines
    assert line.time == pytest.approx(1795563300.499999)
    assert (line.source, line.assumed) == ("kube-proxy.log", "year and zone (UTC)")
    assert line.raw == LINE.strip()


def test_the_first_line_of_a_tail_was_cut(place: Place) -> None:
    short = replace(commands(place)[0], arguments=("300", "/var/log/kube-proxy.log"))
    text = (LINE * 4)[-300:]
    capture = replace(answers(place, text)[0], command=short)
    assert len(SOURCE.read(place, [capture], scene()).lines) == 300 // len(LINE)


@pytest.mark.parametrize("number", [0, 1])
def test_no_such_file_is_an_answer(place: Place, number: int) -> None:
    said = b"tail: cannot open '/var/log/kube-proxy.log': No such file or directory"
    assert (
        SOURCE.read(place, answers(place, code=1, stderr=said, number=number), scene()).gaps == ()
    )


def test_what_was_not_read_is_a_gap(place: Place) -> None:
    failure = Failure(reason=Reason.FORBIDDEN, message="pods/exec forbidden")
    captures = [replace(answers(place)[0], exit_code=None, failure=failure)]
    (gap,) = SOURCE.read(place, captures, scene()).gaps
    assert (gap.what, gap.node, gap.why) == ("/var/log/kube-proxy.log", "n1", "pods/exec forbidden")


def test_the_answer_of_grep_where_there_is_no_tail(place: Place) -> None:
    no_tail = Failure(reason=Reason.NO_TOOL, message="tail is not in the image")
    captures = [
        replace(answers(place)[0], exit_code=None, failure=no_tail),
        *answers(place, LINE, number=1),
    ]
    reading = SOURCE.read(place, captures, scene())
    assert (len(reading.lines), reading.gaps) == (1, ())


@pytest.mark.parametrize(
    ("month_day", "now", "year"),
    [
        ("1124", "2026-11-24", 2026),
        ("1125", "2026-11-24", 2026),  # a zone ahead of UTC
        ("1127", "2026-11-24", 2025),
        ("1231", "2027-01-01", 2026),
        ("0101", "2026-12-31", 2027),
        ("0229", "2026-11-24", 2024),
    ],
)
def test_the_year(month_day: str, now: str, year: int) -> None:
    at = datetime.fromisoformat(f"{now}T12:00:00+00:00").timestamp()
    time = infer_time(month_day, "11:00:00.000000", at)
    assert time is not None
    assert datetime.fromtimestamp(time, timezone.utc).year == year


def test_a_day_that_no_year_has() -> None:
    assert infer_time("0231", "11:00:00.000000", NOW) is None
    assert infer_time("1124", "25:00:00.000000", NOW) is None
