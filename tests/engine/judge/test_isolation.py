from __future__ import annotations

from kubectl_svcnet.engine.judge.isolation import isolated
from kubectl_svcnet.model.finding import Level
from kubectl_svcnet.model.policy import Ingress, NetworkPolicy, Operator, Peer, Requirement
from tests.samples import endpoint, pod, service

ENDPOINTS = [endpoint("10.244.1.2:3306"), endpoint("10.244.2.2:3306", "n2")]
PODS = [pod("db-1", "10.244.1.2", labels={"first": ""}), pod("db-2", "10.244.2.2", on="n2")]
WEB = pod("web", "10.244.1.9", labels={"app": "web"})
OTHER = pod("other", "10.244.2.9", on="n2")
FIRST = (Requirement(key="first", operator=Operator.EXISTS),)
FROM_WEB = Ingress(
    peers=(Peer(pods=(Requirement(key="app", operator=Operator.IN, values=("web",)),)),)
)
DENY = NetworkPolicy(namespace="default", name="deny")
ALLOW = NetworkPolicy(namespace="default", name="allow", ingress=(FROM_WEB,))


def test_policies_and_clients_are_named() -> None:
    (found,) = isolated(service(), ENDPOINTS, PODS, [DENY, ALLOW], [WEB, OTHER, PODS[0]])
    assert (found.code, found.level, found.service) == ("SVN418", Level.INFO, "default/db")
    assert found.message == "2 of 2 endpoint pods are isolated by NetworkPolicies allow, deny"
    assert found.evidence == (
        "by their words pod default/web (n1) is let in",
        "by their words pod default/other (n2) is not let in",
    )
    assert found.next == "kubectl -n default get networkpolicy allow -o yaml"


def test_a_client_whose_address_does_not_arrive() -> None:
    """By its labels it would be let in; what bears a node's address may be, or not."""
    (found,) = isolated(service(), ENDPOINTS, PODS, [ALLOW], [WEB, OTHER], {"n1"})
    assert found.evidence == (
        "by their words pod default/web (n1) is let in or not, which is not known, for its "
        "packets are masqueraded on their way",
        "by their words pod default/other (n2) is not let in",
    )
    everybody = NetworkPolicy(namespace="default", name="all", ingress=(Ingress(),))
    for policy, answer in ((everybody, "let in"), (DENY, "not let in")):
        (found,) = isolated(service(), ENDPOINTS, PODS, [policy], [WEB], {"n1"})
        assert found.evidence == (f"by their words pod default/web (n1) is {answer}",)


def test_one_of_several_endpoints() -> None:
    deny = NetworkPolicy(namespace="default", name="deny", pods=FIRST)
    (found,) = isolated(service(), ENDPOINTS, PODS, [deny], [WEB])
    assert found.message == "1 of 2 endpoint pods is isolated by NetworkPolicy deny"
    assert found.evidence == ("by their words pod default/web (n1) is let in at 1 of 2 endpoints",)


def test_nothing_is_isolated() -> None:
    elsewhere = NetworkPolicy(namespace="shop", name="deny")
    egress = NetworkPolicy(namespace="default", name="out", isolates=False)
    assert isolated(service(), ENDPOINTS, PODS, [elsewhere, egress], [WEB]) == ()
    assert isolated(service(), [], PODS, [DENY], [WEB]) == ()


def test_a_long_list_is_counted() -> None:
    many = [NetworkPolicy(namespace="default", name=f"p{n}") for n in range(9)]
    (found,) = isolated(service(), ENDPOINTS, PODS, many, [])
    assert found.message.endswith("NetworkPolicies p0, p1, p2, p3, p4 and 4 more")
