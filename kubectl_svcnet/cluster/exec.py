"""Runs commands of the table in a container and answers one Capture for each, whatever happens.

With a shell, all go in one exec of the constant script (`batch`); without, each is an exec of
plain argv, and law 3's preconditions are looked up first. Nothing that is not in the table is
sent: `batch.encode` and `Command.argv` refuse it with ValueError.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..model.capture import Capture, ExecRequest, Failure, Reason
from ..model.commands import COMMANDS, Command, Needs
from . import batch
from .channel import open_channel
from .deadline import Deadline, Stop, run_bounded
from .faults import Fault, of_exception, of_exec
from .frames import EXEC_PROTOCOLS, ExecDecoder
from .limits import Limits
from .rest import pod_path
from .transport import Transport

_RIGHT = "get and create on pods/exec"
_MODULES = Command("cat", ("/proc/modules",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One exec: what came, and why no more."""

    started: float
    seconds: float
    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = None
    failure: Failure | None = None


class Executor:
    """Runs one exec, and keeps what came before whatever ended it."""

    def __init__(self, transport: Transport, limits: Limits, stop: Stop) -> None:
        self._transport, self._limits, self._stop = transport, limits, stop

    def run(self, request: ExecRequest, argv: Sequence[str], limit: int, deadline: Deadline) -> Ran:
        """One exec; never raises for what the other side does."""
        doing = f"exec in {request.namespace}/{request.pod} {request.container}".rstrip()
        decoder = ExecDecoder(limit)
        started, clock = time.time(), time.monotonic()
        failure: Failure | None = None
        try:
            run_bounded(
                lambda: self._converse(request, argv, decoder, deadline, doing),
                deadline,
                self._stop,
                doing,
            )
        except Fault as error:
            failure = error.failure
        return Ran(
            started=started,
            seconds=time.monotonic() - clock,
            stdout=bytes(decoder.stdout),
            stderr=bytes(decoder.stderr),
            exit_code=decoder.status.exit_code if decoder.status else None,
            failure=failure or _failure_of(decoder, doing, limit),
        )

    def _converse(
        self,
        request: ExecRequest,
        argv: Sequence[str],
        decoder: ExecDecoder,
        deadline: Deadline,
        doing: str,
    ) -> None:
        """Once, and once more where the credentials had expired: nothing has been run then."""
        used = self._transport.generation
        try:
            self._listen(request, argv, decoder, deadline, doing)
        except Fault as error:
            expired = error.failure.reason is Reason.UNAUTHORIZED and not decoder.size
            if not (expired and self._transport.renew(used)):
                raise
            self._listen(request, argv, decoder, deadline, doing)

    def _listen(
        self,
        request: ExecRequest,
        argv: Sequence[str],
        decoder: ExecDecoder,
        deadline: Deadline,
        doing: str,
    ) -> None:
        query = [("container", request.container)] if request.container else []
        query += [("stdout", "true"), ("stderr", "true"), *(("command", word) for word in argv)]
        path = pod_path(request.namespace, request.pod, "exec")
        with open_channel(
            self._transport, path, query, EXEC_PROTOCOLS, deadline, doing, needs=_RIGHT
        ) as channel:
            while not decoder.done:
                self._stop.check(doing)
                message = channel.receive()
                if message is None:
                    return
                decoder.feed(message)


def _failure_of(decoder: ExecDecoder, doing: str, limit: int) -> Failure | None:
    if decoder.over:
        return Failure(reason=Reason.TOO_LARGE, message=f"{doing}: more than {limit} bytes")
    if decoder.broken:
        return Failure(reason=Reason.BROKEN, message=f"{doing}: {decoder.broken}")
    if decoder.status is None:
        return Failure(reason=Reason.BROKEN, message=f"{doing}: closed before the command ended")
    if decoder.status.exit_code is None:
        return of_exec(decoder.status.message, doing)
    return None


def limit_for(commands: Sequence[Command], limits: Limits) -> int:
    dump = any(COMMANDS[command.name].dump for command in commands)
    return max(limits.max_dump, limits.max_answer) if dump else limits.max_answer


Run = Callable[[ExecRequest, Sequence[str], int], Ran]


def run_batch(request: ExecRequest, limits: Limits, run: Run) -> tuple[Capture, ...]:
    """All commands in one exec of the script."""
    token = secrets.token_hex(8)
    argv = batch.encode(request.commands, token=token, in_use=request.in_use)
    ran = run(request, argv, limit_for(request.commands, limits))
    answers = batch.decode(request.commands, ran.stdout, ran.stderr, token)
    share = ran.seconds / max(1, len(answers))
    return tuple(
        _capture(request, command, answer, ran, started=ran.started + share * i, seconds=share)
        for i, (command, answer) in enumerate(zip(request.commands, answers, strict=True))
    )


def _capture(
    request: ExecRequest,
    command: Command,
    answer: batch.Answer,
    ran: Ran,
    *,
    started: float,
    seconds: float,
) -> Capture:
    return Capture(
        request=request,
        command=command,
        started=started,
        seconds=seconds,
        data=answer.data,
        stderr=answer.stderr,
        exit_code=answer.exit_code,
        size=len(answer.data) + len(answer.stderr),
        truncated=answer.begun and not answer.ended,
        failure=_failure_of_answer(command, answer, ran),
    )


