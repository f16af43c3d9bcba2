"""What is written about a Service: one file per place, each named once in `LOG_SOURCES`."""

from __future__ import annotations

from ._base import LogSource, Place, Reading, Scene
from .cni import SOURCE as CNI
from .events import SOURCE as EVENTS
from .kube_proxy import SOURCE as KUBE_PROXY
from .node_file import SOURCE as NODE_FILE
from .restarts import SOURCE as RESTARTS
from .slices import SOURCE as SLICES

__all__ = ["LOG_SOURCES", "LogSource", "Place", "Reading", "Scene"]

LOG_SOURCES: tuple[LogSource, ...] = (CNI, EVENTS, KUBE_PROXY, NODE_FILE, RESTARTS, SLICES)
