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
    for flag, name in (("bundle", "--bundle"), ("plan", "--plan")):
        if flag in flags:
            raise UsageError(f"diff is given its bundles as arguments, and no {name}")
    before, after = given.before, given.after
    if after is not None:
        given = argparse.Namespace(**{**flags, "bundle": after})
    old = session.open_bundle(before)

    def load() -> session.Work:
        from ..pipeline.diff import diff as run

        def work(source: Source, options: Options) -> Report:
            return run((before, old), (after or "now", source), options)

        return work

    return session.run(given, load)
