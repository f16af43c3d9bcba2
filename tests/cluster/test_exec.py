"""Execs against the loopback server: each way to fail is one Failure, and in time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kubectl_svcnet.cluster.batch import SCRIPT
from kubectl_svcnet.cluster.frames import EXEC_PROTOCOLS
from kubectl_svcnet.model.capture import Capture, ExecRequest, Reason
from kubectl_svcnet.model.commands import Command, Needs

PATH = "/api/v1/namespaces/kube-system/pods/kube-proxy-x/exec"
STATUS = Command("cat", ("/proc/1/status",))
CHAIN = Command("iptables-nft-chain", ("nat", "KUBE-SERVICES"))


def request(*commands: Command, shell: bool = False, **changes: Any) -> ExecRequest:
    return ExecRequest(
        node="n1",
        namespace="kube-system",
        pod="kube-proxy-x",
        container="kube-proxy",
        commands=commands or (STATUS,),
        shell=shell,
        **changes,
    )


def answers(stdout: bytes = b"", stderr: bytes = b"", code: int = 0) -> Callable[[Any], None]:
    def route(exchange: Any) -> None:
        wire = exchange.upgrade()
        for channel in (1, 2, 3):  # the API server opens each channel with an empty message
            wire.message(bytes([channel]))
        if stdout:
            wire.message(b"\x01" + stdout)
        if stderr:
            wire.message(b"\x02" + stderr)
        wire.exit(code)

    return route


def one(api: Any, **limits: Any) -> Capture:
    (capture,) = api.source(**limits).fetch(request())
    assert isinstance(capture, Capture)
    return capture


@pytest.mark.parametrize("code", [0, 3])
def test_exit_codes(api: Any, code: int) -> None:
    api.routes[PATH] = answers(b"out\n", b"err\n", code)
    capture = one(api)
    assert (capture.exit_code, capture.data, capture.stderr) == (code, b"out\n", b"err\n")
    assert capture.failure is None
    assert capture.ok is (code == 0)
    asked = api.asked[0]
    assert asked.method == "GET"
    assert asked.commands == ["cat", "/proc/1/status"]
    assert ("container", "kube-proxy") in asked.query
    assert ",".join(asked.header("Sec-WebSocket-Protocol")) == ",".join(EXEC_PROTOCOLS)


def test_an_older_server_speaks_v4(api: Any) -> None:
    def route(exchange: Any) -> None:
        exchange.upgrade("v4.channel.k8s.io").exit(0)

    api.routes[PATH] = route
    assert one(api).ok


def test_no_common_protocol(api: Any) -> None:
    def route(exchange: Any) -> None:
        exchange.upgrade(None).exit(0)

    api.routes[PATH] = route
    failure = one(api).failure
    assert failure is not None
    assert failure.reason is Reason.REFUSED
    assert "speaks none of v5.channel.k8s.io" in failure.message


NO_FILE = 'OCI runtime exec failed: exec: "nft": executable file not found in $PATH: unknown'


def failing(message: str) -> Callable[[Any], None]:
    def route(exchange: Any) -> None:
        status = {"status": "Failure", "reason": "InternalError", "message": message, "code": 500}
        exchange.upgrade().message(b"\x03" + json.dumps(status).encode())

    return route


def refusing(status: int, message: str) -> Callable[[Any], None]:
    return lambda exchange: exchange.refuse(status, message)


def sending(data: bytes) -> Callable[[Any], None]:
    return lambda exchange: exchange.upgrade().raw(data)


def dropping(exchange: Any) -> None:
    exchange.upgrade().message(b"\x01half an ans")


def closing(exchange: Any) -> None:
    wire = exchange.upgrade()
    wire.message(b"\x01out")
    wire.close()


def silent(exchange: Any) -> None:
    exchange.upgrade().message(b"\x01so far")
    exchange.hang()


def half_frame(exchange: Any) -> None:
    exchange.upgrade().raw(b"\x82\x7e\x04\x00\x01only this")
    exchange.hang()


def dripping(exchange: Any) -> None:
    """A byte now and then would renew a socket's own timeout for ever."""
    wire = exchange.upgrade()
    wire.raw(b"\x82\x7e\x04\x00\x01")
    for _ in range(40):
        wire.raw(b"x")
        time.sleep(0.1)


def mute(exchange: Any) -> None:
    exchange.hang()


