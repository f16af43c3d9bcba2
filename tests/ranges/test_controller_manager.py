from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.iprange import Census, RangeKind
from kubectl_svcnet.ranges.controller_manager import SOURCE


def test_both_kinds(ask: Any, static_pod: Any) -> None:
    pod = static_pod(
        "kube-controller-manager",
        "--cluster-cidr=10.244.0.0/16",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--node-cidr-mask-size=25",
    )
    claims = ask(SOURCE, Census(pods=(pod,))).claims
    assert [(c.kind, c.text) for c in claims] == [
        (RangeKind.SERVICE, "10.96.0.0/16"),
        (RangeKind.POD, "10.244.0.0/16"),
    ]
    assert claims[1].evidence == "--cluster-cidr=10.244.0.0/16 --node-cidr-mask-size=25"


@pytest.mark.parametrize(
    ("flags", "allocates"),
    [
        ((), False),
        (("--allocate-node-cidrs=false",), False),
        (("--allocate-node-cidrs=true",), True),
        (("--allocate-node-cidrs", "--v=2"), True),
    ],
)
def test_who_cuts_pod_cidrs_from_it(
    ask: Any, static_pod: Any, flags: tuple[str, ...], allocates: bool
) -> None:
    pod = static_pod("kube-controller-manager", "--cluster-cidr=10.244.0.0/16", *flags)
    (claim,) = ask(SOURCE, Census(pods=(pod,))).claims
    assert bool(claim.allocator) is allocates


def test_not_there(ask: Any, static_pod: Any) -> None:
    assert ask(SOURCE, Census(pods=(static_pod("kube-controller-manager"),))).claims == ()
    assert SOURCE.recognise(Census(pods=())) == ()
