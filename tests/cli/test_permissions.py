"""`permissions`: which flags go together, and how it ends."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from kubectl_svcnet.cli import session
from kubectl_svcnet.cli.main import main
from kubectl_svcnet.cli.permissions import permissions
from kubectl_svcnet.cli.status import status_of
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.permissions import run
from tests.granted import Granted


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--bundle", "demo"], "cannot be used with --bundle"),
        (["--plan"], "cannot be used with --plan"),
        (["--role", "-o", "json"], "cannot be used with -o"),
        (["--kubeconfig", "/nonexistent", "bogus"], "'bogus' is no command that needs rights"),
    ],
)
def test_what_does_not_go_together(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["permissions", *words]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(("role", "output"), [(True, "role"), (False, None)])
def test_a_role_is_a_format(
    role: bool, output: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def run(given: argparse.Namespace, load: Callable[[], session.Work]) -> int:
        seen.append(vars(given).get("output"))
        assert load()(Granted(), Options()).gaps == ()
        return 0

    monkeypatch.setattr(session, "run", run)
    assert permissions(argparse.Namespace(**({"role": True} if role else {}))) == 0
    assert seen == [output]


@pytest.mark.parametrize(
    ("refused", "commands", "fail_on", "status"),
    [
        ((), (), "error", 0),
        (("get pods/exec",), (), "error", 1),
        (("get pods/exec",), (), "never", 0),
        (("get pods/portforward",), (), "error", 0),  # trace does not need it
        (("get pods/portforward",), ("proxy",), "error", 1),
        (("create services",), ("ranges",), "error", 0),
    ],
)
def test_how_it_ends(
    refused: tuple[str, ...], commands: tuple[str, ...], fail_on: str, status: int
) -> None:
    report = run(Granted(*refused), Options(), commands)
    assert status_of(report, fail_on=fail_on) == status
