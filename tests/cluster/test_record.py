"""What passes a recording source is unchanged; what it saved answers the same questions again."""

from __future__ import annotations

import os
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from kubectl_svcnet.cluster import replay
from kubectl_svcnet.cluster.record import RecordingSource
from kubectl_svcnet.cluster.replay import ReplaySource
from kubectl_svcnet.model.capture import ApiRequest, Capture, ExecRequest, Reason
from kubectl_svcnet.model.commands import Command

CHAIN = Command("iptables-nft-chain", ("nat", "KUBE-SERVICES"))
STATUS = Command("cat", ("/proc/1/status",))
EXEC = ExecRequest(node="n1", namespace="k", pod="p", container="c", commands=(CHAIN, STATUS))
LISTED = ApiRequest(path="/api/v1/services")
SECRETS = ApiRequest(path="/api/v1/secrets")
SERVICE = {"metadata": {"name": "db", "annotations": {"note": "hunter2"}}}

ANSWERS = (
    Capture(request=EXEC, command=CHAIN, started=10.0, seconds=1.0, data=b"one", exit_code=0),
    Capture(request=EXEC, command=STATUS, started=11.0, seconds=1.0, data=b"two", exit_code=0),
    Capture(request=EXEC, command=CHAIN, started=20.0, seconds=1.0, data=b"three", exit_code=0),
    Capture(request=EXEC, command=STATUS, started=21.0, seconds=1.0, data=b"four", exit_code=0),
    Capture(request=LISTED, started=5.0, objects=(SERVICE,)),
    Capture(request=SECRETS, started=5.0, objects=({"data": {"x": "hunter2"}},)),
)


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "run.tar.gz"
    inner = ReplaySource.of(ANSWERS, context="lab")
    source = RecordingSource(inner, path)
    passed = [source.fetch(request) for request in (EXEC, EXEC, LISTED, SECRETS)]
    assert [c.data for captures in passed[:2] for c in captures] == [
        b"one",
        b"two",
        b"three",
        b"four",
    ]
    assert passed[2][0].objects == (SERVICE,)
    assert passed[3][0].objects[0] == {"data": {"x": "hunter2"}}
    assert (source.context, source.now()) == ("lab", inner.now())
    source.wait(1)
    assert source.saved == 5
    source.finish()

    replay = ReplaySource(path)
    assert replay.context == "lab"
    assert replay.now() == 5.0
    again = [replay.fetch(EXEC) for _ in range(2)]
    assert [[c.data for c in captures] for captures in again] == [
        [b"one", b"two"],
        [b"three", b"four"],
    ]
    assert replay.now() == 22.0
    assert replay.fetch(LISTED)[0].objects == ({"metadata": {"name": "db", "annotations": {}}},)
    (secrets,) = replay.fetch(SECRETS)
    assert secrets.failure is not None
    assert secrets.failure.reason is Reason.NOT_RECORDED


def test_no_secret_is_anywhere_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.tar.gz"
    source = RecordingSource(ReplaySource.of(ANSWERS), path)
    for request in (LISTED, SECRETS):
        source.fetch(request)
    source.finish()
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            assert b"hunter2" not in content.read()


def test_what_a_bundle_did_not_have_is_not_recorded_again(tmp_path: Path) -> None:
    path = tmp_path / "run.tar.gz"
    source = RecordingSource(ReplaySource.of([]), path)
    source.fetch(EXEC)
    source.finish()
    assert ReplaySource(path).readings(EXEC) == 0


def test_discarded(tmp_path: Path) -> None:
    source = RecordingSource(ReplaySource.of(ANSWERS), tmp_path / "run.tar.gz")
    source.fetch(EXEC)
    source.discard()
    assert os.listdir(tmp_path) == []


def test_a_list_that_passes_in_parts_is_saved_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_PAGE", 2)
    path = tmp_path / "run.tar.gz"
    services = tuple({"metadata": {"name": name}} for name in "abc")
    source = RecordingSource(ReplaySource.of([Capture(request=LISTED, objects=services)]), path)
    assert [len(part.objects) for part in source.pages(LISTED)] == [2, 1]
    source.finish()
    (capture,) = ReplaySource(path).fetch(LISTED)
    assert capture.objects == services
    assert not capture.truncated


def test_of_a_list_that_was_not_read_to_its_end_the_beginning_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_PAGE", 2)
    path = tmp_path / "run.tar.gz"
    services = tuple({"metadata": {"name": name}} for name in "abc")
    source = RecordingSource(ReplaySource.of([Capture(request=LISTED, objects=services)]), path)
    with closing(source.pages(LISTED)) as pages:
        next(pages)
    source.finish()
    (capture,) = ReplaySource(path).fetch(LISTED)
    assert capture.objects == services[:2]
    assert capture.truncated
