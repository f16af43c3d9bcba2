"""OpenELB's address pools: Eip objects (network.kubesphere.io/v1alpha2), `spec.address`.

One range, CIDR or address each; a disabled pool gives no new ones.
"""

from __future__ import annotations

from ..parse.fields import text_at, texts_at
from ._objects import Resource
from ._pools import PoolSource

SOURCE = PoolSource(
    name="openelb",
    labels=(("app", "openelb-manager"), ("control-plane", "openelb-manager")),
    resource=Resource(
        "Eip",
        "eips.network.kubesphere.io",
        ("/apis/network.kubesphere.io/v1alpha2/eips",),
    ),
    spans=lambda item: texts_at(item, "spec.address"),
    closed=lambda item: text_at(item, "spec.disable") == "true",
)
