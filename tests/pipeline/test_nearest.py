from __future__ import annotations

import pytest

from kubectl_svcnet.errors import UsageError
from kubectl_svcnet.model.capture import ApiRequest, Capture, Failure, Reason, Request
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.collect import Collector
from kubectl_svcnet.pipeline.inventory import read_services
from kubectl_svcnet.pipeline.names import find_scopes, picked
from kubectl_svcnet.pipeline.nearest import with_nearest
from kubectl_svcnet.pipeline.plan import plan_trace
from kubectl_svcnet.pipeline.trace import trace
from tests.saved import Saved


class Cluster:
    """The recorded lab with namespaces of its own; None: they may not be listed."""

    context = "admin@lab"

    def __init__(self, namespaces: tuple[str, ...] | None = ("default", "empty", "shop")) -> None:
        self.namespaces = namespaces
        self.inner = Saved().source()
        self.asked: list[str] = []

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ApiRequest):
            self.asked.append(request.path)
        if request != ApiRequest(path="/api/v1/namespaces"):
            return self.inner.fetch(request)
        if self.namespaces is None:
            failure = Failure(reason=Reason.FORBIDDEN, message="forbidden")
            return (Capture(request=request, failure=failure),)
        objects = tuple({"metadata": {"name": name}} for name in self.namespaces)
        return (Capture(request=request, objects=objects),)

    def now(self) -> float:
        return self.inner.now()

    def wait(self, seconds: float) -> None:
        self.inner.wait(seconds)


def missing(source: Cluster, options: Options) -> tuple[str, ...]:
    collector = Collector(source)
    read = picked(read_services(collector, find_scopes(options)), options)
    return with_nearest(collector, read, options).missing


@pytest.mark.parametrize(
    ("word", "namespace", "said"),
    [
        ("db-servce", "default", 'services "db-servce" not found; did you mean db-service?'),
        ("nope", "default", 'services "nope" not found'),
        ("db-service", "shop", 'services "db-service" not found; did you mean db-service.default?'),
        ("db-servce.default", "shop", 'services "db-servce" not found; did you mean db-service?'),
        (
            "db-service",
            "defalt",
            'services "db-service" not found, as there is no namespace "defalt";'
            " did you mean default?",
        ),
        ("db.xyz", "default", 'services "db" not found, as there is no namespace "xyz"'),
        (":1", "default", "no Service has the node port 1"),
    ],
)
def test_a_service_that_does_not_exist(word: str, namespace: str, said: str) -> None:
    assert missing(Cluster(), Options(services=(word,), namespace=namespace)) == (said,)


def test_without_the_right_to_list_namespaces() -> None:
    options = Options(services=("db-service",), namespace="defalt")
    (said,) = missing(Cluster(None), options)
    assert said.endswith("not found; did you mean db-service.default?")


def test_what_exists_costs_nothing_more() -> None:
    source = Cluster()
    assert missing(source, Options(services=("db-service",))) == ()
    assert missing(source, Options(all_namespaces=True)) == ()
    assert missing(source, Options()) == ()
    assert "/api/v1/namespaces" not in source.asked


def test_all_services_of_a_namespace_that_does_not_exist() -> None:
    with pytest.raises(UsageError) as caught:
        missing(Cluster(), Options(namespace="defalt"))
    assert str(caught.value) == (
        'Error from server (NotFound): namespaces "defalt" not found; did you mean default?'
    )
    assert (caught.value.exit_code, caught.value.next) == (2, "kubectl get namespaces")


@pytest.mark.parametrize("namespaces", [("default", "empty"), None])
def test_a_namespace_without_services_is_none_that_is_missing(
    namespaces: tuple[str, ...] | None,
) -> None:
    assert missing(Cluster(namespaces), Options(namespace="empty")) == ()


@pytest.mark.parametrize("run", [trace, plan_trace])
def test_commands_say_so(run: object) -> None:
    assert callable(run)
    with pytest.raises(UsageError, match=r"not found; did you mean db-service\?$"):
        run(Cluster(), Options(services=("db-servce",)))
    with pytest.raises(UsageError, match=r'nodes "n11" not found; did you mean n1\?$'):
        run(Cluster(), Options(services=("db-service",), nodes=("n11",)))
