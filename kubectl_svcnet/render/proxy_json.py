"""Proxies as the items of the JSON document (kind `Proxy`): names and types are the contract's.

What is not known is null, never a default.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model.proxystate import ProxyState, Sync
from .times import time_text


def items(proxies: Iterable[ProxyState]) -> list[dict[str, Any]]:
    return [_item(state) for state in proxies]


def _item(state: ProxyState) -> dict[str, Any]:
    configured, told, setting = state.configured, state.told, state.setting
    return {
        "node": state.node,
        "dataplane": state.owner,
        "pod": state.pod or None,
        "configured": configured.mode or None if configured else None,
        "configuredBy": configured.source if configured else None,
        "running": state.running or ("unknown" if state.pod else None),
        "runningBy": {"proxyMode": told.mode or None, "log": told.log_mode or None},
        "programmed": None if state.programmed is None else list(state.programmed),
        "backend": state.backend or None,
        "version": state.version or None,
        "kernel": state.kernel or None,
        "nft": state.nft or None,
        "clusterCIDR": [str(network) for network in setting.cluster_cidr],
        "detectLocalMode": setting.detect_local or None,
        "process": state.process or None,
        "restarts": state.restarts,
        "startedAt": time_text(state.started or 0.0),
        "sync": _sync(state.sync),
        "leftovers": [
            {"what": left.what, "harm": left.harm.value, "because": left.because or None}
            for left in state.leftovers
        ],
        "others": list(state.others),
    }


def _sync(sync: Sync) -> dict[str, Any]:
    metrics = sync.metrics
    return {
        "state": sync.state.value,
        "why": sync.why or None,
        "lastSync": time_text(metrics.last_sync or 0.0) if metrics else None,
        "lastQueued": time_text(metrics.last_queued or 0.0) if metrics else None,
        "failures": metrics.failures if metrics else None,
        "partialFailures": metrics.partial_failures if metrics else None,
        "healthy": sync.healthy,
    }
