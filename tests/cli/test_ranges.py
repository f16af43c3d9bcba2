"""`ranges --ip` as it is typed."""

from __future__ import annotations

import io
import json
import sys
from ipaddress import ip_address

import pytest

from kubectl_svcnet.cli.main import main
from kubectl_svcnet.cli.ranges import to_addresses
from kubectl_svcnet.errors import UsageError

DEMO = ["--bundle", "demo"]


def stdin(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))


def test_one_address_of_the_demo(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ranges", "--ip", "10.96.0.1", *DEMO]) == 0
    assert "ClusterIP   allocated   10.96.0.0/16   service default/kube" in capsys.readouterr().out


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ranges", "--ip", "8.8.8.8", "--ip=::1", "-o", "json", *DEMO]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "Addresses"
    assert [item["state"] for item in document["items"]] == ["outside", "reserved"]


def test_plan_asks_no_node(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ranges", "--ip", "10.96.0.1", "--plan", *DEMO]) == 0
    assert "cat /proc/net/route" in capsys.readouterr().out


def test_no_address_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ranges", "--ip", "db-service", "-o", "json", *DEMO]) == 2
    said = capsys.readouterr()
    assert said.err == "error: --ip: there is no IP address in 'db-service'\n"
    assert json.loads(said.out)["kind"] == "Addresses"


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"refused: 10.96.0.1:443\n\xff fd00::1 10.96.0.1\n")
    assert to_addresses(["10.0.0.1", "-"]) == tuple(
        map(ip_address, ("10.0.0.1", "10.96.0.1", "fd00::1"))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"nothing", "the text on stdin"),
        (b" " * ((4 << 20) + 1), "4 MiB"),
        (b" ".join(b"10.0.%d.%d" % (i >> 8, i & 255) for i in range(10_001)), "at most 10000"),
    ],
)
def test_stdin_that_is_no_use(monkeypatch: pytest.MonkeyPatch, text: bytes, said: str) -> None:
    stdin(monkeypatch, text)
    with pytest.raises(UsageError, match=said):
        to_addresses(["-"])


def test_a_network_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ranges", "--with", "10.96.7.0/24,192.0.2.0/24", "--with=fd00:9::/32", *DEMO]) == 1
    out = capsys.readouterr().out
    assert "error SVN104: Given range 10.96.7.0/24 overlaps Service range 10.96.0.0/16" in out
    assert out.count("SVN104") == 1
    assert any(line.split()[:2] == ["Given", "192.0.2.0/24"] for line in out.splitlines())


@pytest.mark.parametrize("text", ["10.96.0.0", "vpn", "10.0.0.0/40"])
def test_no_network(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert main(["ranges", "--with", text, *DEMO]) == 2
    assert capsys.readouterr().err.startswith("error: --with: not an IP range")


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ranges", "--explain", *DEMO]) == 0
    assert "   $ kubectl get configmaps/kubeadm-config -n kube-system" in capsys.readouterr().out
    assert main(["ranges", "--explain", "--ip", "10.96.0.1", *DEMO]) == 2
