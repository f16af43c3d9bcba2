"""OVN's real northbound database, filled as ovn-kubernetes fills it, read by its real ovn-nbctl.

ovn-kubernetes itself is not there: a pod with its labels has the database in a container of the
same name, and n1 has the annotation that it would give it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest

from tests.e2e.tool import Answer, Svcnet
from tests.lab import kube, ovn
from tests.lab.client import Lab
from tests.lab.shell import wait_until
from tests.lab.topology import NODES

pytestmark = [pytest.mark.e2e, pytest.mark.full]

HERE = NODES[0]
NAMESPACE = "ovn-kubernetes"
POD = "ovnkube-node-e2e"
CONTAINER = "nb-ovsdb"
ANNOTATION = "k8s.ovn.org/node-subnets"
SOCKET = "/var/run/ovn/ovnnb_db.sock"
DATABASE = "/etc/ovn/ovnnb_db.db"
SERVER = f"""\
ovsdb-tool create {DATABASE} {ovn.SCHEMA}
exec ovsdb-server --remote=punix:{SOCKET} --unixctl=/tmp/ctl {DATABASE}
"""


def objects() -> str:
    container = {
        "name": CONTAINER,
        "image": ovn.REFERENCE,
        "imagePullPolicy": "Never",
        "command": ["sh", "-ec", SERVER],
    }
    spec = {
        "nodeName": HERE.name,
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    meta = {"name": POD, "namespace": NAMESPACE, "labels": {"app": "ovnkube-node"}}
    items = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec},
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def inside(*argv: str) -> str:
    return kube.kubectl("-n", NAMESPACE, "exec", POD, "-c", CONTAINER, "--", *argv)


def answers() -> bool:
    words = ("-n", NAMESPACE, "exec", POD, "-c", CONTAINER, "--", "ovn-nbctl", "--dry-run", "show")
    return kube.works(*words)


@pytest.fixture(scope="module", autouse=True)
def database(lab: Lab) -> Iterator[None]:
    ovn.give(HERE)
    try:
        kube.apply(objects())
        wait_until("the database answers", answers, timeout=120, every=1)
        yield
    finally:
        kube.kubectl("annotate", "node", HERE.name, f"{ANNOTATION}-")
        kube.kubectl("delete", "--ignore-not-found", "--wait", "namespace", NAMESPACE)


def filling() -> list[str]:
    """One call of ovn-nbctl, so that all of it is there at once."""
    prefix6 = HERE.pod_range6.partition("/")[0]
    text = Template(Path(__file__).with_name("northbound.txt").read_text()).substitute(
        node=HERE.name,
        number=HERE.number + 1,
        part4=HERE.pod_range4,
        management=HERE.pod_range4.replace(".0/24", ".2"),
        prefix6=prefix6,
        gateway4=HERE.pod_range4.replace(".0/", ".1/"),
        gateway6=f"{prefix6}1/64",
        address=f"{HERE.ipv4}/24",
    )
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [word for line in lines for word in ("--", *line.split())]


def rows(table: str) -> int:
    """Not by ovn-nbctl, which lists the row as well that it would make."""
    query = ["OVN_Northbound", {"op": "select", "table": table, "where": [], "columns": ["_uuid"]}]
    answer = inside("ovsdb-client", "transact", f"unix:{SOCKET}", json.dumps(query))
    return len(json.loads(answer)[0]["rows"])


def test_an_empty_database_stays_empty(svcnet: Svcnet) -> None:
    """`ovn-nbctl list` alone would give it a row."""
    answer = svcnet("ranges")
    assert (answer.code, answer.findings(), answer.gaps()) == (0, [], []), answer.told()
    assert rows("NB_Global") == 0
    assert not ovn_claims(answer)
    inside("ovn-nbctl", "list", "NB_Global")
    assert rows("NB_Global") == 1


@pytest.fixture(scope="module")
def answer(svcnet: Svcnet) -> Answer:
    inside("ovn-nbctl", *filling())
    assert rows("Load_Balancer") == 2
    subnets = json.dumps({"default": [HERE.pod_range4, HERE.pod_range6]})
    kube.kubectl("annotate", "node", HERE.name, f"{ANNOTATION}={subnets}")
    return svcnet("ranges")


def ovn_claims(answer: Answer) -> dict[tuple[str, str | None, str], set[str]]:
    """By kind, node and range: what the database says."""
    found: dict[tuple[str, str | None, str], set[str]] = {}
    for item in answer.document["items"]:
        for source in item["sources"]:
            if source["source"].startswith("OVN "):
                where = (item["kind"], item["node"], item["range"])
                found.setdefault(where, set()).add(f"{source['source']} {source['value']}")
    return found


def test_what_the_database_says(answer: Answer) -> None:
    assert (answer.code, answer.findings(), answer.gaps()) == (0, [], []), answer.told()
    prefix6 = HERE.pod_range6.partition("/")[0]
    assert ovn_claims(answer) == {
        ("Pod", HERE.name, HERE.pod_range4): {
            f"OVN Logical_Switch {HERE.pod_range4}",
            f"OVN Logical_Router_Port {HERE.pod_range4.replace('.0/', '.1/')}",
        },
        ("Pod", HERE.name, HERE.pod_range6): {
            f"OVN Logical_Switch {HERE.pod_range6}",
            f"OVN Logical_Router_Port {prefix6}1/64",
        },
        ("Node", None, "172.18.0.0/24"): {f"OVN Logical_Router_Port {HERE.ipv4}/24"},
        ("Tunnel", None, "100.64.0.0/16"): {
            "OVN Logical_Router_Port 100.64.0.1/16",
            "OVN Logical_Router_Port 100.64.0.2/16",
        },
        ("Tunnel", None, "100.88.0.0/16"): {"OVN Logical_Router_Port 100.88.0.2/16"},
    }


def changed(svcnet: Svcnet, do: str, undo: str) -> Any:
    """The one finding meanwhile."""
    inside("ovn-nbctl", *shlex.split(do))
    try:
        answer = svcnet("ranges")
    finally:
        inside("ovn-nbctl", *shlex.split(undo))
    [found] = answer.findings()
    return found


@pytest.mark.usefixtures("answer")
def test_a_switch_with_another_part_than_the_annotation_says(svcnet: Svcnet) -> None:
    found = changed(
        svcnet,
        f"set Logical_Switch {HERE.name} other_config:subnet=10.244.77.0/24",
        f"set Logical_Switch {HERE.name} other_config:subnet={HERE.pod_range4}",
    )
    assert (found["code"], found["node"]) == ("SVN109", HERE.name)
    assert "10.244.77.0/24 (OVN Logical_Switch)" in found["message"]
    assert f"{HERE.pod_range4} ({ANNOTATION}, OVN Logical_Router_Port)" in found["message"]
    where = f"Logical_Switch {HERE.name} in pod {NAMESPACE}/{POD}"
    assert f"{where}: other_config:subnet=10.244.77.0/24" in found["evidence"]


@pytest.mark.usefixtures("answer")
def test_a_transit_network_among_the_services(svcnet: Svcnet) -> None:
    port = f"rtots-{HERE.name}"
    found = changed(
        svcnet,
        f"set Logical_Router_Port {port} networks=10.96.8.2/24",
        f"set Logical_Router_Port {port} networks=100.88.0.2/16",
    )
    assert found["code"] == "SVN104"
    assert found["message"] == "Tunnel range 10.96.8.0/24 overlaps Service range 10.96.0.0/16"


def test_a_database_that_does_not_answer(svcnet: Svcnet) -> None:
    """The last here: nobody starts it again."""
    inside("sh", "-c", f"rm {SOCKET}")
    answer = svcnet("ranges")
    [gap] = answer.gaps()
    assert (gap["what"], gap["node"], gap["blocking"]) == ("OVN northbound", HERE.name, False)
    assert "database connection failed" in gap["why"]
