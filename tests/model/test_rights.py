"""The table of rights: whole, and what a request needs of it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_svcnet import ranges
from kubectl_svcnet.cli.main import COMMANDS
from kubectl_svcnet.model.capture import (
    ApiRequest,
    ExecRequest,
    ForwardRequest,
    LogRequest,
    ProbeRequest,
    Request,
    ReviewRequest,
)
from kubectl_svcnet.model.rights import NEEDS, Right, checked, rights_of

EXEC = ExecRequest(node="n1", namespace="kube-system", pod="p", container="c", commands=())
LOG = LogRequest(namespace="kube-system", pod="p", container="c")
FORWARD = ForwardRequest(node="n1", namespace="kube-system", pod="p", port=10249, path="/proxyMode")
LIST = ApiRequest(path="/api/v1/nodes")
SLICES = ApiRequest(path="/apis/discovery.k8s.io/v1/namespaces/pay/endpointslices")
OBJECT = ApiRequest(path="/api/v1/namespaces/kube-system/configmaps/kube-proxy", many=False)


def door(name: str) -> list[str]:
    return [f"{verb} pods --subresource={name} -n kube-system" for verb in ("get", "create")]


@pytest.mark.parametrize(
    ("request_", "asks"),
    [
        (EXEC, door("exec")),
        (LOG, ["get pods --subresource=log -n kube-system"]),
        (FORWARD, door("portforward")),
        (LIST, ["list nodes"]),
        (SLICES, ["list endpointslices.discovery.k8s.io -n pay"]),
        (OBJECT, ["get configmaps/kube-proxy -n kube-system"]),
        (ApiRequest(path="/api/v1/pods"), ["list pods -A"]),
        (
            ApiRequest(path="/apis/networking.k8s.io/v1/ipaddresses/10.96.0.12", many=False),
            ["get ipaddresses.networking.k8s.io/10.96.0.12"],
        ),
        (
            ApiRequest(path="/apis/networking.k8s.io/v1/servicecidrs"),
            ["list servicecidrs.networking.k8s.io"],
        ),
        (ApiRequest(path="/version", many=False), []),
        (ApiRequest(path="/apis", many=False), []),
        (ProbeRequest(address="0.0.0.0"), ["create services -n default"]),
        (ReviewRequest(verb="get", resource="secrets"), []),
    ],
)
def test_what_a_request_needs(request_: Request, asks: list[str]) -> None:
    assert [r.can_i().removeprefix("kubectl auth can-i ") for r in rights_of(request_)] == asks
    checked(request_)


def test_what_is_followed_is_watched() -> None:
    assert rights_of(SLICES, follow=True) == (
        Right("endpointslices.discovery.k8s.io", "watch", "pay"),
    )
    assert rights_of(LOG, follow=True) == rights_of(LOG)
    with pytest.raises(ValueError, match="watch nodes"):
        checked(LIST, follow=True)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/secrets",
        "/api/v1/namespaces/kube-system/secrets/token",
        "/api/v1/configmaps",
        "/apis/apps/v1/deployments",
        "/api/v1/namespaces/kube-system/pods/p/attach",
    ],
)
def test_what_no_command_needs_is_not_asked(path: str) -> None:
    with pytest.raises(ValueError, match="no command needs"):
        checked(ApiRequest(path=path, many=True))


def test_rows_speak_of_commands_that_exist() -> None:
    named = {command.partition(" ")[0] for need in NEEDS for command in need.commands}
    assert named <= set(COMMANDS)
    assert all(need.shows and need.verbs for need in NEEDS)


def test_only_one_row_creates_anything() -> None:
    """The others are doors to a pod, of which only the verb has that name."""
    creating = [need for need in NEEDS if "create" in need.verbs and "/" not in need.resource]
    assert [(need.resource, need.extra) for need in creating] == [("services", True)]
    verbs = {verb for need in NEEDS for verb in need.verbs}
    assert verbs == {"get", "list", "watch", "create"}


def paths(value: Any, depth: int = 4) -> Iterator[str]:
    """API paths in a module's constants and in the instances of its sources."""
    if isinstance(value, str):
        if value.startswith(("/apis/", "/api/")):
            yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from paths(part, depth)
    elif depth and type(value).__module__.startswith(ranges.__name__):
        names = [*getattr(type(value), "__slots__", ()), *getattr(value, "__dict__", {})]
        for name in names:
            yield from paths(getattr(value, name, None), depth - 1)


def test_every_object_that_a_range_is_read_from_has_its_row() -> None:
    """A range source that is new would be refused by `cluster` without it."""
    found = set()
    for row in pkgutil.iter_modules(ranges.__path__):
        module = importlib.import_module(f"{ranges.__name__}.{row.name}")
        for value in vars(module).values():
            found |= set(paths(value))
    assert len(found) > 20
    for path in found:
        checked(ApiRequest(path=path, many=path.count("/") < 5))
    products = {need.resource for need in NEEDS if need.product}
    listed = {right.resource for path in found for right in rights_of(ApiRequest(path=path))}
    assert products <= listed
