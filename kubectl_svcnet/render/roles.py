"""`permissions --role`: the least ClusterRole and Roles, as YAML for kubectl apply.

Written by hand: comments are half of it, and one rule a line reads well. Bindings are left to
whoever grants the rights, as commands to type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..model.report import Permission
from ..model.rights import Right
from .escape import escape

NAME = "svcnet"


def manifests(permissions: Iterable[Permission]) -> str:
    """Whatever is allowed already: it is what whoever runs the commands needs."""
    wanted = [one for one in permissions if not one.extra]
    everywhere = {(o.right.resource, o.right.verb) for o in wanted if not o.right.namespace}
    by_namespace: dict[str, list[Right]] = {}
    for one in wanted:
        right = one.right
        if not right.namespace or (right.resource, right.verb) not in everywhere:
            by_namespace.setdefault(right.namespace, []).append(right)
    commands = dict.fromkeys(c.partition(" ")[0] for one in wanted for c in one.needed_for)
    lines = [f"# What kubectl svcnet needs for {escape(', '.join(commands))}. Bind it with:"]
    lines += [f"#   {escape(_binding(namespace))}" for namespace in sorted(by_namespace)]
    if any(one.right.resource == "pods/exec" for one in wanted):
        lines.append("# pods/exec on kube-proxy or a network plugin is root on the node.")
    for namespace in sorted(by_namespace):
        lines += ["---", *_role(namespace, by_namespace[namespace])]
    return "".join(f"{line}\n" for line in lines)


def _binding(namespace: str) -> str:
    if not namespace:
        return f"kubectl create clusterrolebinding {NAME} --clusterrole={NAME} --user=USER"
    return f"kubectl -n {namespace} create rolebinding {NAME} --role={NAME} --user=USER"


def _role(namespace: str, rights: Iterable[Right]) -> Iterable[str]:
    yield "apiVersion: rbac.authorization.k8s.io/v1"
    yield f"kind: {'Role' if namespace else 'ClusterRole'}"
    where = f", namespace: {_yaml(namespace)}" if namespace else ""
    yield f"metadata: {{name: {NAME}{where}}}"
    yield "rules:"
    for (group, names, verbs), resources in _rules(rights).items():
        words = [f"apiGroups: {_yaml([group])}", f"resources: {_yaml(resources)}"]
        words += [f"resourceNames: {_yaml(names)}"] if names else []
        yield f"- {{{', '.join([*words, f'verbs: {_yaml(verbs)}'])}}}"


def _yaml(value: object) -> str:
    """JSON on one line, which is YAML too; what JSON leaves raw has the same escape in YAML."""
    return escape(json.dumps(value))


def _rules(
    rights: Iterable[Right],
) -> dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]]:
    """Resources with the same verbs, by API group, object names and verbs."""
    verbs: dict[tuple[str, str, str], dict[str, None]] = {}
    for right in rights:
        resource, subresource, group = right.parts
        path = f"{resource}/{subresource}" if subresource else resource
        verbs.setdefault((group, path, right.name), {})[right.verb] = None
    names: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, path, name), found in verbs.items():
        names.setdefault((group, path, tuple(found)), []).append(name)
    rules: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, path, found_verbs), objects in names.items():
        limited = () if "" in objects else tuple(sorted(objects))
        rules.setdefault((group, limited, found_verbs), []).append(path)
    return rules
