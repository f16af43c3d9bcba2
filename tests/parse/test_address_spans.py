from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.address_spans import parse_spans


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("192.0.2.0/24", ["192.0.2.0/24"]),
        ("192.0.2.7/24", ["192.0.2.0/24"]),
        ("192.0.2.9", ["192.0.2.9/32"]),
        ("192.0.2.0-192.0.2.255", ["192.0.2.0/24"]),
        ("192.0.2.1 - 192.0.2.5", ["192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31"]),
        ("fc00:f853:ccd:e799::/124", ["fc00:f853:ccd:e799::/124"]),
        ("2001:db8::-2001:db8::f", ["2001:db8::/124"]),
        ("192.0.2.0/28, 192.0.2.32/28", ["192.0.2.0/28", "192.0.2.32/28"]),
        ("0.0.0.0-255.255.255.255", ["0.0.0.0/0"]),
        ("", []),
    ],
)
def test_spans(text: str, networks: list[str]) -> None:
    assert [str(network) for network in parse_spans(text)] == networks


@pytest.mark.parametrize(
    "text", ["ten", "192.0.2.9-192.0.2.1", "192.0.2.1-fd00::1", "192.0.2.1-", "-", "192.0.2.1-5"]
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_spans(text)
