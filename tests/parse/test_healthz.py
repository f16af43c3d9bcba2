from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.errors import ParseError
from kubectl_svcnet.parse.healthz import Healthz, parse_healthz

HTTP = Path(__file__).parents[1] / "fixtures/kube-proxy-http"


def test_real_answers() -> None:
    for version, healthy in (("v1.36.3", True), ("v1.33.13", True), ("v1.24.17", None)):
        found = parse_healthz((HTTP / f"{version}-healthz.json").read_text())
        assert (found.healthy, found.eligible) == (healthy, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", Healthz()),
        ('{"healthy":false,"nodeEligible":false}', Healthz(healthy=False, eligible=False)),
        ('{"healthy":"no","status":3}', Healthz()),
    ],
)
def test_fields(text: str, expected: Healthz) -> None:
    assert parse_healthz(text) == expected


@pytest.mark.parametrize("text", ["", "ok", "[]", "3", '{"a":', "[" * 100_000])
def test_what_it_is_not(text: str) -> None:
    with pytest.raises(ParseError):
        parse_healthz(text)
