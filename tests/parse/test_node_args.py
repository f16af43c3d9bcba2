from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.node_args import parse_node_args


def test_a_list_of_words() -> None:
    assert parse_node_args('["server","--token","********"]') == ("server", "--token", "********")
    assert parse_node_args("[]") == ()


@pytest.mark.parametrize("text", ["", "server", '{"a":1}', "[1]", '["server', "[" * 100_000])
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_node_args(text)
