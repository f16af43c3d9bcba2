"""`version`: of the plugin alone; it needs no cluster."""

from __future__ import annotations

import argparse
import json
import platform

from .. import __version__
from ..render.document import unread


def version(given: argparse.Namespace) -> int:
    if vars(given).get("output") in ("json", "yaml"):
        items = [{"version": __version__, "python": platform.python_version()}]
        print(json.dumps(unread("Version", items), indent=2))  # which is YAML as well
    else:
        print(f"kubectl svcnet {__version__} (Python {platform.python_version()})")
    return 0
