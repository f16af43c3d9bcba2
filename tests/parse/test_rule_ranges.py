from __future__ import annotations

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.rule_ranges import parse_rule_ranges

TEXT = """\
*nat
:KUBE-ROUTER-INPUT - [0:0]
-A INPUT -d 10.9.0.0/16 -j KUBE-ROUTER-INPUT
-A KUBE-ROUTER-INPUT -d 10.96.0.0/12 -m comment --comment "a" -j RETURN
-A KUBE-ROUTER-INPUT ! -d 10.1.0.0/16 -m comment --comment "b" -j RETURN
-A KUBE-ROUTER-INPUT -d 10.2.0.1 -j RETURN
-A KUBE-ROUTER-INPUT -p tcp -j RETURN
-A KUBE-ROUTER-INPUTS -d 10.8.0.0/16 -j RETURN
COMMIT
"""


def test_the_networks_of_one_chain() -> None:
    found = [(str(network), line[-9:]) for network, line in parse_rule_ranges(TEXT, CHAIN)]
    assert found == [("10.96.0.0/12", "-j RETURN"), ("10.1.0.0/16", "-j RETURN")]


CHAIN = "KUBE-ROUTER-INPUT"


@pytest.mark.parametrize("text", ["", "*nat\nCOMMIT\n", "-A KUBE-ROUTER-INPUT -j DROP"])
def test_no_network(text: str) -> None:
    assert not [*parse_rule_ranges(text, CHAIN)]


def test_a_destination_that_is_none() -> None:
    with pytest.raises(ParseError):
        list(parse_rule_ranges("-A KUBE-ROUTER-INPUT -d 10.96.0.0/99 -j RETURN", CHAIN))
