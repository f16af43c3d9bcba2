from __future__ import annotations

from dataclasses import replace

from kubectl_svcnet.model.capture import ApiRequest, ExecRequest, LogRequest
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.pipeline.planned import planned

LOG = LogRequest(namespace="kube-system", pod="p", container="c", node="n1", limit_bytes=9)


def test_the_head_of_a_log() -> None:
    (found,) = planned(LOG)
    assert (found.node, found.pod) == ("n1", "kube-system/p")
    assert found.argv == "kubectl -n kube-system logs p -c c"
    assert found.shows == "the head of its log"


def test_a_log_with_its_limits() -> None:
    request = replace(LOG, previous=True, timestamps=True, since_seconds=60, tail_lines=5)
    (found,) = planned(request)
    assert found.argv.endswith("-c c --previous --timestamps --since=60s --tail=5")
    assert found.shows == "its log"


def test_commands() -> None:
    request = ExecRequest(
        node="n1", namespace="ns", pod="p", container="c", commands=(Command("sysctls"),)
    )
    (found,) = planned(request)
    assert found.argv.startswith("grep -sH ''")
    assert found.shows == "sysctls of the packet's way"


def test_what_only_reads_the_api() -> None:
    assert planned(ApiRequest(path="/api/v1/nodes")) == ()
