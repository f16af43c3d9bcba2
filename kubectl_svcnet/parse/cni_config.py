"""A CNI configuration file of a node (`*.conflist`, `*.conf`), as far as it states pod ranges.

Only host-local has ranges of its own: `subnet` in the old form, `ranges` of alternatives in the new
one (plugins/ipam/host-local of containernetworking/plugins). `usePodCidr` and the like stand for
what another program puts there, and other allocators keep theirs elsewhere: nothing is stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..model.address import IPNetwork
from ._documents import json_value
from .fields import networks_in, texts_at


def parse_cni_config(text: str) -> tuple[IPNetwork, ...]:
    return networks_in(subnet for subnet in _subnets(json_value(text)) if "/" in subnet)


def _subnets(config: Any) -> Iterator[str]:
    """Of a list of plugins, or of the one plugin that a `.conf` is."""
    plugins = config.get("plugins", [config]) if isinstance(config, Mapping) else ()
    for plugin in plugins if isinstance(plugins, list) else ():
        if texts_at(plugin, "ipam.type") == ("host-local",):
            yield from texts_at(plugin, "ipam.subnet")
            ranges = plugin["ipam"].get("ranges")
            for alternatives in ranges if isinstance(ranges, list) else ():
                yield from texts_at({"range": alternatives}, "range[].subnet")
