from __future__ import annotations

from pathlib import Path

from kubectl_svcnet.dataplanes.kube_proxy_iptables import chain_hash
from kubectl_svcnet.pipeline.listing import listed
from kubectl_svcnet.render.style import Style
from kubectl_svcnet.render.table.steps import by_hand

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide" / "iptables-list.txt"
COMMAND = "iptables -L -t nat | grep db-service"


def test_the_guides_sample_is_shown_and_called_inconsistent() -> None:
    step = listed(GUIDE.read_text(), COMMAND)
    assert list(step.lines) == GUIDE.read_text().splitlines()
    assert step.note == (
        "KUBE-SVC-XA5OGUC7YRHOS3PU is inconsistent: it is no hash of default/db-service and tcp, "
        "which its comment names"
    )
    shown = "\n".join(by_hand([step], Style()))
    assert all(line in shown for line in step.lines)
    assert "inconsistent" in shown


def test_its_chain_is_another_services() -> None:
    assert chain_hash("payroll/mysql:tcp") == "XA5OGUC7YRHOS3PU"
    text = GUIDE.read_text().replace("default/db-service", "payroll/mysql")
    assert listed(text, COMMAND).note == ""


def test_either_spelling_of_an_unnamed_port_and_a_named_one() -> None:
    for spelling, comment in (
        ("a/b:tcp", "a/b: cluster IP"),
        ("a/btcp", "a/b cluster IP"),
        ("a/b:webtcp", "a/b:web cluster IP"),
    ):
        line = f"KUBE-SVC-{chain_hash(spelling)} tcp -- anywhere 10.96.0.9 /* {comment} */"
        assert listed(line, COMMAND).note == ""


def test_what_is_no_listing_is_shown_too() -> None:
    step = listed("iptables: Permission denied\x1b[2J\n", COMMAND)
    assert step.lines == ("iptables: Permission denied\x1b[2J",)
    assert step.note == "not rules of such a listing: 1 of its lines"
