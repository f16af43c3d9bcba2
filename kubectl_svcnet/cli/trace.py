"""`trace`: the merged view of Services over all nodes, or only the plan of it."""

from __future__ import annotations

from ..model.capture import Source
from ..model.options import Options
from ..pipeline.plan import plan_trace
from ..pipeline.trace import trace as run
from ..render.document import Report


def trace(source: Source, options: Options) -> Report:
    return plan_trace(source, options) if options.plan else run(source, options)
