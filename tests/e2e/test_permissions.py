"""Rights, with real RBAC: what `permissions` says is what the API server does, the least Role is
enough and no more, and what is forbidden is a gap that names the right, once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.tool import ONLY, Answer, Svcnet
from tests.lab import kube
from tests.lab.client import Lab
from tests.lab.shell import wait_until

pytestmark = pytest.mark.e2e

GROUP = "rbac.authorization.k8s.io"
LOOK = {"apiGroups": [""], "resources": ["services", "nodes", "pods"], "verbs": ["get", "list"]}
SLICES = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list"]}
EXEC = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]}
LOGS = {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}
#: By user: rules everywhere, and by namespace.
USERS: dict[str, dict[str, list[Any]]] = {
    "view": {"": [LOOK, SLICES]},
    "no-exec": {"": [LOOK, SLICES], "kube-system": [LOGS]},
    "no-logs": {"": [LOOK, SLICES], "kube-system": [EXEC]},
    "one-namespace": {"default": [LOOK, SLICES]},
    "old-exec": {"": [LOOK, SLICES], "kube-system": [{**EXEC, "verbs": ["create"]}]},
}
ACCOUNT = "system:serviceaccount:default:svcnet-e2e-rights"
LEAST = "svcnet-e2e-least"


def role(user: str, namespace: str, rules: list[Any]) -> list[Any]:
    """A (Cluster)Role and its binding."""
    kind = "Role" if namespace else "ClusterRole"
    where = {"namespace": namespace} if namespace else {}
    metadata = {"name": f"svcnet-e2e-{user}", **where}
    api = {"apiVersion": f"{GROUP}/v1", "metadata": metadata}
    subject = {"kind": "User", "name": f"svcnet-e2e-{user}", "apiGroup": GROUP}
    subjects = [subject, {"kind": "Group", "name": f"svcnet-e2e-{user}s", "apiGroup": GROUP}]
    if user == "view":
        name = ACCOUNT.rpartition(":")[2]
        subjects.append({"kind": "ServiceAccount", "name": name, "namespace": "default"})
    reference = {"kind": kind, "name": f"svcnet-e2e-{user}", "apiGroup": GROUP}
    return [
        {**api, "kind": kind, "rules": rules},
        {**api, "kind": f"{kind}Binding", "roleRef": reference, "subjects": subjects},
    ]


def objects() -> str:
    found = [o for u, at in USERS.items() for ns, rules in at.items() for o in role(u, ns, rules)]
    account = {"name": ACCOUNT.rpartition(":")[2], "namespace": "default"}
    found.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    return yaml.safe_dump_all(found)


@pytest.fixture(scope="module")
def rights(lab: Lab) -> Iterator[None]:
    kube.apply(objects())
    try:
        wait_until("the rights hold", lambda: all(map(may_list, USERS)), timeout=20)
        yield
    finally:
        lab.kubectl("delete", "--wait", "--ignore-not-found", "-f", "-", stdin=objects())


def may_list(user: str) -> bool:
    return kube.works("auth", "can-i", "list", "services", f"--as=svcnet-e2e-{user}")


def denied(answer: Answer) -> set[str]:
    items = answer.document["items"]
    return {f"{i['verb']} {i['resource']} {i['namespace']}" for i in items if not i["allowed"]}


def check_against_kubectl(lab: Lab, answer: Answer, *who: str) -> None:
    """kubectl asks the same question with code of its own."""
    for item in answer.document["items"]:
        plural, _, group = item["resource"].partition(".")
        resource, _, sub = plural.partition("/")
        named = f"{resource}.{group}" if group else resource
        words = [f"--subresource={sub}"] if sub and resource == "pods" else []
        if sub and not words:
            named = f"{named}/{sub}"
        words.append(f"--namespace={item['namespace']}" if item["namespace"] else "-A")
        can = kube.works("auth", "can-i", item["verb"], named, *words, *who)
        assert can is item["allowed"], item


TRACE = {
    "get pods/exec kube-system",
    "create pods/exec kube-system",
}


@pytest.mark.usefixtures("rights")
@pytest.mark.parametrize(
    ("user", "lacks", "has", "code"),
    [
        ("view", TRACE | {"get pods/log kube-system"}, "list nodes None", 1),
        ("no-exec", TRACE, "get pods/log kube-system", 1),
        ("no-logs", {"get pods/log kube-system"}, "create pods/exec kube-system", 0),
        ("one-namespace", TRACE | {"list nodes None"}, "get services default", 1),
        ("old-exec", {"get pods/exec kube-system"}, "create pods/exec kube-system", 1),
    ],
)
def test_what_somebody_may(
    lab: Lab, svcnet: Svcnet, user: str, lacks: set[str], has: str, code: int
) -> None:
    who = f"--as=svcnet-e2e-{user}"
    answer = svcnet("permissions", who)
    assert answer.code == code, answer.told()
    assert lacks <= denied(answer)
    assert has not in denied(answer)
    assert len(answer.document["items"]) > 15
    if user == "old-exec":
        check_against_kubectl(lab, answer, who)
    assert svcnet("permissions", who, "--fail-on", "never").code == 0


@pytest.mark.usefixtures("rights")
def test_the_same_rights_by_group_and_by_token(lab: Lab, svcnet: Svcnet, tmp_path: Path) -> None:
    expected = denied(svcnet("permissions", "--as=svcnet-e2e-view"))
    assert expected
    groups = ("--as=somebody", "--as-group=svcnet-e2e-views", "--as-group=system:authenticated")
    assert denied(svcnet("permissions", *groups)) == expected
    assert denied(svcnet("permissions", f"--as={ACCOUNT}")) == expected
    config = yaml.safe_load(lab.kubeconfig.read_text(encoding="utf-8"))
    token = lab.kubectl("create", "token", ACCOUNT.rpartition(":")[2]).strip()
    config["users"] = [{"name": "e2e", "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = "e2e"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert denied(svcnet("permissions", kubeconfig=file)) == expected


def test_nobody_may_anything(lab: Lab, svcnet: Svcnet) -> None:
    answer = svcnet("permissions", kubeconfig=lab.viewer_kubeconfig)
    assert answer.code == 1
    assert not any(item["allowed"] for item in answer.document["items"])
    table = svcnet.raw("permissions", kubeconfig=lab.viewer_kubeconfig)
    assert "is root on the node" in " ".join(table.stdout.split())
    assert "kubectl svcnet permissions --role" in table.stdout


def test_an_administrator_may_everything(svcnet: Svcnet) -> None:
    answer = svcnet("permissions")
    assert (answer.code, denied(answer)) == (0, set())


COMMANDS = (
    ("trace", "db-service"),
    ("check",),
    ("ranges",),
    ("proxy",),
    ("logs", "db-service"),
    ("packet", "tcp", "default/client-n1", "10.96.0.10:53"),
)


@pytest.mark.usefixtures("rights")
def test_every_command_states_a_missing_right_once(svcnet: Svcnet) -> None:
    """As a table: what is missing stands in one statement, however many nodes it is about."""
    for command in COMMANDS:
        done = svcnet.raw(*command, "--as=svcnet-e2e-view")
        assert done.code == 4, (command, done.stdout, done.stderr)
        said = " ".join((done.stdout + done.stderr).split())
        refusals = re.findall(r"cannot (\S+) resource (\S+ in API group \S+ \w+ the [^;:(]*)", said)
        assert refusals, (command, said)
        assert len(refusals) == len(set(refusals)), (command, refusals)
        assert "kubectl auth can-i" in said


@pytest.fixture
def least(lab: Lab, svcnet: Svcnet) -> Iterator[list[Any]]:
    """A user with what `--role` prints, and nothing else."""
    printed = svcnet.raw("permissions", "--role", "-A")
    assert printed.code == 0, printed.stderr
    renamed = printed.stdout.replace("{name: svcnet", f"{{name: {LEAST}")
    roles = list(yaml.safe_load_all(renamed))
    bindings = [o for r in roles for o in role(LEAST[11:], r["metadata"].get("namespace", ""), [])]
    text = yaml.safe_dump_all([*roles, *(o for o in bindings if o["kind"].endswith("Binding"))])
    kube.apply(text)
    try:
        can = ("auth", "can-i", "get", "pods/log", f"--as={LEAST}", "-n", "kube-system")
        wait_until("the rights hold", lambda: kube.works(*can), timeout=20)
        yield roles
    finally:
        lab.kubectl("delete", "--wait", "--ignore-not-found", "-f", "-", stdin=text)


def events(log: Path, start: int) -> list[Any]:
    with log.open("rb") as file:
        file.seek(start)
        lines = [json.loads(line) for line in file.read().splitlines() if line.endswith(b"}")]
    return [e for e in lines if (e.get("impersonatedUser") or {}).get("username") == LEAST]


def rights_in(roles: list[Any]) -> set[tuple[str, str]]:
    return {
        (verb, resource)
        for one in roles
        for rule in one["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(event: Any) -> tuple[str, str]:
    what = event["objectRef"]
    return event["verb"], "/".join(filter(None, (what["resource"], what.get("subresource"))))


def test_the_least_role_is_enough_and_no_more(
    lab: Lab, svcnet: Svcnet, least: list[Any], tmp_path: Path
) -> None:
    start = lab.audit_log.stat().st_size
    free = ("ranges", "--ip", "10.96.250.250")  # of which the allocator is asked
    runs = (*COMMANDS, ("trace", "-A"), ("trace", "db-service", "--steps"), free)
    bundle = str(tmp_path / "b.tar.gz")
    for command in (*runs, ("snapshot", bundle), ("diff", bundle)):
        nodes = () if command[0] == "packet" else ONLY
        answer = svcnet(*command, *nodes, f"--as={LEAST}")
        assert answer.code == 0, answer.told()
        assert "forbidden" not in json.dumps(answer.document)
    followed = svcnet.raw("logs", "db-service", "-f", "--timeout", "4s", f"--as={LEAST}")
    assert followed.code == 0, followed.stderr
    extra = {"create services default", "list namespaces None"}  # not in the least Role
    assert denied(svcnet("permissions", "-A", f"--as={LEAST}")) == extra
    wait_until("the log", lambda: len(events(lab.audit_log, start)) > 100, timeout=20)
    seen = [e for e in events(lab.audit_log, start) if e.get("objectRef", {}).get("resource")]
    mine = {used(e) for e in seen if "review" not in e["objectRef"]["resource"]}
    granted = rights_in(least)
    # An exec of a WebSocket is logged as get; create is checked beside it.
    both = {(verb, resource) for verb, resource in granted if resource.startswith("pods/")}
    assert mine <= granted
    products = {resource for _, resource in granted} - {resource for _, resource in mine}
    assert granted - mine - both == {right for right in granted if right[1] in products}
    assert products <= {"ipaddresspools", "eips"}, "rights for nothing that was read"
    refused = [e for e in seen if e.get("responseStatus", {}).get("code") == 403]
    assert refused == []