FAILURES = {
    "403": (refusing(403, 'pods "kube-proxy-x" is forbidden'), Reason.FORBIDDEN, "pods/exec"),
    "404": (refusing(404, 'pods "kube-proxy-x" not found'), Reason.NOT_FOUND, "not found"),
    "401": (refusing(401, "Unauthorized"), Reason.UNAUTHORIZED, "Unauthorized"),
    "kubelet down": (
        refusing(500, "error dialing backend: dial tcp 10.0.0.7:10250: connect: refused"),
        Reason.UNREACHABLE,
        "error dialing backend",
    ),
    "no such binary": (failing(NO_FILE), Reason.NO_TOOL, "cat is not in the image"),
    "other error": (failing("something odd"), Reason.BROKEN, "something odd"),
    "container gone": (failing("container not found"), Reason.NOT_FOUND, "container not found"),
    "dropped": (dropping, Reason.BROKEN, "dropped"),
    "closed early": (closing, Reason.BROKEN, "closed before the command ended"),
    "silent": (silent, Reason.TIMEOUT, "no answer"),
    "half a frame": (half_frame, Reason.TIMEOUT, "no answer"),
    "dripping": (dripping, Reason.TIMEOUT, "no answer"),
    "never upgraded": (mute, Reason.TIMEOUT, "no answer"),
    "garbage frames": (sending(b"\xff\xff\xff\xff" * 8), Reason.BROKEN, ""),
    "a strange channel": (sending(b"\x82\x03\x09ab"), Reason.BROKEN, "channel 9"),
    "a status that is none": (sending(b"\x82\x02\x03{\x88\x02\x03\xe8"), Reason.BROKEN, "closed"),
    "not HTTP": (lambda e: e.handler.connection.sendall(b"\x00\x01\n\n"), Reason.BROKEN, ""),
    "a redirect": (
        lambda e: e.text(b"", status=302, headers={"Location": "http://127.0.0.1:1/"}),
        Reason.BROKEN,
        "",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(api: Any, name: str) -> None:
    route, reason, words = FAILURES[name]
    api.routes[PATH] = route
    capture = one(api, exec_timeout=0.5)
    assert capture.failure is not None
    assert (capture.failure.reason, words in capture.failure.message) == (reason, True), capture
    assert "\n" not in capture.failure.message
    assert not capture.ok


def test_what_came_before_a_failure_is_kept(api: Any) -> None:
    api.routes[PATH] = silent
    capture = one(api, exec_timeout=0.3)
    assert (capture.data, capture.truncated) == (b"so far", True)


def test_no_server_at_all(api: Any) -> None:
    config = api.config(server="http://127.0.0.1:1")
    failure = api.source(config=config).fetch(request())[0].failure
    assert failure is not None
    assert failure.reason is Reason.UNREACHABLE


def test_a_character_split_over_messages(api: Any) -> None:
    def route(exchange: Any) -> None:
        wire = exchange.upgrade()
        wire.message(b"\x01ab\xc3")
        wire.message(b"\x01\xa9cd")
        wire.exit(0)

    api.routes[PATH] = route
    assert one(api).text() == "abécd"


def test_two_megabytes_and_the_limit(api: Any) -> None:
    data = os.urandom(2 << 20)

    def route(exchange: Any) -> None:
        wire = exchange.upgrade()
        for at in range(0, len(data), 32768):
            wire.message(b"\x01" + data[at : at + 32768])
        wire.exit(0)

    api.routes[PATH] = route
    assert one(api).data == data
    capture = one(api, max_answer=1 << 20)
    assert capture.failure is not None
    assert capture.failure.reason is Reason.TOO_LARGE
    assert capture.data == data[: 1 << 20]
    dump = Command("iptables-legacy-save-all")
    (whole,) = api.source(max_answer=1 << 20).fetch(request(dump))
    assert whole.data == data  # dumps have their own limit


def shell_pod(*sections: tuple[str, str, str], tail: int = 0) -> Callable[[Any], None]:
    """A pod that plays the script: (stdout, stderr, exit code) of each step."""

    def route(exchange: Any) -> None:
        token = exchange.asked.commands[4]
        out = err = ""
        for number, (data, said, code) in enumerate(sections, 1):
            out += f"{token} begin {number}\n{data}\n{token} end {number} {code}\n"
            err += f"{token} begin {number}\n{said}\n{token} end {number} {code}\n"
        wire = exchange.upgrade()
        wire.message(b"\x01" + out.encode())
        wire.message(b"\x02" + err.encode())
        wire.exit(tail)

    return route


def test_a_batch(api: Any) -> None:
    api.routes[PATH] = shell_pod(
        ("-N KUBE-SERVICES\n", "# Warning\n", "0"),
        ("", "ip: not found\n", "127"),
        ("", "", "absent"),
    )
    source = api.source()
    nft = Command("nft-version")
    asked = request(CHAIN, Command("ip-addr"), nft, shell=True, in_use=frozenset({Needs.NF_TABLES}))
    chain, address, tables = source.fetch(asked)
    assert (chain.data, chain.stderr, chain.exit_code) == (
        b"-N KUBE-SERVICES\n",
        b"# Warning\n",
        0,
    )
    assert address.failure is not None
    assert (address.failure.reason, address.exit_code) == (Reason.NO_TOOL, 127)
    assert tables.failure is not None
    assert tables.failure.reason is Reason.NOT_PRESENT
    sent = api.asked[0].commands
    assert sent[:4] == ["sh", "-c", SCRIPT, "svcnet"]
    assert sent[5:] == [
        "nf_tables",
        "iptables-nft-chain",
        "nat",
        "KUBE-SERVICES",
        "ip-addr",
        "nft-version",
    ]
    assert source.stats.execs == 1


def test_finished_steps_survive_a_hanging_one(api: Any) -> None:
    def route(exchange: Any) -> None:
        token = exchange.asked.commands[4]
        text = f"{token} begin 1\nok\n\n{token} end 1 0\n{token} begin 2\nha"
        wire = exchange.upgrade()
        wire.message(b"\x01" + text.encode())
        wire.message(b"\x02" + text.replace("ok\n", "").encode())
        exchange.hang()

    api.routes[PATH] = route
    first, second, third = api.source(exec_timeout=0.4).fetch(
        request(STATUS, CHAIN, STATUS, shell=True)
    )
    assert first.ok
    assert first.data == b"ok\n"
    assert (second.data, second.truncated) == (b"ha", True)
    assert second.failure is not None
    assert second.failure.reason is Reason.TIMEOUT
    assert third.failure is not None
    assert (third.failure.reason, third.truncated) == (Reason.TIMEOUT, False)


def test_no_shell_in_the_image(api: Any) -> None:
    api.routes[PATH] = failing(NO_FILE.replace("nft", "sh"))
    captures = api.source().fetch(request(STATUS, CHAIN, shell=True))
    assert [c.failure.reason for c in captures] == [Reason.NO_TOOL] * 2
    assert captures[0].failure.message == "sh is not in the image"


def plain_pod(files: dict[str, tuple[bytes, int]]) -> Callable[[Any], None]:
    def route(exchange: Any) -> None:
        word = " ".join(exchange.asked.commands)
        if word in files:
            answers(*((files[word][0], b"", files[word][1])))(exchange)
        elif word == "cat /proc/modules":
            answers(b"", b"cat: /proc/modules: No such file or directory\n", 1)(exchange)
        else:
            failing(NO_FILE)(exchange)

    return route


LISTING = "iptables-nft -t nat -S KUBE-SERVICES"


def test_without_a_shell_preconditions_are_looked_up(api: Any) -> None:
    loaded = b"nf_tables 303104 1 - Live 0x0\nnf_tables_x 1 0 - Live 0x0\n"
    api.routes[PATH] = plain_pod({LISTING: (b"chain", 0), "cat /proc/modules": (loaded, 0)})
    chain, sets = api.source().fetch(request(CHAIN, Command("ipset-save")))
    assert chain.data == b"chain"
    assert sets.failure is not None
    assert sets.failure.reason is Reason.NOT_PRESENT
    sent = [" ".join(a.commands) for a in api.asked]
    assert sent == ["cat /proc/modules", LISTING]  # looked up once, ipset never run


def test_without_a_shell_and_without_proc_modules(api: Any) -> None:
    api.routes[PATH] = plain_pod({LISTING: (b"chain", 0)})
    (chain,) = api.source().fetch(request(CHAIN))
    assert chain.data == b"chain"


def test_without_a_shell_and_without_cat_nothing_is_proven(api: Any) -> None:
    api.routes[PATH] = failing(NO_FILE)
    (chain,) = api.source().fetch(request(CHAIN))
    assert chain.failure is not None
    assert chain.failure.reason is Reason.UNPROVEN  # it may be there, and what it lists
    assert chain.failure.message == (
        "iptables-nft: not run, as nf_tables may not be loaded: no cat in the image"
    )
    api.asked.clear()
    (used,) = api.source().fetch(request(CHAIN, in_use=frozenset({Needs.NF_TABLES})))
    assert used.failure is not None
    assert used.failure.reason is Reason.NO_TOOL
    assert [" ".join(a.commands) for a in api.asked] == [LISTING]


def test_the_bare_name_only_where_the_others_are_missing(api: Any) -> None:
    api.routes[PATH] = plain_pod({"iptables-save": (b"*nat", 0)})
    source = api.source()
    bare, legacy = Command("iptables-save-all"), Command("iptables-legacy-save-all")
    nft = Command("iptables-nft-save-all")
    (first,) = source.fetch(request(bare))
    assert first.failure is not None
    assert first.failure.reason is Reason.NOT_PRESENT
    source.fetch(request(nft, legacy))
    (second,) = source.fetch(request(bare))
    assert second.data == b"*nat"


@pytest.mark.parametrize("shell", [True, False])
@pytest.mark.parametrize(
    "command",
    [Command("rm", ("-rf",)), Command("cat", ("/etc/shadow",)), Command("ip-addr", ("x",))],
)
def test_nothing_but_the_table_is_sent(api: Any, command: Command, shell: bool) -> None:
    with pytest.raises(ValueError, match=r"table|may not be"):
        api.source().fetch(request(command, shell=shell))
    assert not api.asked


def test_many_threads(api: Any) -> None:
    def route(exchange: Any) -> None:
        time.sleep(0.005)
        answers(exchange.asked.commands[1].encode(), b"", 0)(exchange)

    api.routes[PATH] = route
    source = api.source(exec_timeout=10.0, max_parallel=16)
    with ThreadPoolExecutor(32) as threads:
        captures = list(threads.map(lambda _: source.fetch(request())[0], range(200)))
    assert all(capture.ok and capture.data == b"/proc/1/status" for capture in captures)
    assert source.stats.execs == 200
    assert api.most_at_once <= 16
