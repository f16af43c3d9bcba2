"""What may have been meant where a Service or a namespace that was named does not exist.

Only then is it asked for, all at once: the Services of that namespace, the namespaces, and who
bears the name elsewhere. What may not be listed suggests nothing. That a namespace does not exist
is an error by itself: a check of a misspelt one would else find nothing wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import UsageError, did_you_mean
from ..model.capture import ApiRequest, Capture
from ..model.options import Options
from ..model.service import ServiceName
from ..parse.kube_fields import mapping, text
from .collect import Collector
from .inventory import SERVICES, Scope, ServicesRead
from .names import parse_names

NAMESPACES = ApiRequest(path="/api/v1/namespaces")


def with_nearest(collector: Collector, read: ServicesRead, options: Options) -> ServicesRead:
    """Each of `missing` with its cause or what is near. Raises UsageError where all Services of
    a namespace are asked for that does not exist."""
    if not options.services:
        if read.readable and not read.services and not options.all_namespaces:
            _require_namespace(collector, options.namespace)
        return read
    if not read.missing:
        return read
    words = {str(named): named.name for named in parse_names(options) if named.name is not None}
    return replace(
        read,
        missing=tuple(
            sentence + _maybe_near(collector, words[sentence]) if sentence in words else sentence
            for sentence in read.missing
        ),
    )


def _require_namespace(collector: Collector, name: str) -> None:
    listed = collector.fetch_one(NAMESPACES)
    if listed.ok and name not in _names(listed):
        raise UsageError(
            f'Error from server (NotFound): namespaces "{name}" not found'
            + did_you_mean(name, _names(listed)),
            next="kubectl get namespaces",
        )


def _maybe_near(collector: Collector, name: ServiceName) -> str:
    """The end of the sentence; empty where nothing is near."""
    same = ApiRequest(
        path=SERVICES.format(scope=""),
        query=(("fieldSelector", f"metadata.name={name.name}"),),
    )
    requests = [Scope(namespace=name.namespace).services(), NAMESPACES, same]
    here, namespaces, elsewhere = collector.map(collector.fetch_one, requests)
    if namespaces.ok and name.namespace not in _names(namespaces):
        cause = f', as there is no namespace "{name.namespace}"'
        return cause + did_you_mean(name.namespace, _names(namespaces))
    homes = sorted(text(mapping(item, "metadata"), "namespace") for item in elsewhere.objects)
    if homes:
        return f"; did you mean {name.name}.{homes[0]}?"
    return did_you_mean(name.name, _names(here))


def _names(capture: Capture) -> Sequence[str]:
    return [text(mapping(item, "metadata"), "name") for item in capture.objects]
