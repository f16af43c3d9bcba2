from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.weave_status import parse_weave_status

STATUS = """\
        Version: 2.8.1

        Service: router
          Range: 10.9.0.0/16

        Service: ipam
         Status: ready
          Range: {}
  DefaultSubnet: 10.32.0.0/12
"""


@pytest.mark.parametrize("text", ["10.32.0.0/12", "10.32.0.0-10.47.255.255"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_range_of_the_allocator(text: str, end: str) -> None:
    networks, line = parse_weave_status(STATUS.format(text).replace("\n", end))
    assert ([str(network) for network in networks], line) == (["10.32.0.0/12"], f"Range: {text}")


@pytest.mark.parametrize("text", ["", "Service: ipam\nStatus: waiting for consensus\n", "Range: x"])
def test_no_range(text: str) -> None:
    assert parse_weave_status(text) == ((), "")


def test_what_is_no_range() -> None:
    with pytest.raises(ParseError):
        parse_weave_status(STATUS.format("10.32.0.0/99"))
