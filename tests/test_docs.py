"""Pages that are made from tables in the code: `pytest --update tests/test_docs.py` writes them."""

from __future__ import annotations

from pathlib import Path

from kubectl_svcnet.engine.codes import CODES

DOCS = Path(__file__).resolve().parent.parent / "docs"

FAMILIES = {
    "1": "Ranges",
    "2": "Programmed against expected",
    "3": "Proxy, mode, sync",
    "4": "API objects",
    "5": "The path around Services",
}


def findings_page() -> str:
    parts = [
        "# Findings",
        "",
        "What `kubectl svcnet` states, by code. A number is never reused. This page is made from",
        "`kubectl_svcnet/engine/codes.py`: `pytest --update tests/test_docs.py`.",
    ]
    family = ""
    for number, row in CODES.items():
        if number[3] != family:
            family = number[3]
            parts += ["", f"## SVN{family}xx {FAMILIES[family]}"]
        parts += ["", f'<a id="{number.lower()}"></a>', f"### {number} {row.title}", ""]
        parts += [f"Level: {row.level.value}.", "", row.cause, "", f"**What to do.** {row.action}"]
    return "\n".join(parts) + "\n"


def test_findings(update: bool) -> None:
    page = DOCS / "findings.md"
    if update:
        page.write_text(findings_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == findings_page()


def test_findings_lead_to_their_place() -> None:
    from kubectl_svcnet.engine.codes import finding

    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    for number in CODES:
        file, _, anchor = finding(number, "m").docs.partition("#")
        assert file == "docs/findings.md"
        assert f'<a id="{anchor}"></a>' in page
