"""NetworkPolicies beside the recorded lab."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.model.capture import ApiRequest, Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.model.packet import Client
from kubectl_svcnet.model.report import CheckReport, NodeTrace, Verdict
from kubectl_svcnet.model.service import FrontendKind
from kubectl_svcnet.pipeline.check import check
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.inventory import Scope
from kubectl_svcnet.pipeline.policies import clients_of, masked, policies_request, read_policies
from tests.samples import DB as DB_NAME
from tests.samples import arrives, asked, frontend, pod, walk
from tests.saved import Saved, of_resource

ALL = Options(all_namespaces=True)
DB = Options(services=("db-service",))


def policy(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "default", "name": name}, "spec": spec}


DENY = policy("deny", podSelector={"matchLabels": {"app": "db"}})


def told(report: CheckReport) -> list[tuple[str, str]]:
    return [(f.service, f.message) for f in report.findings if f.code == "SVN418"]


@pytest.mark.parametrize("options", [ALL, DB])
def test_a_policy_over_the_endpoints(options: Options) -> None:
    saved = Saved().add("networkpolicies", DENY)
    report = check(saved.source(), options)
    message = "3 of 3 endpoint pods are isolated by NetworkPolicy deny"
    assert ("default/db-service", message) in told(report)
    found = next(f for f in report.findings if f.service == "default/db-service")
    assert len(found.evidence) == 3
    assert all(line.endswith("is not let in") for line in found.evidence)
    assert told(check(Saved().source(), options)) == []


def test_one_that_cannot_be_read_is_a_gap_and_says_nothing() -> None:
    broken = policy("broken", ingress=[{"from": [{"later": {}}]}])
    saved = Saved().add("networkpolicies", DENY).add("networkpolicies", broken)
    report = check(saved.source(), ALL)
    (gap,) = [gap for gap in report.gaps if gap.what == "NetworkPolicies"]
    assert "one of default cannot be read" in gap.why
    assert (gap.blocking, told(report)) == (False, [])


def test_whose_packets_arrive_with_another_source() -> None:
    def walked(client: Client, *, changed: bool) -> NodeTrace:
        fate = arrives("10.244.1.2:3306", masquerade=changed)
        walks = (walk(asked("10.244.1.2:3306", client=client), fate),)
        return NodeTrace(node="n", dataplane="d", verdict=Verdict.OK, walks=walks)

    judged = {
        (frontend(), "n1"): walked(Client.POD, changed=True),
        (frontend(), "n2"): walked(Client.POD, changed=False),
        (frontend(), "n3"): walked(Client.NODE, changed=True),
        (frontend(FrontendKind.NODE_PORT, None), "n4"): walked(Client.POD, changed=True),
    }
    assert masked(judged) == {DB_NAME: frozenset({"n1"})}


def test_without_the_right_it_is_a_gap_that_does_not_block() -> None:
    saved = Saved().refuse(
        lambda c: of_resource(c.request, "networkpolicies"), Reason.FORBIDDEN, "forbidden"
    )
    (gap,) = [g for g in check(saved.source(), ALL).gaps if g.what == "NetworkPolicies"]
    assert gap.blocking is False
    assert gap.next == "kubectl auth can-i list networkpolicies.networking.k8s.io -A"


def test_each_namespace_is_listed_once() -> None:
    saved = Saved().add("networkpolicies", policy("out", policyTypes=["Egress"]))
    scopes = [Scope(namespace="default", name=name) for name in ("a", "b")]
    read = read_policies(Collector(saved.source()), scopes)
    assert (read.isolating, read.gaps) == ({}, [])
    assert policies_request("shop") == ApiRequest(
        path="/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
    )


def test_the_client_of_a_node_is_its_first_pod_with_an_address_of_its_own() -> None:
    web, other = pod("web", "10.244.1.9"), pod("zoo", "10.244.1.8")
    proxy, done = pod("a", host_network=True), pod("b", "10.244.1.7", phase="Succeeded")
    assert clients_of({"n1": (other, proxy, done, web), "n2": None}) == (web,)
