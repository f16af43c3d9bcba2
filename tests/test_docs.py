"""Pages that are made from tables in the code: `pytest --update tests/test_docs.py` writes them."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from kubectl_svcnet import ranges
from kubectl_svcnet.engine.codes import CODES
from kubectl_svcnet.model.iprange import RangeKind
from kubectl_svcnet.model.rights import NEEDS, UPGRADE, Need

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
        "`kubectl_svcnet/engine/codes.py`: `pytest --update tests/test_docs.py`. A finding itself",
        "names the command for its own object; here capitals stand for what differs.",
    ]
    family = ""
    for number, row in CODES.items():
        if number[3] != family:
            family = number[3]
            parts += ["", f"## SVN{family}xx {FAMILIES[family]}"]
        parts += ["", f'<a id="{number.lower()}"></a>', f"### {number} {row.title}", ""]
        parts += [f"Level: {row.level.value}.", "", row.cause, "", f"**What to do.** {row.action}"]
        parts += ["", f"**To look further.** `{row.command}`"]
    return "\n".join(parts) + "\n"


def test_findings(update: bool) -> None:
    page = DOCS / "findings.md"
    if update:
        page.write_text(findings_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == findings_page()


def ranges_page() -> str:
    """One row per file of `ranges/`: the first line at its head says what the place is."""
    found = []
    for row in pkgutil.iter_modules(ranges.__path__):
        if not row.name.startswith("_"):
            module = importlib.import_module(f"{ranges.__name__}.{row.name}")
            found.append((module.SOURCE, (module.__doc__ or "").splitlines()[0]))
    found.sort(key=lambda item: (item[0].trust, item[0].name.lower()))
    parts = [
        "# Where ranges are read",
        "",
        "Every place where `kubectl svcnet ranges` looks: first who hands the addresses out, then",
        "what stands further and further from that. Custom resources are listed only where pods",
        "of their product run. The page is made from the heads of `kubectl_svcnet/ranges/*.py`:",
        "`pytest --update tests/test_docs.py`.",
        "",
        "| place | tells of | what it is |",
        "|---|---|---|",
    ]
    for source, what in found:
        kinds = ", ".join(kind.value for kind in RangeKind if kind in source.kinds)
        parts.append(f"| {source.name} | {kinds or '-'} | {what} |")
    return "\n".join(parts) + "\n"


def test_ranges(update: bool) -> None:
    page = DOCS / "ranges.md"
    if update:
        page.write_text(ranges_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == ranges_page()
    assert ranges_page().count("\n| ") == len(ranges.SOURCES) + 1


RBAC = """\
# Rights

What each command asks of the API server; there is nothing else that it can ask. The page is made
from `kubectl_svcnet/model/rights.py`: `pytest --update tests/test_docs.py`.

`kubectl svcnet permissions` shows which of these rights you have, asked by SelfSubjectAccessReview
as whoever you impersonate; `--role` prints the least ClusterRole and Roles for the cluster at hand,
of all commands or of those named: `kubectl svcnet permissions --role trace`. What is missing is
shown as not read, with the right that is missing, never as empty.

**`pods/exec` on kube-proxy or a network plugin is root on the node**, with this tool or without:
those pods are privileged. The tool runs there only what `kubectl_svcnet/model/commands.py` lists.
"""


def rbac_row(need: Need) -> str:
    verbs = ", ".join(need.verbs) + (
        f" (from {need.since[0]}.{need.since[1]})" if need.since[0] else ""
    )
    names = f": {', '.join(need.names)} and those that pods mount" if need.product == "" else ""
    resource = f"`{need.resource}`" + (names if need.names else "")
    shows = need.shows + (f" ({need.product})" if need.product else "")
    commands = ", ".join(f"`{command}`" for command in need.commands)
    return f"| {verbs} | {resource} | {need.where.value} | {commands} | {shows} |"


def rbac_page() -> str:
    head = ["", "| verbs | resource | where | for | shows |", "|---|---|---|---|---|"]
    return RBAC + "\n".join([*head, *map(rbac_row, NEEDS)]) + "\n"


def test_rights(update: bool) -> None:
    page = DOCS / "rbac.md"
    if update:
        page.write_text(rbac_page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == rbac_page()
    assert f"create (from {UPGRADE[0]}.{UPGRADE[1]}) | `pods/exec`" in rbac_page()


def test_findings_lead_to_their_place() -> None:
    from kubectl_svcnet.engine.codes import finding

    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    for number in CODES:
        file, _, anchor = finding(number, "m").docs.partition("#")
        assert file == "docs/findings.md"
        assert f'<a id="{anchor}"></a>' in page
