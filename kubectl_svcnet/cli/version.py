"""`version`: of the plugin alone; it needs no cluster."""

from __future__ import annotations

import argparse
import json
import platform

from .. import __version__
from ..render.document import API_VERSION


def version(given: argparse.Namespace) -> int:
    if vars(given).get("output") in ("json", "yaml"):
        document = {
            "apiVersion": API_VERSION,
            "kind": "Version",
            "collected": {},
            "items": [{"version": __version__, "python": platform.python_version()}],
            "findings": [],
            "gaps": [],
        }
        print(json.dumps(document, indent=2))  # which is YAML as well
    else:
        print(f"kubectl svcnet {__version__} (Python {platform.python_version()})")
    return 0
