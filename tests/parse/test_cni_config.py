from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.cni_config import parse_cni_config

RANGES = {
    "type": "host-local",
    "ranges": [[{"subnet": "10.244.1.0/24"}], [{"subnet": "fd00::/64"}]],
}


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"plugins": [{"type": "ptp", "ipam": RANGES}, {"type": "portmap"}]}, 2),
        ({"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.244.1.0/24"}}, 1),
        ({"type": "bridge", "ipam": {"type": "host-local", "subnet": "usePodCidr"}}, 0),
        ({"plugins": [{"type": "calico", "ipam": {"type": "calico-ipam"}}]}, 0),
        ({"plugins": [{"ipam": {"type": "whereabouts", "subnet": "10.0.0.0/8"}}]}, 0),
        ({"plugins": [7, {"ipam": [1]}, {"ipam": {"type": "host-local", "ranges": [7, [7]]}}]}, 0),
        ({"plugins": "x"}, 0),
        ([], 0),
    ],
)
def test_what_host_local_hands_out(config: Any, found: int) -> None:
    networks = parse_cni_config(json.dumps(config))
    assert [str(network) for network in networks] == ["10.244.1.0/24", "fd00::/64"][:found]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 99999, '{"ipam": {"type": "host-local", "subnet": "10.0.0.0/99"}}'],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        parse_cni_config(text)
