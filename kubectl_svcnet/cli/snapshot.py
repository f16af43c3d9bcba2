"""`snapshot FILE`: reads everything into a bundle; nothing of it appears before all is read.

Of a bundle it is a copy, with --anonymise one to be handed on."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from ..cluster.record import RecordingSource
from ..errors import UsageError
from ..model.capture import Source
from ..model.options import Options
from ..pipeline.snapshot import plan
from ..pipeline.snapshot import snapshot as run
from ..render.document import Report
from . import session


def snapshot(given: argparse.Namespace) -> int:
    if vars(given).get("file") == "-":
        raise UsageError(
            "snapshot writes a file, and none to stdout",
            next="kubectl svcnet snapshot cluster.tar.gz",
        )
    return session.run(given, lambda: plan if "plan" in vars(given) else _work, timeout=600.0)


def _work(source: Source, options: Options) -> Report:
    change = None
    if options.anonymise:
        from ..cluster.anonymise import Anonymiser

        change = Anonymiser().change
    recording = RecordingSource(source, options.file, change=change)
    try:
        report = run(recording, options)
    except BaseException:
        recording.discard()
        raise
    recording.finish()
    return replace(report, size=os.stat(options.file).st_size, captures=recording.saved)
