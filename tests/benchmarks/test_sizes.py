from ipaddress import ip_address, ip_network

import pytest

from benchmarks.sizes import Size, addresses, endpoint_slice, parse_size, service

POD_RANGE = ip_network("10.244.128.0/17")  # no node's own part


@pytest.mark.parametrize("text", ["1000x4", "5000x10"])
def test_a_size_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_size(text)) == text


@pytest.mark.parametrize("text", ["", "1000", "0x4", "4x0", "-1x4", "1x1000", "axb"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_size(text)


def test_endpoints_stay_clear_of_nodes_and_of_each_other() -> None:
    size = Size(5000, 10)
    for number in (0, 2500, 3199, 3200, 4999):
        found = list(addresses(size, number))
        assert len(set(found)) == 10
        assert all(ip_address(address) in POD_RANGE for address in found)


def test_a_slice_belongs_to_its_service() -> None:
    made, slice = service(7), endpoint_slice(Size(10, 3), 7)
    name = made["metadata"]["name"]
    assert slice["metadata"]["labels"] == {"kubernetes.io/service-name": name}
    assert slice["ports"][0]["name"] == made["spec"]["ports"][0]["name"]
    assert len(slice["endpoints"]) == 3


def test_rules_are_counted_as_upstream_does() -> None:
    assert Size(10, 10).nat_rules == 10 * (2 + 3 * 10)
    assert not Size(1000, 4).large
    assert Size(5000, 10).large
