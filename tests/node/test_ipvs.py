"""Virtual servers as far as a node answered: there are none, or nobody could see."""

from __future__ import annotations

import pytest

from kubectl_svcnet.model.capture import Capture, Reason
from kubectl_svcnet.model.commands import Command
from kubectl_svcnet.model.ipvs import VirtualServers
from kubectl_svcnet.node.ipvs import IP_VS, IPVSADM, read_ipvs
from tests.samples import capture

FILE = "IP Virtual Server version 1.2.1 (size=4096)\nTCP  0A600001:01BB sh  \n"
SAVED = "-A -t 10.96.0.1:443 -s sh -b sh-fallback\n"
NONE = VirtualServers()


def answers(*captures: Capture) -> dict[Command, Capture]:
    return {one.command: one for one in captures if one.command is not None}


def test_the_file() -> None:
    found, gaps = read_ipvs(answers(capture(IP_VS, FILE)), likely=False)
    assert found is not None
    assert [server.name for server in found.servers] == ["10.96.0.1:443"]
    assert gaps == ()


def test_ipvsadm_tells_more() -> None:
    found, _ = read_ipvs(answers(capture(IP_VS, FILE), capture(IPVSADM, SAVED)), likely=True)
    assert found is not None
    assert found.servers[0].scheduler_flags == ("sh-fallback",)


@pytest.mark.parametrize("stderr", ["cat: /proc/net/ip_vs: No such file or directory", ""])
def test_a_kernel_without_it_has_none(stderr: str) -> None:
    failed = capture(IP_VS, "", stderr=stderr, exit_code=1)
    found, gaps = read_ipvs(answers(failed), likely=True)
    assert found == (NONE if stderr else None)
    assert bool(gaps) is not bool(stderr)


@pytest.mark.parametrize("reason", [Reason.NOT_RECORDED, Reason.NO_TOOL, None])
@pytest.mark.parametrize("likely", [True, False])
def test_nobody_looked(reason: Reason | None, likely: bool) -> None:
    held = answers(capture(IP_VS, failure=reason)) if reason else {}
    assert read_ipvs(held, likely=likely) == (None if likely else NONE, ())


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.TOO_LARGE])
def test_failing_to_look_is_not_finding_nothing(reason: Reason) -> None:
    found, (gap,) = read_ipvs(answers(capture(IP_VS, failure=reason)), likely=False)
    assert found is None
    assert gap.blocking


def test_an_answer_that_is_none() -> None:
    found, (gap,) = read_ipvs(answers(capture(IP_VS, "what\n")), likely=False)
    assert found is None
    assert "ipvsadm" in gap.why
