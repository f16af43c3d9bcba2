from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.antrea import parse_antrea_controller

ON = "nodeIPAM:\n  enableNodeIPAM: true\n  clusterCIDRs: [10.244.0.0/16, 'fd00::/56']\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ON, ["10.244.0.0/16", "fd00::/56"]),
        (ON.replace("true", "false"), []),
        ("nodeIPAM:\n#  enableNodeIPAM: false\n", []),
        ("", []),
        ("- a\n---\nb\n", []),
    ],
)
def test_only_where_it_is_on(text: str, found: list[str]) -> None:
    assert [str(network) for network in parse_antrea_controller(text)] == found


@pytest.mark.parametrize("text", ["a: [", ON.replace("10.244.0.0/16", "ten")])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        parse_antrea_controller(text)
