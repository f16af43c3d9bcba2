"""`version`: of the plugin alone; it needs no cluster."""

from __future__ import annotations

import argparse
import platform

from .. import __version__
from ..render import written
from ..render.document import unread


def version(given: argparse.Namespace) -> int:
    output = vars(given).get("output", "")
    if output in ("json", "yaml"):
        items = [{"version": __version__, "python": platform.python_version()}]
        print(written(unread("Version", items), output), end="")
    else:
        print(f"kubectl svcnet {__version__} (Python {platform.python_version()})")
    return 0
