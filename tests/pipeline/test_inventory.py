from __future__ import annotations

from typing import Any

import pytest

from kubectl_svcnet.errors import ClusterError, UsageError
from kubectl_svcnet.model.capture import Capture, Failure, Reason, Request
from kubectl_svcnet.model.service import ServiceName
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.inventory import (
    Scope,
    read_nodes,
    read_services,
    require_services,
)
from tests.saved import Saved, of_resource

DB = Scope(namespace="default", name="db-service")


def collector(saved: Saved) -> Collector:
    return Collector(saved.source())


def forbid(resource: str) -> Saved:
    return Saved().refuse(
        lambda c: of_resource(c.request, resource), Reason.FORBIDDEN, f"{resource} is forbidden"
    )


def refusing(resource: str, reason: Reason, message: str, patch: pytest.MonkeyPatch) -> Collector:
    """Lists of it are refused whatever their query."""
    source = Saved().source()
    answered = source.fetch

    def fetch(request: Request) -> tuple[Capture, ...]:
        if not of_resource(request, resource):
            return answered(request)
        return (Capture(request=request, failure=Failure(reason=reason, message=message)),)

    patch.setattr(source, "fetch", fetch)
    return Collector(source)


def test_services_with_their_endpoints() -> None:
    read = read_services(collector(Saved()), [Scope()])
    names = [service.name for service in read.services]
    assert names == sorted(names)
    assert len(names) == 16
    assert len(read.endpoints[ServiceName("default", "db-service")]) == 3
    assert (read.gaps, read.missing, read.blind, read.readable) == ((), (), frozenset(), True)


def test_by_name() -> None:
    nope = Scope(namespace="default", name="nope")
    read = read_services(collector(Saved()), [DB, nope])
    assert [str(service.name) for service in read.services] == ["default/db-service"]
    assert read.missing == ('services "nope" not found',)
    assert read.readable


