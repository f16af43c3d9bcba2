"""`permissions`: of all commands or of those named; with --role as YAML for kubectl apply."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from ..model.capture import Source
from ..model.options import Options
from ..render.document import Report
from . import session


def permissions(given: argparse.Namespace) -> int:
    flags = vars(given)
    for flag, name in (("bundle", "--bundle"), ("plan", "--plan")):
        if flag in flags:
            raise UsageError(f"permissions asks a cluster; it cannot be used with {name}")
    if "role" in flags:
        if "output" in flags:
            raise UsageError("--role prints YAML for kubectl apply; it cannot be used with -o")
        given = argparse.Namespace(**{**flags, "output": "role", "fail_on": "never"})

    commands = tuple(flags.get("commands") or ())
    if commands:
        from ..pipeline.permissions import require

        require(commands)

    def load() -> session.Work:
        from ..pipeline.permissions import run

        def work(source: Source, options: Options) -> Report:
            return run(source, options, commands)

        return work

    return session.run(given, load)