def _failure_of_answer(command: Command, answer: batch.Answer, ran: Ran) -> Failure | None:
    tool = COMMANDS[command.name].argv[0]
    if answer.absent:
        return absent(command)
    if not answer.ended:
        if ran.failure is not None and ran.failure.reason is Reason.NO_TOOL:
            return no_tool("sh")
        if ran.failure is not None:
            return ran.failure
        code = "" if ran.exit_code is None else f" (exit code {ran.exit_code})"
        reason = Reason.NO_TOOL if ran.exit_code in (126, 127) else Reason.BROKEN
        return Failure(reason=reason, message=f"{tool}: the script ended before it{code}")
    if answer.exit_code in (126, 127):
        return no_tool("grep" if answer.unfiltered else tool)
    if answer.unfiltered:
        return Failure(reason=Reason.BROKEN, message=f"{tool}: its end was filtered away")
    return None


def no_tool(tool: str) -> Failure:
    return Failure(reason=Reason.NO_TOOL, message=f"{tool} is not in the image")


def absent(command: Command) -> Failure:
    spec = COMMANDS[command.name]
    if spec.needs and not spec.unless:
        why = f"{spec.needs.value} is not loaded"
    else:
        why = f"{' or '.join(spec.unless)} exists"
    return Failure(reason=Reason.NOT_PRESENT, message=f"{' '.join(spec.argv[:1])}: not run, {why}")


class PlainRunner:
    """Commands without a shell, one exec each; remembers which tools an image lacks."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._missing: dict[tuple[str, str, str], frozenset[str]] = {}

    def run_all(self, request: ExecRequest, run: Run) -> tuple[Capture, ...]:
        present: frozenset[Needs] | Failure | None = None
        captures = []
        for command in request.commands:
            argv = command.argv()
            needs = COMMANDS[command.name].needs
            if needs and needs not in request.in_use and present is None:
                present = self._present(request, run)
            refusal = self._refusal(request, command, present)
            if refusal is not None:
                captures.append(Capture(request=request, command=command, failure=refusal))
            else:
                ran = run(request, argv, limit_for((command,), self._limits))
                captures.append(self._capture(request, command, ran))
        return tuple(captures)

    def _present(self, request: ExecRequest, run: Run) -> frozenset[Needs] | Failure:
        """What /proc/modules lists; everything where the file does not exist, else why it is not
        known."""
        ran = run(request, _MODULES.argv(), self._limits.max_answer)
        if ran.failure is None and ran.exit_code == 0:
            loaded = {line.split(b" ", 1)[0].decode("latin-1") for line in ran.stdout.splitlines()}
            return frozenset(need for need in Needs if need.value in loaded)
        if ran.failure is None and b"No such file" in ran.stderr:
            return frozenset(Needs)
        if ran.failure is not None and ran.failure.reason is not Reason.NO_TOOL:
            return ran.failure
        return Failure(reason=Reason.UNPROVEN, message=f"no {_MODULES.argv()[0]} in the image")

    def _refusal(
        self,
        request: ExecRequest,
        command: Command,
        present: frozenset[Needs] | Failure | None,
    ) -> Failure | None:
        spec = COMMANDS[command.name]
        if spec.needs and spec.needs not in request.in_use:
            if isinstance(present, Failure):
                why = f"{spec.argv[0]}: not run, as {spec.needs.value} may not be loaded"
                return replace(present, message=f"{why}: {present.message}")
            if present is None or spec.needs not in present:
                return absent(command)
        missing = self._missing.get((request.namespace, request.pod, request.container))
        if spec.unless and not set(spec.unless) <= (missing or frozenset()):
            tools = " and ".join(spec.unless)
            message = f"{spec.argv[0]}: not run, as {tools} may exist: ask for those first"
            return Failure(reason=Reason.NOT_PRESENT, message=message)
        return None

    def _capture(self, request: ExecRequest, command: Command, ran: Ran) -> Capture:
        failure = ran.failure
        tool = COMMANDS[command.name].argv[0]
        missing = failure is not None and failure.reason is Reason.NO_TOOL
        if missing or (failure is None and ran.exit_code in (126, 127)):
            failure = no_tool(tool)
            key = (request.namespace, request.pod, request.container)
            self._missing[key] = self._missing.get(key, frozenset()) | {tool}
        return Capture(
            request=request,
            command=command,
            started=ran.started,
            seconds=ran.seconds,
            data=ran.stdout,
            stderr=ran.stderr,
            exit_code=ran.exit_code,
            size=len(ran.stdout) + len(ran.stderr),
            truncated=ran.failure is not None and bool(ran.stdout),
            failure=failure,
        )


def failed(request: ExecRequest, error: BaseException) -> tuple[Capture, ...]:
    """The same failure for every command."""
    failure = of_exception(error, f"exec in {request.namespace}/{request.pod}")
    return tuple(
        Capture(request=request, command=command, started=time.time(), failure=failure)
        for command in request.commands
    )
