"""A check as SARIF 2.1.0 (OASIS), for what collects findings of many tools.

A result per finding, with its objects among the locations: logical ones, since no file is to
blame. Gaps are notifications of the run, which did not succeed if one of them blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from .. import __version__
from ..model.finding import Finding, Gap, Level
from ..model.gate import key_of
from ..model.report import CheckReport
from .escape import escape

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/kubectl-svcnet/kubectl-svcnet"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


def render(report: CheckReport) -> str:
    codes = {one.code: one for one in reversed(report.findings)}
    order = sorted(codes)
    run = {
        "tool": {"driver": _driver([codes[code] for code in order])},
        "invocations": [_invocation(report.gaps)],
        "results": [_result(one, order.index(one.code)) for one in report.findings],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _driver(rules: Iterable[Finding]) -> dict[str, Any]:
    return {
        "name": "kubectl-svcnet",
        "version": __version__,
        "informationUri": _HOME,
        "rules": [
            {
                "id": one.code,
                "shortDescription": {"text": one.title},
                "helpUri": f"{_HOME}/blob/main/{one.docs}",
            }
            for one in rules
        ],
    }


def _result(one: Finding, rule: int) -> dict[str, Any]:
    said = [one.message, *one.evidence, *([f"next: {one.next}"] if one.next else [])]
    places = dict.fromkeys((each.service, each.node) for each in (one.objects or (one,)))
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": _LEVELS[one.level],
        "message": {"text": "\n".join(map(escape, said))},
        "locations": [_location(*place) for place in places if any(place)],
        "partialFingerprints": {"object/v1": "|".join(key_of(one))},
    }


def _location(service: str, node: str) -> dict[str, Any]:
    parts = (("service", service), ("node", node))
    return {
        "logicalLocations": [
            {"fullyQualifiedName": f"{kind}/{name}", "kind": "resource"}
            for kind, name in parts
            if name
        ]
    }


def _invocation(gaps: Iterable[Gap]) -> dict[str, Any]:
    gaps = tuple(gaps)
    blind = any(gap.unanswered for gap in gaps)
    return {
        "executionSuccessful": not blind,
        "toolExecutionNotifications": [
            {
                "level": "error" if gap.unanswered else "note",
                "message": {"text": escape(f"{gap.node} {gap.what}: {gap.why}".strip())},
            }
            for gap in gaps
        ],
    }
