from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubectl_svcnet.model.address import Family
from kubectl_svcnet.parse.proxy_log import (
    failed_syncs,
    proxier_mode,
    served_families,
    version,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"
LOGS = sorted((FIXTURES / "kube-proxy-logs").glob("*.log"))


def ran(minor: int, what: str) -> str | None:
    """The mode that ran, by the situation in a file's name; see case.toml. None for a kube-proxy
    that ended, or waited, before it announced anything."""
    match what:
        case "iptables-api-dead-v2" | "mode-bogus-v0":
            return None
        case "ipvs-no-kernel-module-v0":  # up to 1.24 it fell back, from 1.27 on it ends
            return "iptables" if minor <= 24 else None
        case "userspace-v2":
            return "userspace"
        case "" | "iptables-v4" | "json-v4" | "mode-unset-v0":
            return "iptables"
    raise AssertionError(what)


def situation(log: Path) -> tuple[str, str]:
    found = re.fullmatch(r"(v1\.\d+\.\d+)(?:-(.*))?\.log", log.name)
    assert found
    return found[1], found[2] or ""


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_mode_and_version_of_real_logs(log: Path) -> None:
    release, what = situation(log)
    lines = log.read_text().splitlines()
    mode = ran(int(release.split(".")[1]), what)
    assert proxier_mode(lines) == mode
    # one that ended early (userspace: no file handles) never came to say its version
    assert version(lines) == (release if mode and what != "userspace-v2" else None)


@pytest.mark.parametrize("release", ["1.19.0", "1.11.8"])
def test_the_guides_logs(release: str) -> None:
    lines = (FIXTURES / "guide" / f"kube-proxy-{release}.log").read_text().splitlines()
    assert proxier_mode(lines) == "iptables"
    assert version(lines) == f"v{release}"


I = "I0307 04:29:29.883941       1 server_others.go:140] "  # noqa: E741 - klog's own letter


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        ([f"{I}Using ipvs Proxier."], "ipvs"),
        ([f'{I}"Using nftables Proxier"'], "nftables"),
        ([f'{I}"Using nftables Proxier" ipFamily="IPv4"'], "nftables"),
        ([f"{I}Using kernelspace Proxier."], "kernelspace"),
        ([f'{I}"Using iptables proxy"'], "iptables"),
        ([f'{I}"Using iptables proxy"', f'{I}"Using nftables Proxier"'], "nftables"),
        ([f"{I}Using iptables Proxier.", f"{I}Using ipvs Proxier."], "ipvs"),
        (['{"ts":1.5,"msg":"Using ipvs Proxier","v":0}'], "ipvs"),
        # what names a mode and does not say that it runs
        (
            ['W0530 13:37:32.849559  1 a.go:579] Unknown proxy mode "", assuming iptables proxy'],
            None,
        ),
        ([f'{I}"Unknown proxy mode, assuming iptables proxy" proxyMode=""'], None),
        ([f"{I}Can't use the IPVS proxier: no module"], None),
        ([f"{I}\"No kube-proxy mode specified: defaulting to 'iptables'. Note that\""], None),
        ([f'{I}"Adding new service" name="Using ipvs Proxier"'], None),
        ([f'{I}"Using iptables mark for masquerade" mark="0x00004000"'], None),
        # wording of a future version
        ([f'{I}"Using ebpf Proxier"'], None),
        ([f'{I}"Proxier chosen" mode="iptables"'], None),
    ],
)
def test_proxier_mode(lines: list[str], expected: str | None) -> None:
    assert proxier_mode(lines) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{I}Version: v1.11.8", "v1.11.8"),
        (f'{I}"Version info" version="v1.28.0"', "v1.28.0"),
        ('{"ts":1.5,"msg":"Version info","v":0,"version":"v1.36.3"}', "v1.36.3"),
        (f'{I}FLAG: --version="false"', None),
        (f'{I}"Version info"', None),
        (f"{I}Version: unknown", None),
    ],
)
def test_version(line: str, expected: str | None) -> None:
    assert version([line]) == expected


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_families_of_real_logs(log: Path) -> None:
    """One with a dead API waits, and one with a bogus mode ends, before it says."""
    release, what = situation(log)
    minor = int(release.split(".")[1])
    served = served_families(log.read_text().splitlines())
    if what == "userspace-v2" and minor < 23:
        assert served == (Family.IPV4,)
    elif ran(minor, what) == "iptables":
        assert served == tuple(Family)
    else:
        assert served in ((), tuple(Family))


STACK = "kube-proxy running in single-stack"
BOTH, FOUR, SIX = tuple(Family), (Family.IPV4,), (Family.IPV6,)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        ([f"{I}kube-proxy running in dual-stack mode, IPv4-primary"], BOTH),
        ([f"{I}{STACK} IPv6 mode"], SIX),  # 1.20 to 1.22
        ([f'{I}"{STACK} mode, this ipFamily is not supported" ipFamily=IPv6'], FOUR),  # to 1.26
        ([f'{I}"{STACK} mode: secondary ipFamily is not supported" ipFamily="IPv4"'], SIX),
        ([f'{I}"{STACK} mode" ipFamily="IPv4"'], FOUR),  # since 1.28
        ([f'{{"ts":1.5,"msg":"{STACK} mode","v":0,"ipFamily":"IPv6"}}'], SIX),
        ([f'{I}"{STACK} mode" ipFamily="IPv4"', f'{I}"{STACK[:22]}dual-stack mode"'], BOTH),
        # wording of a future version, and what names a stack in passing
        ([f'{I}"{STACK} mode" family="IPv4"'], ()),
        ([f'{I}"{STACK} mode" ipFamily="IPv5"'], ()),
        ([f'{I}"{STACK} mode for now" ipFamily="IPv4"'], ()),
        ([f'{I}"Cluster appears to be dual-stack" err="running in single-stack mode"'], ()),
    ],
)
def test_served_families(lines: list[str], expected: tuple[Family, ...]) -> None:
    assert served_families(lines) == expected


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_no_healthy_log_tells_of_a_failed_sync(log: Path) -> None:
    assert failed_syncs(log.read_text().splitlines()) == ()


E = "E0307 04:29:29.883941       1 proxier.go:1208] "


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (f"{E}Failed to execute iptables-restore: exit status 4 (iptables-restore: line 1)", True),
        (f'{E}"Failed to execute iptables-restore" err="exit status 4" rules=""', True),
        (f'{E}"Failed to execute iptables-restore" table="nat"', True),
        (f'{E}"nftables sync failed" err="No such file or directory" ipFamily="IPv4"', True),
        (f"{I}Sync failed; retrying in 30s", True),
        (f'{I}"Sync failed" ipFamily="IPv4" retryingTime="30s"', True),
        ('{"ts":1.5,"msg":"Sync failed","v":0}', True),
        (f"{E}Failed to sync service: 10.96.0.9:80/TCP, err: no such device", True),
        (f'{E}"Failed to sync service" err="x" servicePortName="a/b" virtualServer={{}}', True),
        (
            f'{E}"Failed to sync endpoint for service" err="no such file" servicePortName="a/b"',
            True,
        ),
        # what a healthy start says too
        (f'{E}"Failed to list existing nftables objects" err="no such file"', False),
        (f"{E}Failed to watch *v1.Service: the server is down", False),
        (f'{I}"Service x" name="Sync failed"', False),
    ],
)
def test_failed_syncs(line: str, counts: bool) -> None:
    assert failed_syncs([line]) == ((line,) if counts else ())
