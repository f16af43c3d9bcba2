"""The installed command, run as a person runs it, and handles on the JSON that it answers."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.topology import NODES

#: Only the lab's own nodes: a guest may have joined it, which is slow.
ONLY = [word for node in NODES for word in ("--node", node.name)]

EXECUTABLE = Path(sysconfig.get_path("scripts")) / "kubectl-svcnet"


@dataclass(frozen=True, slots=True)
class Place:
    """One frontend on one node, as the document has it."""

    service: str
    frontend: dict[str, Any]
    node: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.node["node"])

    @property
    def verdict(self) -> str:
        return str(self.node["verdict"])

    @property
    def target(self) -> str:
        """The address that reaches the frontend on this node."""
        return str(self.frontend["address"] or self.node["address"])

    def __str__(self) -> str:
        front = self.frontend
        where = f"{front['kind']} {front['address'] or ''}:{front['port']}/{front['protocol']}"
        return f"{self.service} {where} on {self.name}"


class Answer(NamedTuple):
    code: int
    document: Any
    stderr: str
    seconds: float

    def places(self) -> Iterator[Place]:
        for item in self.document["items"]:
            for frontend in item["frontends"]:
                for node in frontend["nodes"]:
                    yield Place(item["service"], frontend, node)

    def verdicts(self, service: str = "") -> dict[str, set[str]]:
        """By node: the verdicts of all frontends, of one Service if it is named."""
        found: dict[str, set[str]] = {}
        for place in self.places():
            if place.service.endswith(f"/{service}" if service else ""):
                found.setdefault(place.name, set()).add(place.verdict)
        return found

    def findings(self, *levels: str) -> list[dict[str, Any]]:
        return [f for f in self.document["findings"] if not levels or f["level"] in levels]

    def gaps(self, node: str | None = None) -> list[dict[str, Any]]:
        """But what cannot be seen on any lab: no pod there mounts the nodes' CNI directory."""
        seen = (g for g in self.document["gaps"] if g["what"] != "CNI configurations")
        return [g for g in seen if node is None or g["node"] == node]

    def told(self) -> str:
        """All that matters of it, for the message of a failed test."""
        document = self.document or {}
        lines = [f"exit {self.code} after {self.seconds:.1f}s; {self.stderr.strip()}"]
        lines += [json.dumps(f) for key in ("findings", "gaps") for f in document.get(key, ())]
        if document.get("kind") in ("Check", "Trace"):
            lines += [
                f"{place}: {place.verdict} {place.node['reason'] or ''}"
                f" missing {place.node['missing']} stale {place.node['stale']}"
                for place in self.places()
                if place.verdict != "ok"
            ]
        return "\n".join(lines)


class Process(NamedTuple):
    code: int
    stdout: str
    stderr: str


class Following:
    """A command that goes on, and the documents that it writes, one a line."""

    def __init__(self, kubeconfig: Path, words: Sequence[str]) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [str(EXECUTABLE), *words, "-o", "json"],
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seen: list[dict[str, Any]] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self._lines.put(line)

    def document(self, within: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._lines.get(timeout=within))
        self.seen.append(found)
        return found

    def until(self, wanted: Callable[[dict[str, Any]], bool], within: float) -> None:
        """A document that came, whenever that was, or comes in time."""
        end = time.monotonic() + within
        while not any(map(wanted, self.seen)):
            self.document(max(0.1, end - time.monotonic()))

    def until_item(self, source: str, *words: str, within: float) -> None:
        """The same of a line of a log."""

        def has(document: dict[str, Any]) -> bool:
            return any(
                item["source"] == source and all(word in item["message"] for word in words)
                for item in document["items"]
            )

        self.until(has, within)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(timeout=60)
        self._reader.join(10)


def ran(command: Sequence[str], environment: Mapping[str, str], timeout: float = 120) -> Process:
    """With nothing on stdin."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Process(done.returncode, done.stdout, done.stderr)


def output_of(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """The stdout of a command that goes well."""
    done = ran(command, environment)
    assert done.code == 0, done.stderr
    return done.stdout


@dataclass(frozen=True, slots=True)
class Svcnet:
    kubeconfig: Path

    @contextmanager
    def following(self, *words: str) -> Iterator[Following]:
        started = Following(self.kubeconfig, words)
        try:
            yield started
        finally:
            started.close()

    def __call__(self, *words: str, kubeconfig: Path | None = None, timeout: float = 120) -> Answer:
        start = time.monotonic()
        done = self.raw(*words, "-o", "json", kubeconfig=kubeconfig, timeout=timeout)
        seconds = time.monotonic() - start
        document = json.loads(done.stdout) if done.stdout.strip() else None
        return Answer(done.code, document, done.stderr, seconds)

    def raw(self, *words: str, kubeconfig: Path | None = None, timeout: float = 120) -> Process:
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig or self.kubeconfig)}
        done = ran([str(EXECUTABLE), *words], environment, timeout)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def healthy(self, *services: str, within: float = 60) -> Answer:
        """Waits until `trace` has nothing to say of the lab's own nodes; what it last said is the
        failure."""
        deadline = time.monotonic() + within
        while True:
            answer = self("trace", *services, *ONLY, "--settle", "1s")
            if answer.code == 0 and not answer.findings():
                return answer
            assert time.monotonic() < deadline, answer.told()
            time.sleep(0.5)
