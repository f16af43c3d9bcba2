"""What a request would run on a node, or read of a log, as a person would type it."""

from __future__ import annotations

from ..model.capture import ExecRequest, LogRequest, Request
from ..model.commands import COMMANDS
from ..model.report import PlannedCommand
from .collect import command_line


def planned(request: Request) -> tuple[PlannedCommand, ...]:
    """Nothing for what only reads the API."""
    match request:
        case ExecRequest(node=node, namespace=namespace, pod=pod, commands=commands):
            return tuple(
                PlannedCommand(
                    node=node,
                    pod=f"{namespace}/{pod}",
                    argv=command_line(command),
                    shows=COMMANDS[command.name].shows,
                )
                for command in commands
            )
        case LogRequest(node=node, namespace=namespace, pod=pod):
            head = request.tail_lines is None and request.since_seconds is None
            return (
                PlannedCommand(
                    node=node,
                    pod=f"{namespace}/{pod}",
                    argv=_log_command(request),
                    shows="the head of its log" if head else "its log",
                ),
            )
        case _:
            return ()


def _log_command(request: LogRequest) -> str:
    words = [f"kubectl -n {request.namespace} logs {request.pod} -c {request.container}"]
    if request.previous:
        words.append("--previous")
    if request.timestamps:
        words.append("--timestamps")
    if request.since_seconds is not None:
        words.append(f"--since={request.since_seconds}s")
    if request.tail_lines is not None:
        words.append(f"--tail={request.tail_lines}")
    return " ".join(words)
