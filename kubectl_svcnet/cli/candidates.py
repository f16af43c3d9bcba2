"""Names that may stand in a word to complete: asked of the cluster quickly, or not offered.

A completer is called by argcomplete with what is typed before the word, so that -n, --context and
--kubeconfig hold for it too, and --bundle is asked instead of a cluster. Whatever goes wrong,
also that there is no answer within `DEADLINE`, is no candidate and no word on the terminal.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds from the key to the candidates, whatever kubeconfig, credential plugin and server do.
DEADLINE = 1.5

Completer = Callable[..., list[str]]


def attach(parser: argparse.ArgumentParser) -> None:
    """Gives each argument that is a name its completer, also those of commands."""
    for action in parser._actions:
        if action.dest in COMPLETERS:
            action.completer = COMPLETERS[action.dest]  # type: ignore[attr-defined]
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                attach(command)


def services(*, prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """NAME, and as it is begun: svc/NAME, NAME.NAMESPACE."""
    kind, slash, word = prefix.rpartition("/")
    name, dot, _namespace = word.partition(".")
    query = (("fieldSelector", f"metadata.name={name}"),) if dot else ()
    found = _asked(parsed_args, "/api/v1/services" if dot else _SERVICES, query)
    typed = set(vars(parsed_args).get("services") or ())
    names = (f"{each['name']}.{each['namespace']}" if dot else each["name"] for each in found)
    return [kind + slash + each for each in names if each not in typed]


def commands(**_: object) -> list[str]:
    from ..model.rights import NEEDS

    return sorted({name.partition(" ")[0] for need in NEEDS for name in need.commands})


def _listed(path: str) -> Completer:
    def complete(*, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        return [each["name"] for each in _asked(parsed_args, path)]

    return complete


def _of_kubeconfig(kind: str) -> Completer:
    def complete(*, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        from ..cluster.kubeconfig import names_of
        from .options import to_overrides

        return _bounded(lambda: list(names_of(kind, to_overrides(parsed_args))))

    return complete


#: What else a server sends as a name is nothing for a shell.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
_SERVICES = "/api/v1/namespaces/{namespace}/services"

#: Where an argument's value is stored: what may be its value.
COMPLETERS: dict[str, Completer] = {
    "cluster": _of_kubeconfig("clusters"),
    "commands": commands,
    "context": _of_kubeconfig("contexts"),
    "namespace": _listed("/api/v1/namespaces"),
    "nodes": _listed("/api/v1/nodes"),
    "services": services,
    "user": _of_kubeconfig("users"),
}


def _asked(
    given: argparse.Namespace, path: str, query: tuple[tuple[str, str], ...] = ()
) -> list[Any]:
    """The metadata of each object of a list."""

    def ask() -> list[Any]:
        from ..model.capture import ApiRequest
        from .session import open_source

        options, source, _ = open_source(given, DEADLINE)
        where = path.format(namespace=options.namespace)
        capture = source.fetch(ApiRequest(path=where, query=query))[0]
        found = [item["metadata"] for item in capture.objects]
        return [each for each in found if _NAME.fullmatch(each["name"])]

    return _bounded(ask)


def _bounded(work: Callable[[], Iterable[Any]]) -> list[Any]:
    from ..cluster.deadline import Deadline, Stop, run_bounded

    with _without_argcomplete():
        try:
            return list(run_bounded(work, Deadline(DEADLINE), Stop(), "completion"))
        except Exception:
            return []


@contextmanager
def _without_argcomplete() -> Iterator[None]:
    """A credential plugin written with argcomplete would take these variables for itself."""
    hidden = {k: v for k, v in os.environ.items() if k.startswith(("_ARGCOMPLETE", "COMP_"))}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
