from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from kubectl_svcnet.model.iprange import Confidence, RangeClaim, RangeKind, holds_address
from kubectl_svcnet.model.service import Pod


def claim(**fields: object) -> RangeClaim:
    fixed = {"kind": RangeKind.POD, "source": "s", "object": "o", "confidence": Confidence.STATED}
    return RangeClaim(**{**fixed, **fields})  # type: ignore[arg-type]


def test_a_network_and_a_port_range_name_their_row() -> None:
    assert claim(network=ip_network("10.96.0.0/16")).text == "10.96.0.0/16"
    assert claim(ports=(30000, 32767)).text == "30000-32767"


def test_the_value_is_the_nodes_own_address_where_it_was_said() -> None:
    network, address = ip_network("10.32.0.0/12"), ip_address("10.44.0.0")
    assert claim(network=network, address=address).value == "10.44.0.0/12"
    assert claim(network=network).value == "10.32.0.0/12"


@pytest.mark.parametrize(
    ("fields", "holds"),
    [
        ({"phase": "Running"}, True),
        ({"phase": "Pending"}, True),
        ({"phase": "Succeeded"}, False),
        ({"phase": "Failed"}, False),
        ({"phase": "Running", "host_network": True}, False),
        ({"phase": "Running", "addresses": ()}, False),
    ],
)
def test_who_holds_an_address(fields: dict[str, object], holds: bool) -> None:
    fixed = {"namespace": "n", "name": "p", "addresses": (ip_address("10.244.1.2"),)}
    assert holds_address(Pod(**{**fixed, **fields})) is holds  # type: ignore[arg-type]
