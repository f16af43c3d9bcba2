"""The real kubectl with which tests compare: KUBECTL, that of PATH, or that built for the lab."""

from __future__ import annotations

import os
import shutil

from tests.lab.paths import BIN

KUBECTL = (
    os.environ.get("KUBECTL") or shutil.which("kubectl") or shutil.which(BIN / "kubectl") or ""
)
LACKING = "no kubectl: neither named by KUBECTL, nor on PATH, nor built for the lab"
