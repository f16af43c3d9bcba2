from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.metallb import parse_metallb_config

TEXT = """\
address-pools:
- name: default
  protocol: layer2
  addresses:
  - 192.168.1.240-192.168.1.250
  - 192.168.10.0/24
- name: second
"""


def test_pools() -> None:
    assert parse_metallb_config(TEXT) == (
        ("default", ("192.168.1.240-192.168.1.250", "192.168.10.0/24")),
        ("second", ()),
    )


@pytest.mark.parametrize("text", ["", "[]", "address-pools: 5", "address-pools:", "a: b"])
def test_no_pools(text: str) -> None:
    assert parse_metallb_config(text) == ()


@pytest.mark.parametrize("text", ["a: [", "[" * 5000, "a: 2001-99-99"])
def test_broken_yaml_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_metallb_config(text)
