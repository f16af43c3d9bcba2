"""The expectation against real kube-proxies, over Services at random.

What a healthy one programs equals it, packet by packet. Then the API is changed while kube-proxy
is stopped: what its rules do is known from before, so each verdict is too.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kubectl_svcnet.model.report import Defect
from tests.lab import fabric, processes
from tests.proxies.altered import altered
from tests.proxies.comparing import check_as_expected, compare
from tests.proxies.control_plane import ControlPlane
from tests.proxies.foretelling import foretold, walks_of
from tests.proxies.generated import generated
from tests.proxies.node import ProxyNode, proxy_node
from tests.proxies.reading import look, places, told
from tests.proxies.versions import MATRIX

pytestmark = [pytest.mark.e2e, pytest.mark.full]

#: Before 1.24 one policy decided for both kinds of traffic, and nftables mode of 1.29 refuses to
#: load some of these Services' source ranges.
LATER = [one for one in MATRIX if not re.match(r"v1\.(23|29)\.", one[0])]
SEEDS, COUNT, CHANGES = (1, 2), 60, (3, 7, 17)


@pytest.fixture(scope="module", params=LATER, ids="-".join)
def proxied(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[ProxyNode]:
    plane.replace(generated(SEEDS[0], COUNT))
    version, mode = request.param
    with proxy_node(plane, version, mode) as started:
        yield started


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_programmed_is_what_is_expected(proxied: ProxyNode, seed: int) -> None:
    proxied.plane.replace(generated(seed, COUNT))
    proxied.catch_up()
    check_as_expected(look(proxied), proxied.version, proxied.mode, more_than=200)


@contextmanager
def stopped(node: ProxyNode) -> Iterator[None]:
    [process] = processes.in_network_namespace(fabric.NETNS_FOLDER / node.namespace, "kube-proxy")
    process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.signal(signal.SIGCONT)


def test_what_changes_behind_its_back_is_named(proxied: ProxyNode) -> None:
    objects = generated(SEEDS[1], COUNT)
    before, verdicts, defects = walks_of(look(proxied)), set[str](), set[Defect]()
    with stopped(proxied):
        for seed in CHANGES:
            proxied.plane.apply(altered(seed, objects))
            report = look(proxied)
            verdicts |= set(foretold(before, report, proxied.version, proxied.mode))
            defects |= {defect for _, node in places(report) for defect in node.defects}
            codes = {finding.code for finding in report.findings}
            assert codes >= {"SVN202", "SVN203", "SVN301"}, told(report)
    assert verdicts == {"absent", "blocked", "missing", "stale"}
    assert defects == set(Defect)
    proxied.catch_up()
    after = compare(look(proxied), proxied.version, proxied.mode)
    assert not after.unexplained, "\n".join(after.unexplained)
