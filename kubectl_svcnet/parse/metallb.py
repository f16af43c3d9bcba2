"""MetalLB's configuration before 0.13: YAML under key `config` of ConfigMap `config`.

`address-pools` is a list of pools with `name`, `protocol` and `addresses` (CIDRs and ranges of
addresses). Text that is no YAML raises ParseError; a key of another type reads as absent.
"""

from __future__ import annotations

from ._documents import yaml_documents
from .fields import text_at, texts_at, values_at


def parse_metallb_config(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each pool's name and addresses, as they are written."""
    return tuple(
        (text_at(pool, "name"), texts_at(pool, "addresses[]"))
        for document in yaml_documents(text)
        for pool in values_at(document, "address-pools[]")
    )
