"""MetalLB's configuration before 0.13: YAML under key `config` of ConfigMap `config`.

`address-pools` is a list of pools with `name`, `protocol` and `addresses` (CIDRs and ranges of
addresses). Text that is no YAML raises ParseError; a key of another type reads as absent.
"""

from __future__ import annotations

from typing import Any

import yaml

from ..errors import ParseError
from .fields import text_at, texts_at

#: libyaml's loader where it is built in: the same language, ten times faster.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_metallb_config(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each pool's name and addresses, as they are written."""
    try:
        document = yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ParseError(f"not YAML: {str(error).splitlines()[0]}") from error
    pools = document.get("address-pools") if isinstance(document, dict) else None
    return tuple(
        (text_at(pool, "name"), texts_at(pool, "addresses[]"))
        for pool in (pools if isinstance(pools, list) else ())
    )
