"""A field of any type at all is read or absent; only what has no name is refused."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.model.address import Protocol
from kubectl_svcnet.parse import kube_fields as fields

STRANGE: tuple[Any, ...] = (None, True, 7, 7.5, "x", [], ["x", 7, {}], {}, {"a": 1, "b": "c"})


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_fields_of_any_type(value: object) -> None:
    item = {"f": value}
    assert isinstance(fields.text(item, "f"), str)
    assert all(isinstance(one, str) for one in fields.texts(item, "f"))
    assert isinstance(fields.mapping(item, "f"), dict)
    assert all(isinstance(one, dict) for one in fields.mappings(item, "f"))
    assert all(isinstance(one, str) for one in fields.labels(item, "f").values())
    assert isinstance(fields.number(value, 3), int)
    assert fields.addresses(fields.texts(item, "f")) == ()


def test_what_is_there() -> None:
    assert fields.texts({"f": "one"}, "f") == ("one",)
    assert fields.labels({"f": {"a": 1, "b": "c"}}, "f") == {"b": "c"}
    assert (fields.number("8080", 3), fields.number("http", 3)) == (8080, 3)
    assert fields.number("9" * 5000, 3) == 3  # int() takes 4300 digits
    assert fields.addresses(["None", "10.0.0.1"]) == (ip_address("10.0.0.1"),)
    assert fields.networks([" 10.0.0.1/8", "x"]) == (ip_network("10.0.0.0/8"),)
    assert fields.protocol({}) is Protocol.TCP
    assert fields.identity({"metadata": {"name": "a"}}) == ("", "a")


def test_what_is_refused() -> None:
    with pytest.raises(ParseError, match="without a name"):
        fields.identity({"metadata": {}})
    with pytest.raises(ParseError, match="unknown protocol 'IPX'"):
        fields.protocol({"protocol": "IPX"})
    with pytest.raises(ParseError, match="no list of objects"):
        fields.whole_mappings({"f": [{}, 7]}, "f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.96.0.9", "10.96.0.9"),
        ("::ffff:10.96.0.9", "10.96.0.9"),
        ("010.096.000.009", "10.96.0.9"),
        ("0.0.0.0", "0.0.0.0"),
        ("10.0.0.100", "10.0.0.100"),
        ("fd00::0a", "fd00::a"),
    ],
)
def test_addresses_that_kubernetes_takes(text: str, expected: str) -> None:
    assert fields.addresses([text]) == (ip_address(expected),)


@pytest.mark.parametrize(
    "text", ["10.96.0", "10.96.0.0256", "10.96.0.9.", "", "00", "::ffff:10.96.0"]
)
def test_what_is_no_address(text: str) -> None:
    assert fields.addresses([text]) == ()


@pytest.mark.parametrize("text", ["10.96.0.0/16", "10.96.3.4/16", "010.096.0.01/16"])
def test_networks_that_kubernetes_takes(text: str) -> None:
    assert fields.networks([text]) == (ip_network("10.96.0.0/16"),)
