"""A cluster of many nodes on loopback: an API server whose nodes answer what the recorded lab did.

`python -m tests.fleet NODES SPOILT` serves in a process of its own: it prints its address, ends
when its stdin does, and then prints what it was asked as JSON. Each node is one of the lab's three
under a name and an address of its own, and answers each command from its dumps (`saved.Narrow`).
SPOILT nodes, spread evenly, are dead, silent, slow, cut off, or talk garbage.
"""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubectl_svcnet.model.capture import ApiRequest, Capture, ExecRequest, Reason
from kubectl_svcnet.model.commands import COMMANDS, Command, Needs
from tests.cluster.conftest import Api, Exchange, Wire, serve
from tests.saved import Narrow, Saved

SHAPES = ("n1", "n2", "n3")
EXEC_HEAD = ("sh", "-c", "SCRIPT", "svcnet", "TOKEN", "IN_USE")


@dataclass(frozen=True, slots=True)
class Clone:
    """Of the lab's node `shape`, in another network: 172.18.`network`.0/24."""

    name: str
    shape: str
    network: int
    address: str
    pod: str

    def moved(self, said: bytes) -> bytes:
        """Also where an address is written as in /proc/net/route."""
        words = said.replace(b"172.18.0.", b"172.18.%d." % self.network)
        return words.replace(b"0012AC", b"%02X12AC" % self.network)


