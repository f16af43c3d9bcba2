"""Where the lab keeps things: a cache that survives, and a run folder that `down` deletes.

The cache (programs, images) lies outside the checkout, because building it takes minutes.
"""

from __future__ import annotations

import os
from pathlib import Path

KUBERNETES = "v1.36.3"

# Folders that a node covers with its own; the cache would not be visible inside the node there.
COVERED = ("/run", "/var/run", "/var/lib", "/var/log", "/proc", "/sys")


def cache_folder() -> Path:
    if chosen := os.environ.get("SVCNET_LAB_CACHE"):
        return Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "kubectl-svcnet-lab"


CACHE = cache_folder()


def programs(version: str) -> Path:
    """Where the Kubernetes programs of one version are, `v1.36.3`."""
    return CACHE / "bin" / version


BIN = programs(KUBERNETES)
IMAGES = CACHE / "images"
LOCK = CACHE / "lock"
RUN = CACHE / "run"
LOGS = RUN / "log"
STATE = RUN / "lab.json"
KUBERNETES_FOLDER = RUN / "kubernetes"  # /etc/kubernetes in the control-plane pods
PKI = KUBERNETES_FOLDER / "pki"
AUDIT_LOG = RUN / "audit" / "audit.log"
ADMIN_KUBECONFIG = RUN / "admin.kubeconfig"
VIEWER_KUBECONFIG = RUN / "viewer.kubeconfig"

SOURCE = Path(__file__).resolve().parent
MANIFESTS = SOURCE / "manifests"
TEMPLATES = SOURCE / "templates"
