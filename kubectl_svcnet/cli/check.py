"""`check`: all Services on all nodes, or only the plan of it."""

from __future__ import annotations

from ..model.capture import Source
from ..model.options import Options
from ..pipeline.check import check as run
from ..pipeline.check import plan
from ..render.document import Report


def check(source: Source, options: Options) -> Report:
    return plan(source, options) if options.plan else run(source, options)
