from __future__ import annotations

from dataclasses import replace

from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.proxystate import ProxyState, Setting, Sync, SyncState, Told
from kubectl_svcnet.model.report import Collected, ProxyReport
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.proxy import render

N1 = ProxyState(
    node="n1",
    owner="kube-proxy/iptables",
    pod="kube-system/x",
    configured=Setting(mode="nftables"),
    told=Told(mode="iptables"),
    programmed=("iptables (nft)",),
    version="v1.36.3",
    sync=Sync(state=SyncState.UP_TO_DATE),
)
EDITED = Finding(code="SVN303", level=Level.WARNING, title="T", message="m", node="n1")


def report(*states: ProxyState, findings: tuple[Finding, ...] = ()) -> ProxyReport:
    return ProxyReport(collected=Collected(), proxies=states, findings=findings)


def test_the_sketch() -> None:
    well = replace(N1, node="n2", told=Told(mode="nftables"), programmed=("nftables",))
    made = report(N1, well, replace(well, node="n3"), findings=(EDITED,))
    table = render(made, Style()).partition("\n\n")[0]
    assert table == (
        "NODES  CONFIGURED  RUNNING   PROGRAMMED      VERSION  SYNC        NOTE\n"
        "n1     nftables    iptables  iptables (nft)  v1.36.3  up to date  SVN303\n"
        "n2,n3  nftables    nftables  nftables        v1.36.3  up to date  -"
    )


def test_what_is_not_known() -> None:
    states = (
        replace(N1, configured=None, told=Told(), programmed=None, version="", sync=Sync()),
        replace(N1, node="n2", configured=Setting(), programmed=()),
        ProxyState(node="n3", owner="cilium"),
    )
    lines = render(report(*states), Style(headers=False)).splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["n1", "n2", "n3"]
    assert [line.split() for line in lines] == [
        ["n1", "?", "unknown", "?", "?", "not", "known", "-"],
        ["n2", "default", "iptables", "nothing", "v1.36.3", "up", "to", "date", "-"],
        ["n3", "-", "cilium", "?", "?", "not", "known", "-"],
    ]


def test_wide() -> None:
    head, line = render(report(N1), Style(wide=True)).splitlines()
    assert head.split()[-1] == "LEFTOVERS"
    assert "not healthy" not in line


def test_it_keeps_to_the_width() -> None:
    both = replace(N1, programmed=("iptables (nft)", "iptables (legacy)", "nftables"))
    findings = (EDITED, replace(EDITED, code="SVN309"), replace(EDITED, code="SVN313"))
    line = render(report(both, findings=findings), Style()).splitlines()[1]
    assert len(line) <= 80
    assert line.endswith("SVN303 +2")
    assert "…" in line
