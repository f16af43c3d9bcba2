from __future__ import annotations

from kubectl_svcnet.model.capture import Capture, ExecRequest, Failure, Reason, Request
from kubectl_svcnet.node.vantage import Vantage
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.dumps import read_dumps

VANTAGE = Vantage(node="n1", namespace="a", pod="b", container="c", proxy=True)
LISTING = b"table ip nat {\ntable ip kube-proxy {\n"


class Image:
    """Answers every command with nothing, of which `sh` may be missing."""

    def __init__(self, *, shell: bool) -> None:
        self.shell, self.asked = shell, list[ExecRequest]()

    context = ""

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        assert isinstance(request, ExecRequest)
        self.asked.append(request)
        missing = request.shell and not self.shell
        failure = Failure(reason=Reason.NO_TOOL, message="no sh") if missing else None
        return tuple(
            Capture(
                request=request,
                command=command,
                data=LISTING if command.name == "nft-chains" and not missing else b"",
                failure=failure,
            )
            for command in request.commands
        )

    def now(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> None:
        raise AssertionError


def test_the_dump_and_then_native_tables() -> None:
    image = Image(shell=True)
    read_dumps(Collector(image), VANTAGE)
    first, second = image.asked
    names = {command.name for command in first.commands}
    assert {
        "iptables-nft-save-all",
        "iptables-legacy-save-all",
        "ip6tables-nft-save-all",
    } <= names
    assert [command.name for command in second.commands] == ["nft-version", "nft-table"]
    assert second.commands[1].arguments == ("ip", "kube-proxy")


def test_without_a_shell() -> None:
    image = Image(shell=False)
    captures = read_dumps(Collector(image), VANTAGE)
    assert [request.shell for request in image.asked] == [True, False, False]
    assert all(capture.failure is None for capture in captures)
