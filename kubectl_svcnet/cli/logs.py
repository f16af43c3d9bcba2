"""`logs`: what is written about a Service, or only the plan of reading it."""

from __future__ import annotations

import argparse

from ..model.capture import Source
from ..model.options import Options
from ..render.document import Report
from . import session


def logs(given: argparse.Namespace) -> int:
    if "follow" not in vars(given) or "plan" in vars(given):
        return session.run(given, lambda: read)
    from ..pipeline.follow import follow

    return session.follow(given, follow)


def read(source: Source, options: Options) -> Report:
    from ..pipeline.logs import logs as run
    from ..pipeline.logs import plan_logs

    return plan_logs(source, options) if options.plan else run(source, options)
