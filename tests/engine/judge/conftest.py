"""Every code of the catalogue has a case where it speaks, and one where it is silent.

Nobody lists them: while the tests of this folder run, each call of a judge is noted with the codes
it states. A code that no call states, or that every call of its judge states, fails the session
(if all tests of the folder ran). Judges are wrapped before any test imports them.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kubectl_svcnet.engine import codes, judge
from kubectl_svcnet.model.finding import Finding

HERE = Path(__file__).parent

#: Codes that have only one of the two, and why. It may only shrink.
LACKING: dict[str, str] = {
    "SVN401": "asked only where nothing matches; silent in tests/pipeline/test_objects.py",
}

#: By judge: the codes of each of its calls.
calls: dict[str, list[frozenset[str]]] = {}
_stated: list[set[str]] = []  # of the call that a test made, while it lasts
_state = {"listening": False, "whole": True}


def noted(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(*given: Any, **named: Any) -> Any:
        if _stated or not _state["listening"]:
            return original(*given, **named)
        with noting(name):
            found = original(*given, **named)
        return one_by_one(name, found) if isinstance(found, Generator) else found

    return call


@contextmanager
def noting(name: str) -> Iterator[None]:
    _stated.append(set())
    try:
        yield
    finally:
        calls.setdefault(name, []).append(frozenset(_stated.pop()))


def one_by_one(name: str, found: Iterable[Any]) -> Iterator[Any]:
    with noting(name):
        yield from found


def made(**fields: Any) -> Finding:
    for found in _stated:
        found.add(fields["code"])
    return Finding(**fields)


def _wrap() -> None:
    for row in pkgutil.iter_modules(judge.__path__):
        module = importlib.import_module(f"{judge.__name__}.{row.name}")
        for name, found in list(vars(module).items()):
            own = callable(found) and getattr(found, "__module__", "") == module.__name__
            if own and not name.startswith("_") and not isinstance(found, type):
                setattr(module, name, noted(f"{row.name}.{name}", found))
    vars(codes)["Finding"] = made


_wrap()


@pytest.fixture(autouse=True)
def listening() -> Generator[None]:
    _state["listening"] = True
    yield
    _state["listening"] = False


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    if any(HERE in item.path.parents for item in items):
        _state["whole"] = False


def one_sided() -> dict[str, str]:
    """The codes that lack a case, and which."""
    lacking = {}
    for code in codes.CODES:
        judges = [each for each in calls.values() if any(code in stated for stated in each)]
        if not judges:
            lacking[code] = "no case where it speaks"
        elif all(code in stated for each in judges for stated in each):
            lacking[code] = "no case where it is silent"
    return lacking


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    ran = {item.path for item in session.items} & set(HERE.glob("test_*.py"))
    whole = ran == set(HERE.glob("test_*.py")) and _state["whole"]
    named = any("::" in str(word) for word in session.config.args)
    if not whole or named or session.testsfailed or session.config.option.collectonly:
        return
    found = one_sided()
    if found.keys() != LACKING.keys():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(
                f"\ncodes and the cases they lack: {found}; known: {list(LACKING)}", red=True
            )
