"""The least Roles: every right, and nothing beside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.rights import Right
from kubectl_svcnet.pipeline.permissions import run
from kubectl_svcnet.render.roles import manifests
from tests.granted import Granted


def granted(documents: list[Any]) -> Iterator[Right]:
    """What the API server makes of them."""
    for document in documents:
        for rule in document["rules"]:
            for resource in rule["resources"]:
                group = rule["apiGroups"][0]
                named = f"{resource}.{group}" if group else resource
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [""]):
                        yield Right(named, verb, document["metadata"].get("namespace", ""), name)


def test_all_rights_and_no_more() -> None:
    permissions = run(Granted(), Options()).permissions
    text = manifests(permissions)
    documents = list(yaml.safe_load_all(text))
    assert [d["kind"] for d in documents] == ["ClusterRole", "Role", "Role"]
    found = list(granted(documents))
    assert len(found) == len(set(found))
    wanted = {one.right for one in permissions if not one.extra}
    everywhere = {(r.resource, r.verb) for r in wanted if not r.namespace}
    assert set(found) == {
        r for r in wanted if not r.namespace or (r.resource, r.verb) not in everywhere
    }


def test_nothing_is_created() -> None:
    """But the sockets of exec and port-forward; the probe's right is nobody's who did not ask."""
    permissions = run(Granted(), Options()).permissions
    found = granted(list(yaml.safe_load_all(manifests(permissions))))
    assert {r.resource for r in found if r.verb == "create"} == {"pods/exec", "pods/portforward"}


def test_of_one_command() -> None:
    text = manifests(run(Granted(), Options(namespace="shop"), ("logs",)).permissions)
    assert text.startswith("# What kubectl svcnet needs for logs. Bind it with:\n")
    assert "kubectl -n shop create rolebinding svcnet --role=svcnet --user=USER" in text
    assert "portforward" not in text


def test_only_everywhere() -> None:
    options = Options(all_namespaces=True)
    text = manifests(run(Granted(), options, ("trace",)).permissions)
    assert [(d["kind"], d["metadata"].get("namespace")) for d in yaml.safe_load_all(text)] == [
        ("ClusterRole", None),
        ("Role", "kube-system"),
    ]
