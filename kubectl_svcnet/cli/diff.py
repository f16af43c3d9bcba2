"""`diff A [B]`: two bundles, or a bundle and the cluster as it is now."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from ..model.capture import Source
from ..model.options import Options
from ..render.document import Report
from . import session


def diff(given: argparse.Namespace) -> int:
    flags = vars(given)
    if "plan" in flags:
        raise UsageError("diff reads as snapshot does, whose --plan shows what it would run")
    if given.after is not None and "bundle" in flags:
        raise UsageError("diff compares two: give the second as an argument or by --bundle")
    before, after = given.before, given.after or flags.get("bundle")
    if after is not None:
        given = argparse.Namespace(**{**flags, "bundle": after})
    old = session.open_bundle(before)

    def load() -> session.Work:
        from ..pipeline.diff import diff as run

        def work(source: Source, options: Options) -> Report:
            return run((before, old), (after or "now", source), options)

        return work

    return session.run(given, load)
