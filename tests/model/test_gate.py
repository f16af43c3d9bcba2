from __future__ import annotations

from dataclasses import replace

from kubectl_svcnet.model.finding import Finding, Level
from kubectl_svcnet.model.gate import key_of


def made(message: str = "m", service: str = "", node: str = "") -> Finding:
    about = Finding(code="SVN202", level=Level.ERROR, title="t", message=message)
    return replace(about, service=service, node=node)


def test_an_object_is_known_by_its_name_and_not_by_the_words_about_it() -> None:
    assert key_of(made(node="n1")) == key_of(made(node="n1", message="other"))
    assert key_of(made(service="a/b")) == key_of(made(service="a/b", message="other"))
    assert key_of(made(service="a/b")) != key_of(made(service="a/b", node="n1"))


def test_what_is_about_no_object_is_known_by_its_words() -> None:
    assert key_of(made()) != key_of(made(message="other"))