def test_services_that_cannot_be_listed() -> None:
    read = read_services(collector(forbid("services")), [Scope()])
    assert (read.services, read.readable) == ((), False)
    (gap,) = read.gaps
    assert (gap.what, gap.blocking) == ("services", True)
    assert gap.next == "kubectl auth can-i list services -A"


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ("unable to parse requirement: found '', expected: identifier", UsageError),
        ("found ',', expected: identifier after ','", UsageError),
        ("field label not supported: spec.x", UsageError),
        ("invalid selector: 'x'; can't understand 'x'", UsageError),
        ("etcdserver: request is too large", None),
    ],
)
def test_a_selector_that_the_api_server_refuses(
    said: str, ends: type[UsageError] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = refusing("services", Reason.REFUSED, f"GET /x: {said}", monkeypatch)
    scope = Scope(selector="a", field_selector="b")
    if ends is None:
        assert not read_services(refused, [scope]).readable
        return
    with pytest.raises(ends) as caught:
        read_services(refused, [scope])
    assert str(caught.value) == (
        'Error from server (BadRequest): Unable to find "/v1, Resource=services" that match '
        f'label selector "a", field selector "b": {said}'
    )


def test_nodes_are_not_chosen_by_labels_that_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes would be read for the few that were asked about."""
    refused = refusing("nodes", Reason.FORBIDDEN, "nodes is forbidden", monkeypatch)
    with pytest.raises(ClusterError, match="nodes is forbidden"):
        read_nodes(refused, selector="a=b")
    with pytest.raises(UsageError, match=r'"/v1, Resource=nodes" .* label selector "a,,b"'):
        read_nodes(collector(Saved()), selector="a,,b")


def test_endpoints_that_cannot_be_listed_are_not_none() -> None:
    read = read_services(collector(forbid("endpointslices")), [Scope()])
    assert len(read.services) == len(read.blind) == 16
    assert not read.readable
    assert [gap.what for gap in read.gaps] == ["endpointslices"]


def test_a_slice_that_cannot_be_read_blinds_for_its_service() -> None:
    def edit(item: Any) -> Any:
        if item["metadata"]["labels"]["kubernetes.io/service-name"] == "db-service":
            item["endpoints"] = [*item["endpoints"], {"addresses": ["10.244.1"]}]
        return item

    read = read_services(collector(Saved().objects("endpointslices", edit)), [Scope()])
    name = ServiceName("default", "db-service")
    assert read.blind == {name}
    assert name not in read.endpoints
    assert len(read.endpoints) > 5
    [gap] = read.gaps
    assert (gap.what, gap.blocking) == ("endpointslices", True)
    assert gap.why.startswith("one of default/db-service cannot be read: no address: ")


def test_a_slice_of_nobody_blinds_for_all() -> None:
    def edit(item: Any) -> Any:
        return {**item, "metadata": {}} if item["metadata"]["name"].startswith("db-") else item

    read = read_services(collector(Saved().objects("endpointslices", edit)), [Scope()])
    assert len(read.blind) == 16
    assert [gap.what for gap in read.gaps] == ["endpointslices"]


def test_nodes_and_agents() -> None:
    inventory, gaps = read_nodes(collector(Saved()))
    assert [node.name for node in inventory.nodes or ()] == ["n1", "n2", "n3"]
    assert inventory.agents is not None
    assert {pod.node for pod in inventory.agents} == {"n1", "n2", "n3"}
    assert all(pod.name.startswith("kube-proxy") for pod in inventory.agents)
    assert gaps == ()


def test_nodes_by_name() -> None:
    inventory, _ = read_nodes(collector(Saved()), names=("n2",))
    assert [node.name for node in inventory.nodes or ()] == ["n2"]
    with pytest.raises(UsageError, match='nodes "n7" not found'):
        read_nodes(collector(Saved()), names=("n2", "n7"))


def test_nodes_by_label() -> None:
    inventory, _ = read_nodes(collector(Saved()), selector="kubernetes.io/hostname=n3")
    assert [node.name for node in inventory.nodes or ()] == ["n3"]

    with pytest.raises(UsageError, match="no node matches --node-selector zone=a"):
        read_nodes(collector(Saved()), selector="zone=a")


@pytest.mark.parametrize(
    ("names", "found"), [((), ["n1", "n2", "n3"]), (("n2",), ["n2"]), (("n7",), ["n7"])]
)
def test_nodes_that_cannot_be_listed(names: tuple[str, ...], found: list[str]) -> None:
    """They are known from their pods, or from who named them."""
    inventory, gaps = read_nodes(collector(forbid("nodes")), names=names)
    assert [node.name for node in inventory.nodes or ()] == found
    assert [(gap.what, gap.blocking) for gap in gaps] == [("nodes", True)]


def test_pods_that_cannot_be_listed() -> None:
    inventory, gaps = read_nodes(collector(forbid("pods")))
    assert inventory.agents is None
    assert [(gap.what, gap.blocking) for gap in gaps] == [("pods", True)]  # one, not five


def test_nothing_can_be_listed() -> None:
    saved = forbid("pods")
    saved.refuse(lambda c: of_resource(c.request, "nodes"), Reason.FORBIDDEN, "no nodes")
    inventory, gaps = read_nodes(collector(saved))
    assert inventory.nodes is None
    assert len(gaps) == 2


@pytest.mark.parametrize(
    ("saved", "scope", "error", "sentence"),
    [
        (
            Saved(),
            Scope(namespace="default", name="nope"),
            UsageError,
            r'Error from server \(NotFound\): services "nope" not found',
        ),
        (forbid("services"), Scope(), ClusterError, "services is forbidden"),
    ],
)
def test_what_a_command_cannot_go_on_without(
    saved: Saved, scope: Scope, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        require_services(read_services(collector(saved), [scope]))


def test_all_names_that_do_not_exist_are_told_in_one_sentence() -> None:
    scopes = [Scope(namespace="default", name=name) for name in ("nope", "no-more")]
    with pytest.raises(UsageError, match='"nope" not found; services "no-more" not found'):
        require_services(read_services(collector(Saved()), scopes))


def test_what_it_can() -> None:
    require_services(read_services(collector(Saved()), [DB]))
    require_services(read_services(collector(forbid("endpointslices")), [Scope()]))
