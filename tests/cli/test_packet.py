"""`packet` as it is typed: files, stdin, flags that contradict each other, exit status."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kubectl_svcnet.cli.main import main
from kubectl_svcnet.cli.packet import to_packet, untangled
from kubectl_svcnet.errors import UsageError
from kubectl_svcnet.model.options import PacketOptions
from tests.saved import HEALTHY

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schema.json").read_text(encoding="utf-8"))
IPTABLES = ROOT / "tests" / "fixtures" / "iptables"
UFW = str(IPTABLES / "kube-proxy--ufw" / "iptables-save.txt")
UFW6 = str(IPTABLES / "kube-proxy--ufw" / "ip6tables-save.txt")
BUNDLE = ["--bundle", str(HEALTHY)]
DNS = ["tcp", "10.244.1.9", "10.96.0.10:53"]
RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 10.244.1.2:53
-A PREROUTING -d 10.96.0.11/32 -m nonsense --at all -j DNAT --to-destination 10.244.1.2:53
COMMIT
"""
PACKET = {
    "hook": "prerouting",
    "in": "cni0",
    "proto": "tcp",
    "src": "10.244.1.9",
    "dst": "10.96.0.10",
    "dport": 53,
}


@pytest.fixture
def rules(tmp_path: Path) -> str:
    file = tmp_path / "rules"
    file.write_text(RULES)
    return str(file)


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    jsonschema.validate(made, SCHEMA)
    assert made["kind"] == "Packets"
    return made


def test_on_a_node_of_a_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packet", "tcp", "default/client-n1", "10.96.78.5:3306", *BUNDLE]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("n1: 10.244.1.3 (default/client-n1), in by cni0 -> 10.96.78.5:3306/TCP")
    assert "=> 33.3%  arrives at 10.244.1.2:3306" in out
    assert err.startswith("read 1 of 1 node in ")


def test_saved_rules_need_no_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packet", *DNS, "--rules", UFW, "--kubeconfig", "/nonexistent"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("saved rules: 10.244.1.9, in by some interface -> 10.96.0.10:53/TCP")
    assert "note: rules: not given, so taken as none: iptables-legacy of IPv4" in out
    assert err == ""


def test_the_words_may_follow_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["packet", "-o", "name", "--rules", UFW, UFW6, *DNS]
    assert main(argv) == 0
    assert capsys.readouterr().out == "10.244.1.2:53\n10.244.2.2:53\n"