@dataclass
class Fleet:
    """`asked`: execs by node; `most`: the most at one time."""

    nodes: int
    spoilt: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    most: int = 0

    def __post_init__(self) -> None:
        self._now, self._lock = 0, threading.Lock()
        self._answers: dict[tuple[str, tuple[Command, ...]], tuple[Capture, ...]] = {}
        saved = Saved()
        self._pods: dict[str, list[dict[str, Any]]] = {}  # of the clones
        self._shapes = {name: Narrow(Saved()) for name in SHAPES}
        listed = [c for c in saved.captures if getattr(c.request, "path", "") == "/api/v1/nodes"]
        nodes = {one["metadata"]["name"]: one for one in listed[-1].objects}
        podlist = next(c for c in saved.captures if getattr(c.request, "path", "") == _PODS)
        proxies = {
            one["spec"]["nodeName"]: one
            for one in podlist.objects
            if one["metadata"]["name"].startswith("kube-proxy-")
        }
        self._own = {name: nodes[name]["status"]["addresses"][0]["address"] for name in SHAPES}
        self._real = {name: proxies[name]["metadata"]["name"] for name in SHAPES}
        self.clones = [self._clone(number) for number in range(len(SHAPES), self.nodes)]
        for clone in self.clones:
            saved.add("nodes", _renamed_node(nodes[clone.shape], clone))
            pod = _renamed_pod(proxies[clone.shape], clone)
            _add_pod(saved, pod)
            self._pods[clone.name] = [pod]
        self._api = saved.source()
        self._by_pod = {clone.pod: clone for clone in self.clones}
        for name in SHAPES:
            pod = self._real[name]
            self._by_pod[pod] = Clone(name, name, 0, self._own[name], pod)
        step = max(1, len(self.clones) // max(1, self.spoilt))
        bad = self.clones[::step][: self.spoilt]
        ways = (_dead, _silent, _slow, _cut, _garbage)
        self._spoilt = {one.pod: ways[at % len(ways)] for at, one in enumerate(bad)}

    def _clone(self, number: int) -> Clone:
        network, shape = number // len(SHAPES), SHAPES[number % len(SHAPES)]
        name, address = f"m{number:03d}", self._own[shape].replace(".0.", f".{network}.")
        return Clone(name, shape, network, address, f"kube-proxy-{name}")

    def answer(self, exchange: Exchange) -> None:
        path = exchange.asked.path
        if path.endswith("/exec"):
            clone = self._by_pod[path.split("/")[-2]]
            with self._lock:
                self.asked[clone.name] += 1
                self._now += 1
                self.most = max(self.most, self._now)
            try:
                self._spoilt.get(clone.pod, Fleet._run)(self, exchange, clone)
            finally:
                with self._lock:
                    self._now -= 1
            return
        if path == "/version":
            exchange.json({"major": "1", "minor": "36", "gitVersion": "v1.36.3"})
            return
        query = tuple(pair for pair in exchange.asked.query if pair[0] not in _PAGING)
        many = path.rpartition("/")[2] in _LISTS
        on = dict(query).get("fieldSelector", "").partition("spec.nodeName=")[2].partition(",")[0]
        if on in self._pods:  # asked of each node: as quick as by the API server's own index
            exchange.json(_HEAD | {"items": self._pods[on]})
            return
        (capture,) = self._api.fetch(ApiRequest(path=path, query=query, many=many))
        if capture.failure is not None:
            exchange.refuse(404, capture.failure.message)
        elif many:
            exchange.json(_HEAD | {"items": list(capture.objects)})
        else:
            exchange.json(capture.objects[0])

    def _run(self, exchange: Exchange, clone: Clone) -> None:
        wire = exchange.upgrade()
        out, said = self.printed(exchange.asked.commands, clone)
        wire.message(b"\x01" + out)
        wire.message(b"\x02" + said)
        wire.exit(0)

    def printed(self, argv: Sequence[str], clone: Clone) -> tuple[bytes, bytes]:
        """What the script prints on that node, on stdout and stderr (`cluster.batch`)."""
        token, commands = argv[4], tuple(_commands(argv[len(EXEC_HEAD) :]))
        request = ExecRequest(
            node=clone.shape,
            namespace="kube-system",
            pod=self._real[clone.shape],
            container="kube-proxy",
            commands=commands,
            in_use=frozenset(Needs(word) for word in argv[5].split(",") if word),
        )
        key = clone.shape, commands
        with self._lock:
            captures = self._answers.get(key)
            if captures is None:
                captures = self._answers[key] = self._shapes[clone.shape].fetch(request)
        out, said = [], []
        for number, capture in enumerate(captures, 1):
            data, code = _as_printed(capture, token)
            begin, end = f"{token} begin {number}\n", f"\n{token} end {number} {code}\n"
            out += [begin.encode(), clone.moved(data), end.encode()]
            said += [begin.encode(), capture.stderr, end.encode()]
        return b"".join(out), b"".join(said)


_PODS = "/api/v1/pods"
_HEAD = {"kind": "List", "metadata": {"resourceVersion": "1"}}
_LISTS = ("pods", "nodes", "services", "endpointslices", "servicecidrs")
_PAGING = ("limit", "continue", "resourceVersion", "resourceVersionMatch")


def _as_printed(capture: Capture, token: str) -> tuple[bytes, str]:
    failure = capture.failure
    if failure is not None and failure.reason is Reason.NOT_PRESENT:
        return b"", "absent"
    code = "127" if failure is not None else str(capture.exit_code or 0)
    if capture.command is not None and COMMANDS[capture.command.name].filtered:
        return capture.data + f"999999:{token} end {code}\n".encode(), "0"
    return capture.data, code


def _commands(words: Sequence[str]) -> Iterator[Command]:
    rest = list(words)
    while rest:
        name = rest.pop(0)
        count = len(COMMANDS[name].arguments)
        yield Command(name, tuple(rest[:count]))
        del rest[:count]


def _renamed_node(node: Any, clone: Clone) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(dict(node))
    made["metadata"] |= {"name": clone.name, "uid": clone.name}
    made["metadata"]["labels"]["kubernetes.io/hostname"] = clone.name
    made["status"]["addresses"] = [
        {"type": "InternalIP", "address": clone.address},
        {"type": "Hostname", "address": clone.name},
    ]
    return made


def _renamed_pod(pod: Any, clone: Clone) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(dict(pod))
    made["metadata"] |= {"name": clone.pod, "uid": clone.pod}
    made["spec"]["nodeName"] = clone.name
    made["status"] |= {"hostIP": clone.address, "podIP": clone.address}
    made["status"]["podIPs"] = [{"ip": clone.address}]
    return made


def _add_pod(saved: Saved, pod: dict[str, Any]) -> None:
    """To the list of all pods, and to the one by its label."""
    for at, capture in enumerate(saved.captures):
        request = capture.request
        if isinstance(request, ApiRequest) and request.path == _PODS:
            selector = dict(request.query).get("labelSelector", "k8s-app in ")
            if selector.startswith("k8s-app in "):
                saved.captures[at] = replace(capture, objects=(*capture.objects, pod))


def _dead(fleet: Fleet, exchange: Exchange, clone: Clone) -> None:
    why = f"error dialing backend: dial tcp {clone.address}:10250: connect: no route to host"
    exchange.refuse(500, why)


def _silent(fleet: Fleet, exchange: Exchange, clone: Clone) -> None:
    exchange.hang()


def _slow(fleet: Fleet, exchange: Exchange, clone: Clone) -> None:
    """A byte now and then, for ever."""
    wire = exchange.upgrade()
    while True:
        wire.message(b"\x01 ")
        time.sleep(0.5)


def _half(fleet: Fleet, exchange: Exchange, clone: Clone) -> tuple[Wire, bytes]:
    out, _ = fleet.printed(exchange.asked.commands, clone)
    return exchange.upgrade(), out[: len(out) // 2]


def _cut(fleet: Fleet, exchange: Exchange, clone: Clone) -> None:
    wire, half = _half(fleet, exchange, clone)
    wire.message(b"\x01" + half)


def _garbage(fleet: Fleet, exchange: Exchange, clone: Clone) -> None:
    """In the middle of what it should have said."""
    wire, half = _half(fleet, exchange, clone)
    wire.message(b"\x01" + half + random.Random(clone.name).randbytes(100_000))
    wire.exit(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came to the server until it was stopped."""

    execs: dict[str, int]
    most: int


class Serving:
    """A fleet in a process of its own, so that it takes no time from whoever asks it."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        assert process.stdout is not None
        server = process.stdout.readline().strip()
        self.kubeconfig = folder / "fleet.kubeconfig"
        self.kubeconfig.write_text(json.dumps(_kubeconfig(server)))

    def stop(self) -> Asked:
        said, _ = self._process.communicate(timeout=30)
        return Asked(**json.loads(said))


@contextmanager
def fleet(nodes: int, spoilt: int, folder: Path) -> Iterator[Serving]:
    words = (sys.executable, "-m", "tests.fleet", str(nodes), str(spoilt))
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Serving(process, folder)
        finally:
            process.kill()


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "fleet",
        "clusters": [{"name": "fleet", "cluster": {"server": server}}],
        "users": [{"name": "fleet", "user": {}}],
        "contexts": [{"name": "fleet", "context": {"cluster": "fleet", "user": "fleet"}}],
    }


class _Everything(dict[str, Callable[[Exchange], None]]):
    def __init__(self, route: Callable[[Exchange], None]) -> None:
        super().__init__()
        self._route = route

    def get(self, key: str, default: Any = None) -> Any:
        return self._route


def main(nodes: int, spoilt: int) -> None:
    made = Fleet(nodes, spoilt)
    serving = serve(None)
    api: Api = next(serving)
    api.routes = _Everything(made.answer)
    sys.stdout.write(f"{api.url}\n")
    sys.stdout.flush()
    sys.stdin.read()
    sys.stdout.write(json.dumps({"execs": dict(made.asked), "most": made.most}))
    next(serving, None)  # and it ends


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
