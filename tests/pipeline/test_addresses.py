from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.report import AddressesReport
from kubectl_svcnet.pipeline.addresses import addresses
from tests.saved import Saved


def asked(saved: Saved, *texts: str) -> AddressesReport:
    return addresses(saved.source(), Options(), tuple(map(ip_address, texts)))


def test_the_lab() -> None:
    report = asked(Saved(), "10.96.0.1", "172.18.0.2", "10.244.1.200", "198.51.100.1")
    assert [(u.kind, u.state.value, u.range, u.owner) for u in report.addresses] == [
        ("ClusterIP", "allocated", "10.96.0.0/16", "service default/kubernetes (https 443/TCP)"),
        ("Node", "allocated", "172.18.0.0/24", "node n1"),
        (
            "Endpoint",
            "allocated",
            "172.18.0.0/24",
            "service default/kubernetes (https 6443/TCP)",
        ),
        ("Pod", "free", "10.244.1.0/24", "node n1"),
        ("", "outside", "", ""),
    ]
    assert not any(gap.blocking for gap in report.gaps)
    assert report.collected.nodes_read == 3


def test_endpoints_that_may_not_be_read_are_a_gap() -> None:
    saved = Saved().refuse(
        lambda c: "endpointslices" in getattr(c.request, "path", ""), Reason.FORBIDDEN, "forbidden"
    )
    report = asked(saved, "198.51.100.1")
    assert [gap.what for gap in report.gaps if gap.blocking] == ["endpointslices"]
    assert report.addresses[0].state.value == "unknown"