def test_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(RULES.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert main(["packet", *DNS, "--rules", "-", "-o", "name"]) == 0
    assert capsys.readouterr().out == "10.244.1.2:53\n"


@pytest.mark.parametrize(
    "flags",
    [
        ["--rules", "-", "-"],
        ["--rules", "legacy=-", "--packets", "-"],
        ["--rules", UFW, "--sysctl", "-", "--routes", "-"],
    ],
)
def test_stdin_is_read_once(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packet", *(() if "--packets" in flags else DNS), *flags]) == 2
    assert "stdin can be read only once" in capsys.readouterr().err


def test_native_rules_beside_a_dump(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    native = ROOT / "tests/fixtures/nftables/kube-proxy-1.36.3/nft-ruleset.txt"
    words = ["tcp", "10.244.1.9", "10.96.12.7:3306"]
    assert main(["packet", *words, "--rules", str(native), "--rules", rules, "-o", "json"]) == 0
    fates = document(capsys)["items"][0]["fates"]
    assert {fate["endpoint"] for fate in fates} == {
        "10.244.1.2:3306",
        "10.244.2.2:3306",
        "10.244.2.3:3306",
    }
    assert "ip kube-proxy/services:2" in fates[0]["rules"]


def test_a_backend_may_be_named(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["packet", *DNS, "--rules", f"legacy={rules}", "-o", "json"]) == 0
    (fate,) = document(capsys)["items"][0]["fates"]
    assert fate["rules"][0] == "legacy:nat/PREROUTING:1"
    assert set(fate) == {"fate", "endpoint", "probability", "masquerade", "rules"}


@pytest.mark.parametrize(("port", "fate"), [(53, "endpoint"), (54, "pass")])
def test_sets(port: int, fate: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    to = "-j DNAT --to-destination 10.244.1.2:53"
    rules, sets = tmp_path / "rules", tmp_path / "sets"
    rule = f"-A PREROUTING -p tcp -m set --match-set A dst,dst {to}"
    rules.write_text(f"*nat\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n")
    sets.write_text("create A hash:ip,port family inet\nadd A 10.96.0.10,tcp:53\n")
    argv = ["packet", "tcp", "10.244.1.9", f"10.96.0.10:{port}", "--rules", str(rules)]
    assert main([*argv, "-o", "json"]) == 4
    (unread,) = document(capsys)["items"][0]["fates"]
    assert unread["unread"] == ["ipset/A"]
    assert main([*argv, "--ipset", str(sets), "-o", "json"]) == 0
    (found,) = document(capsys)["items"][0]["fates"]
    assert found["fate"] == fate


def bulk(folder: Path, *packets: object) -> str:
    file = folder / "packets.jsonl"
    file.write_text("".join(json.dumps(packet) + "\n" for packet in packets))
    return str(file)


def test_bulk(rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packets = [PACKET | {"id": "b"}, PACKET | {"id": 1, "dport": 54}, PACKET | {"new": True}]
    argv = ["packet", "--rules", rules, "--packets", bulk(tmp_path, *packets), "-o", "json"]
    assert main(argv) == 0
    items = document(capsys)["items"]
    assert [item["id"] for item in items] == ["b", 1, 3]
    assert [[f["fate"] for f in item["fates"]] for item in items] == [
        ["endpoint"],
        ["pass"],
        ["endpoint"],
    ]


def test_a_protocol_that_is_not_followed_is_one_unknown_fate(
    rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packets = bulk(tmp_path, PACKET | {"proto": "icmp"}, PACKET)
    assert main(["packet", "--rules", rules, "--packets", packets, "-o", "json"]) == 4
    odd, plain = document(capsys)["items"]
    assert [(f["fate"], f["because"]) for f in odd["fates"]] == [
        ("unknown", "no packet of protocol icmp is followed")
    ]
    assert [f["fate"] for f in plain["fates"]] == ["endpoint"]


@pytest.mark.parametrize("many", [False, True])
def test_unknown_ends_with_4(
    many: bool, rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tcp", "10.244.1.9", "10.96.0.11:53"]
    if many:
        words = ["--packets", bulk(tmp_path, PACKET, PACKET | {"dst": "10.96.0.11"})]
    assert main(["packet", *words, "--rules", rules]) == 4
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["tcp"], ["xyz", *DNS[1:]], ["tcp", "10.0.0.1", "10.0.0.2"]])
def test_wrong_words_are_wrong_without_a_cluster(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert main(["packet", *words]) == 2


@pytest.mark.parametrize(
    ("argv", "status", "sentence"),
    [
        (["packet", *DNS, "--rules", "/nonexistent"], 3, "/nonexistent: No such file"),
        (["packet", *DNS, "--rules", "/"], 3, "/: Is a directory"),
        (["packet", *DNS, "--rules", os.devnull], 3, "/dev/null: no rules in it; the command"),
        (["packet", *DNS, "--rules", __file__], 3, "test_packet.py:1: not a listing of rules"),
        (["packet", *DNS, "--rules", UFW, "--routes", UFW], 3, "txt:1: not the JSON that ip"),
        (["packet", *DNS, "--rules", UFW, UFW], 2, "is given twice"),
        (["packet", "--rules", UFW, "--packets", UFW], 3, "txt:1: not a packet (no JSON)"),
        (["packet", *DNS, "--rules", UFW, "--packets", UFW], 2, "either a file or one packet"),
        (["packet", "--rules", UFW, "--packets", UFW, "--mark", "1"], 2, "--mark each of"),
        (["packet", "tcp", "--rules", UFW], 2, "three words"),
        (["packet", "tcp", "a/b", "10.96.0.10:53", "--rules", UFW], 2, "give the pod's address"),
        (["packet", *DNS, "--rules", UFW, "--node", "n1"], 2, "--node is about a cluster"),
        (["packet", *DNS, "--rules", UFW, "--plan"], 2, "--plan is about a cluster"),
        (["packet", *DNS, "--routes", UFW, *BUNDLE], 2, "--routes belongs to saved rules"),
        (["packet", *DNS, "--sport", "x", *BUNDLE], 2, '"x" for "--sport" flag: write a number'),
        (["packet", "tcp", "9.9.9.9", "10.96.0.10:53", *BUNDLE], 2, "--node NAME"),
        (["packet", *DNS, "--node", "n9", *BUNDLE], 2, 'nodes "n9" not found'),
        (["packet", "--packets", __file__, *BUNDLE], 2, "on one node: --node"),
    ],
)
def test_what_cannot_be_answered(
    argv: list[str], status: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*argv, "-o", "json"]) == status
    out, err = capsys.readouterr()
    assert re.search(re.escape(sentence), err), err
    made = json.loads(out)
    jsonschema.validate(made, SCHEMA)
    assert made["kind"] == "Packets"


@pytest.mark.parametrize(
    ("words", "rules", "found"),
    [
        ((), ("a",), ((), ("a",))),
        ((), ("a", *DNS), (tuple(DNS), ("a",))),
        ((), ("a", "b", *DNS), (tuple(DNS), ("a", "b"))),
        ((), ("a", "b", "c", "d"), ((), ("a", "b", "c", "d"))),
        (tuple(DNS), ("a", *DNS), (tuple(DNS), ("a", *DNS))),
        ((), tuple(DNS), ((), tuple(DNS))),  # no file would be left
    ],
)
def test_untangled(words: tuple[str, ...], rules: tuple[str, ...], found: object) -> None:
    assert untangled(words, rules) == found


def test_flags() -> None:
    flags = {"hook": "output", "in_interface": "eth0", "sport": "4", "mark": "0x4000"}
    assert to_packet(flags, ("tcp",)) == PacketOptions(
        words=("tcp",), hook="output", in_interface="eth0", source_port=4, mark=0x4000
    )
    assert to_packet({}, ()) == PacketOptions()
    with pytest.raises(UsageError, match='"-1" for "--mark" flag: write a number from 0'):
        to_packet({"mark": "-1"}, ())
