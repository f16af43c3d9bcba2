"""The file format: what is written comes back; what others wrote is trusted with nothing."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.cluster import bundle
from kubectl_svcnet.cluster.bundle import (
    FORMAT,
    BundleWriter,
    read_bundle,
    request_from_json,
    request_to_json,
    store,
)
from kubectl_svcnet.errors import ClusterError, ParseError
from kubectl_svcnet.model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    ProbeRequest,
    Reason,
    Request,
    ReviewRequest,
)
from kubectl_svcnet.model.commands import Command, Needs

CHAIN = Command("iptables-nft-chain", ("nat", "KUBE-SERVICES"))
EXEC = ExecRequest(
    node="n1", namespace="kube-system", pod="x", container="c", commands=(CHAIN,), shell=False
)
REQUESTS: tuple[Request, ...] = (
    ApiRequest(path="/api/v1/services", query=(("labelSelector", "a=b"),), limit=5),
    ApiRequest(path="/version", many=False),
    LogRequest(namespace="n", pod="p", container="c", previous=True, tail_lines=3),
    EXEC,
    ExecRequest(
        node="n",
        namespace="n",
        pod="p",
        container="c",
        commands=(CHAIN, CHAIN),
        in_use=frozenset({Needs.IP_SET, Needs.NF_TABLES}),
    ),
    ForwardRequest(node="n", namespace="n", pod="p", port=10249, path="/proxyMode"),
    ReviewRequest(verb="get", resource="pods", subresource="exec"),
    ProbeRequest(address="192.0.2.1"),
)
CAPTURES = (
    Capture(
        request=EXEC,
        command=CHAIN,
        started=100.5,
        seconds=0.25,
        data=b"-N KUBE-SERVICES\n\xff\x00",
        stderr=b"# Warning\n",
        exit_code=0,
        size=27,
    ),
    Capture(request=REQUESTS[1], started=101.0, objects=({"gitVersion": "v1.36.3"},)),
    Capture(
        request=REQUESTS[2],
        started=102.0,
        truncated=True,
        failure=Failure(reason=Reason.TIMEOUT, message="no answer"),
    ),
)


@pytest.mark.parametrize("request_", REQUESTS)
def test_requests_come_back(request_: Request) -> None:
    text = json.dumps(request_to_json(request_))
    assert request_from_json(json.loads(text)) == request_


def written(folder: Path) -> Path:
    path = folder / "run.tar.gz"
    writer = BundleWriter(path, context="lab")
    writer.add(CAPTURES[:1])
    writer.add(CAPTURES[1:])
    writer.finish()
    return path


def test_captures_come_back(tmp_path: Path) -> None:
    context, stored = read_bundle(written(tmp_path))
    assert context == "lab"
    assert tuple(one.capture() for one in stored) == CAPTURES
    assert [one.fetch for one in stored] == [1, 2, 2]
    assert tuple(store(capture).capture() for capture in CAPTURES) == CAPTURES


def test_it_can_be_read_by_eye(tmp_path: Path) -> None:
    with tarfile.open(written(tmp_path)) as tar:
        names = tar.getnames()
    assert names == [
        "captures/00000-n1-iptables-nft-chain.txt",
        "captures/00000-n1-iptables-nft-chain.err",
        "captures/00001-api-version.json",
        "index.json",
    ]


def test_it_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "run.tar.gz"
    path.write_text("older")
    writer = BundleWriter(path, context="")
    writer.add(CAPTURES)
    assert path.read_text() == "older"
    writer.discard()
    writer.discard()
    writer.finish()
    writer.add(CAPTURES)
    assert os.listdir(tmp_path) == ["run.tar.gz"]
    assert path.read_text() == "older"
    written(tmp_path)
    assert os.listdir(tmp_path) == ["run.tar.gz"]
    assert path.stat().st_mode & 0o077 == 0


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="cannot write"):
        BundleWriter(tmp_path / "no" / "such" / "folder", context="")
    (tmp_path / "folder").mkdir()
    writer = BundleWriter(tmp_path / "folder", context="")
    with pytest.raises(ClusterError, match="cannot write"):
        writer.finish()
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path / "run.tar.gz", context="")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._file.fileno())
    os.close(full)
    noise = Capture(request=EXEC, command=CHAIN, data=os.urandom(1 << 20), exit_code=0)
    with pytest.raises(ClusterError, match="No space left"):
        writer.add((noise,))
    writer.discard()
    assert os.listdir(tmp_path) == []


def archive(path: Path, *members: tuple[tarfile.TarInfo | str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))
    return path


def entry(**changes: Any) -> dict[str, Any]:
    request = request_to_json(REQUESTS[1])
    return {"fetch": 1, "request": request, "started": 1, "seconds": 0, **changes}


def index(*entries: Any, **changes: Any) -> bytes:
    return json.dumps({"format": FORMAT, "context": "", "captures": entries, **changes}).encode()


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("captures/x")
    info.type, info.linkname = kind, target
    return info


WRONG: dict[str, tuple[Any, ...]] = {
    "started": ("1", None, True, [], -1, float("inf"), float("nan"), 1e300, 10**400),
    "seconds": ("0", None, {}, -0.5, float("inf"), 1e300),
    "exit_code": ("0", [], float("inf"), 1 << 70),
    "size": ("0", [], float("inf"), 1 << 70),
    "fetch": ("1", None, float("inf"), 1 << 70),
    "command": ("x", [], {"name": "ipset-save"}, {"name": "ipset-save", "arguments": 1}),
    "failure": ("x", [], {"reason": []}),
    "data": (1, [], {}),
    "request": ("x", [], {"type": []}),
}
WRONG_REQUESTS: tuple[tuple[dict[str, Any], tuple[dict[str, Any], ...]], ...] = (
    (request_to_json(REQUESTS[0]), ({"path": 1}, {"path": None}, {"many": "x"})),
    (request_to_json(REQUESTS[0]), ({"limit": "5"}, {"limit": 1.5}, {"limit": True})),
    (request_to_json(REQUESTS[0]), ({"query": 1}, {"query": ["abc"]}, {"query": [1]})),
    (request_to_json(REQUESTS[2]), ({"pod": []}, {"tail_lines": {}}, {"previous": 1})),
    (request_to_json(EXEC), ({"node": {}}, {"shell": None}, {"commands": 1})),
    (request_to_json(EXEC), ({"in_use": ["x"]}, {"in_use": 1}, {"commands": ["x"]})),
    (request_to_json(REQUESTS[5]), ({"port": "1"}, {"port": None})),
)

HOSTILE: dict[str, tuple[tuple[tarfile.TarInfo | str, bytes], ...]] = {
    "empty": (),
    "no index": (("captures/x", b""),),
    "index that is no JSON": (("index.json", b"{"),),
    "index that is too deep": (("index.json", b"[" * 200_000),),
    "index that is a list": (("index.json", b"[]"),),
    "another format": (("index.json", index(format="svcnet-bundle/9")),),
    "no captures": (("index.json", b'{"format": "svcnet-bundle/1"}'),),
    "an entry that is none": (("index.json", index("x")),),
    "a request that is none": (("index.json", index(entry(request={"type": "os.system"}))),),
    "a request without its fields": (("index.json", index(entry(request={"type": "LogRequest"}))),),
    "a reason that is none": (
        ("index.json", index(entry(failure={"reason": "x", "message": ""}))),
    ),
    "a file that is missing": (("index.json", index(entry(data="captures/x"))),),
    "a time that is none": (("index.json", index(entry(started="x"))),),
    **{
        f"a wrong {name}: {value!r:.12}": (("index.json", index(entry(**{name: value}))),)
        for name, values in WRONG.items()
        for value in values
    },
    **{
        f"a request's wrong {change}": (("index.json", index(entry(request=request | change))),)
        for request, changes in WRONG_REQUESTS
        for change in changes
    },
    "an index of text": (("index.json", b'{"format": "svcnet-bundle/1", "captures": "x"}'),),
    "a way out": (("../x", b""),),
    "a way out from within": (("captures/../../x", b""),),
    "an absolute name": (("/etc/passwd", b""),),
    "a symbolic link": ((link(tarfile.SYMTYPE, "/etc/passwd"), b""),),
    "a hard link": ((link(tarfile.LNKTYPE, "/etc/passwd"), b""),),
    "a device": ((link(tarfile.CHRTYPE, ""), b""),),
    "a folder": ((link(tarfile.DIRTYPE, ""), b""),),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_bundle(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "x.tar.gz", *HOSTILE[name])
    with pytest.raises(ParseError, match=r"x\.tar\.gz: ") as caught:
        read_bundle(path)
    assert caught.value.exit_code == 3
    assert os.listdir(tmp_path) == ["x.tar.gz"]


@pytest.mark.parametrize("data", [b"", b"not gzip", gzip.compress(b"not tar" * 100)])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(data)
    with pytest.raises(ParseError, match="bundle"):
        read_bundle(path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match="No such file"):
        read_bundle(tmp_path / "none")
    with pytest.raises(ParseError, match="directory"):
        read_bundle(tmp_path)


def test_cut_anywhere(tmp_path: Path) -> None:
    source = written(tmp_path)
    whole, path = source.read_bytes(), tmp_path / "cut"
    for at in range(len(whole)):
        path.write_bytes(whole[:at])
        with pytest.raises(ParseError):
            read_bundle(path)


def test_a_checksum_that_is_wrong(tmp_path: Path) -> None:
    source = written(tmp_path)
    whole = source.read_bytes()
    source.write_bytes(whole[:-8] + bytes(b ^ 1 for b in whole[-8:-4]) + whole[-4:])
    with pytest.raises(ParseError, match="CRC check failed"):
        read_bundle(source)


def test_an_empty_list_is_one_page(tmp_path: Path) -> None:
    """It was asked for, and there is nothing."""
    path = archive(
        tmp_path / "x.tar.gz",
        ("index.json", index(entry(objects="captures/x"))),
        ("captures/x", b" [ ]"),
    )
    (stored,) = read_bundle(path)[1]
    assert [page.objects for page in stored.pages(500)] == [()]


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_MEMBER", 1 << 20)
    monkeypatch.setattr(bundle, "MAX_TOTAL", 4 << 20)
    monkeypatch.setattr(bundle, "MAX_MEMBERS", 50)
    large = archive(tmp_path / "a.tar.gz", ("captures/x", bytes(2 << 20)))
    with pytest.raises(ParseError, match="too large"):
        read_bundle(large)
    total = archive(tmp_path / "b.tar.gz", *((f"captures/{n}", bytes(1 << 20)) for n in range(8)))
    with pytest.raises(ParseError, match="too much"):
        read_bundle(total)
    many = archive(tmp_path / "c.tar.gz", *((f"captures/{n}", b"") for n in range(60)))
    with pytest.raises(ParseError, match="too many"):
        read_bundle(many)
    header = archive(tmp_path / "d.tar.gz", (pax("x" * (3 << 20)), b""))
    with pytest.raises(ParseError, match="too large"):
        read_bundle(header)


def pax(comment: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("captures/x")
    info.pax_headers = {"comment": comment}
    return info


def test_commands_of_other_versions_are_passed_over(tmp_path: Path) -> None:
    newer = entry(
        request=request_to_json(EXEC) | {"commands": []},
        command={"name": "bpftool-maps", "arguments": []},
    )
    path = archive(tmp_path / "x.tar.gz", ("index.json", index(newer, entry())))
    _, stored = read_bundle(path)
    assert [one.head.request for one in stored] == [REQUESTS[1]]


def test_objects_that_are_none(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "x.tar.gz",
        ("index.json", index(entry(objects="captures/x"))),
        ("captures/x", b'["x"]'),
    )
    (stored,) = read_bundle(path)[1]
    with pytest.raises(ValueError, match="no list"):
        stored.capture()


@pytest.mark.parametrize(
    "kind", [ApiRequest, LogRequest, ExecRequest, ForwardRequest, ReviewRequest]
)
def test_no_field_of_a_request_is_read_unchecked(kind: type[Any]) -> None:
    read = {"query", "commands", "in_use"}
    assert {f.name for f in fields(kind) if str(f.type) not in bundle._SCALARS} <= read
