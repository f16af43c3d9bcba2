from __future__ import annotations

from ipaddress import ip_address

from kubectl_svcnet.model.iprange import AddressState, AddressUse
from kubectl_svcnet.model.report import AddressesReport, Collected
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.addresses import render

DNS = "service kube-system/kube-dns (dns 53/UDP, dns-tcp 53/TCP, metrics 9153/TCP)"


def use(text: str, kind: str, range: str, owner: str = "") -> AddressUse:
    return AddressUse(
        address=ip_address(text),
        kind=kind,
        range=range,
        owner=owner,
        state=AddressState.ALLOCATED if owner else AddressState.FREE,
    )


def report(*uses: AddressUse) -> AddressesReport:
    return AddressesReport(collected=Collected(), addresses=uses)


V4 = (use("10.96.0.10", "ClusterIP", "10.96.0.0/16", DNS), use("10.96.0.11", "Service", "-"))
V6 = use("fd00:10:244:1:ffff:ffff:ffff:2", "Pod", "fd00:10:244:1::/64", "pod default/db-0 on n1")


def test_a_long_owner_goes_on_below_itself() -> None:
    assert render(report(*V4), Style()) == (
        "ADDRESS      KIND        STATE       RANGE          OWNER\n"
        "10.96.0.10   ClusterIP   allocated   10.96.0.0/16   service kube-system/kube-dns\n"
        "                                                    (dns 53/UDP, dns-tcp 53/TCP,\n"
        "                                                    metrics 9153/TCP)\n"
        "10.96.0.11   Service     free        -              -\n"
    )


def test_wide() -> None:
    line = render(report(*V4), Style(wide=True)).splitlines()[1]
    assert line == f"10.96.0.10   ClusterIP   allocated   10.96.0.0/16   {DNS}"


def test_beside_a_long_address_there_is_no_room() -> None:
    assert render(report(V6), Style()) == (
        "ADDRESS                          KIND   STATE       RANGE\n"
        "fd00:10:244:1:ffff:ffff:ffff:2   Pod    allocated   fd00:10:244:1::/64\n"
        "  pod default/db-0 on n1\n"
    )


def test_no_headers() -> None:
    for uses in (V4, (V6,)):
        assert "ADDRESS" not in render(report(*uses), Style(headers=False))
