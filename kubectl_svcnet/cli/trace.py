"""`trace`: the merged view of Services over all nodes, or only the plan of it."""

from __future__ import annotations

from ..model.capture import Source
from ..model.options import Options
from ..pipeline.trace import trace as run
from ..render.document import Report


def trace(source: Source, options: Options) -> Report:
    if not options.plan:
        return run(source, options)
    from ..pipeline.plan import plan_trace

    return plan_trace(source, options)
