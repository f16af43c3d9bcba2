from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kubectl_svcnet.logs.cni import SOURCE
from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.logline import Subject
from kubectl_svcnet.model.service import Container
from tests.logs.scenes import answer, refusal, scene
from tests.samples import agent

WEAVE = Path(__file__).parents[1] / "fixtures" / "guide" / "weave.log"


def test_containers_that_speak() -> None:
    pod = agent("weave-net-x", container="weave")
    npc, other = Container(name="weave-npc"), Container(name="weave-init")
    pods = (replace(pod, containers=(*pod.containers, npc, other)), agent("x", container="y"))
    places = SOURCE.places(scene(agents=pods))
    assert [place.source for place in places] == ["weave", "weave-npc"]


def test_lines_that_hold_something_of_the_service() -> None:
    (place,) = SOURCE.places(scene(agents=(agent("weave-net-x", container="weave-npc"),)))
    text = (
        "2026-11-24T23:35:00.5Z INFO: 2026/11/24 23:35:00.5 EVENT AddPod 10.244.1.5\n"
        "2026-11-24T23:35:01.5Z ERRO: 2026/11/24 23:35:01.5 lost 10.244.1.55\n"
        "2026-11-24T23:35:02.5Z ERRO: 2026/11/24 23:35:02.5 lost 10.96.0.1:80\n"
    )
    lines = SOURCE.read(place, [answer(place, text)], scene()).lines
    assert [(str(line.about), line.level, line.source) for line in lines] == [
        ("endpoint 10.244.1.5", Level.INFO, "weave-npc"),
        ("address 10.96.0.1", Level.ERROR, "weave-npc"),
    ]


def test_a_log_that_says_nothing_of_it() -> None:
    (place,) = SOURCE.places(scene(agents=(agent("weave-net-x", container="weave"),)))
    reading = SOURCE.read(place, [answer(place, WEAVE.read_text())], scene())
    assert (reading.lines, reading.gaps) == ((), ())


def test_the_guides_log_names_peers() -> None:
    from ipaddress import ip_address

    from kubectl_svcnet.logs.mentions import Mentions
    from tests.logs.scenes import web

    (place,) = SOURCE.places(scene(agents=(agent("weave-net-x", container="weave"),)))
    peer = web(cluster_ips=(ip_address("172.17.0.10"),))
    found = scene(mentions=Mentions(Subject(services=(peer,))))
    lines = SOURCE.read(place, [answer(place, WEAVE.read_text())], found).lines
    assert len(lines) == sum("172.17.0.10" in row for row in WEAVE.read_text().splitlines())


def test_a_refusal_is_a_gap() -> None:
    (place,) = SOURCE.places(scene(agents=(agent("weave-net-x", container="weave"),)))
    (gap,) = SOURCE.read(place, [refusal(place, Reason.TIMEOUT, "no answer")], scene()).gaps
    assert (gap.what, gap.why, gap.blocking) == ("weave log", "no answer", False)
