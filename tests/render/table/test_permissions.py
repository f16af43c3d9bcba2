"""`permissions` as a table: what is folded, and how it fits."""

from __future__ import annotations

from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.permissions import run
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.permissions import render
from tests.granted import Granted


def table(*refused: str, style: Style | None = None) -> str:
    return render(run(Granted(*refused), Options()), style or Style())


def test_verbs_with_the_same_answer_are_one_row() -> None:
    assert "\nget,create  pods/exec   " in table()
    text = table("create pods/exec")
    assert "\nget         pods/exec                  kube-system  yes" in text
    assert "\ncreate      pods/exec                  kube-system  no" in text


def test_what_is_missing_stands_once_with_what_to_do() -> None:
    assert "missing" not in table()
    text = table("get pods/exec", "create pods/exec")
    assert text.count("missing ") == 1
    assert "missing get,create pods/exec in kube-system: " in text
    assert text.count("  next      kubectl svcnet permissions --role\n") == 1


def test_exec_is_root() -> None:
    assert "is root on the node" in table()


def test_wide_and_without_headers() -> None:
    text = table(style=Style(wide=True, headers=False))
    assert "VERBS" not in text
    assert "endpointslices.discovery.k8s.io" in text
    assert "trace, check, diff, logs, packet, proxy, ranges, snapshot" in text
    assert " +" in table()
