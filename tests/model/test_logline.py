from __future__ import annotations

import pytest

from kubectl_svcnet.model.logline import About, AboutKind, Subject
from kubectl_svcnet.model.service import ServiceName
from tests.samples import DB, endpoint


@pytest.mark.parametrize(
    ("about", "text"),
    [
        (About(AboutKind.SERVICE, "shop/web"), "service shop/web"),
        (About(AboutKind.NODE_PORT, "30080"), "node port 30080"),
        (About(AboutKind.SYNC), "sync"),
    ],
)
def test_what_a_line_is_about_in_words(about: About, text: str) -> None:
    assert str(about) == text


def test_the_pods_behind_a_service_are_those_of_its_namespace() -> None:
    found = {DB: (endpoint("10.0.0.1:80", pod="db-0"), endpoint("10.0.0.2:80"))}
    other = {ServiceName("shop", "db"): (endpoint("10.0.0.3:80", pod="db-0"),)}
    assert Subject(endpoints={**found, **other}).pods == {"default/db-0", "shop/db-0"}
