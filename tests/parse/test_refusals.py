"""What is left of a refusal is the same for each object that it was about."""

from __future__ import annotations

import pytest

from kubectl_svcnet.parse.refusals import parse_refusal

RIGHT = (
    'User "viewer" cannot get resource "pods/exec" in API group "" in the namespace "kube-system"'
)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (f'exec in kube-system/p c: pods "p" is forbidden: {RIGHT}', f"forbidden: {RIGHT}"),
        (f'log of a/q: pods "q" is forbidden: {RIGHT} (needs x)', f"forbidden: {RIGHT} (needs x)"),
        ("exec in a/p: no answer within 10s", "exec in a/p: no answer within 10s"),
        ("forbidden by an admission plugin", "forbidden by an admission plugin"),
        ("", ""),
    ],
)
def test_refusals(message: str, said: str) -> None:
    assert parse_refusal(message) == said
    assert parse_refusal(said) == said
