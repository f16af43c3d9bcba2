"""A small client for creating thousands of objects: connections stay open, sixteen at a time.

`kubectl create` sends one request after another.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from tests.lab import paths
from tests.lab.shell import LabError
from tests.lab.topology import API_SERVER

from .sizes import NAMESPACE, Object

PORT = 6443
THREADS = 16
PATHS = {
    "Service": f"/api/v1/namespaces/{NAMESPACE}/services",
    "EndpointSlice": f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices",
}
CREATED, CONFLICT = 201, 409


class Creator:
    """Creates objects as the lab's administrator; one that exists already stays as it is."""

    def __init__(self) -> None:
        stem = paths.ADMIN_KUBECONFIG.with_name(f"{paths.ADMIN_KUBECONFIG.stem}-client")
        self._context = ssl.create_default_context(cafile=str(paths.PKI / "ca.crt"))
        self._context.load_cert_chain(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        self._here = threading.local()

    def create_all(self, objects: Iterable[Object]) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(self._create, objects):
                pass

    def _create(self, made: Object) -> None:
        body = json.dumps(made).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        connection = self._connection()
        connection.request("POST", PATHS[made["kind"]], body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status not in (CREATED, CONFLICT):
            name = made["metadata"]["name"]
            raise LabError(f"{made['kind']} {name} was not created: {said[:500]!r}")

    def _connection(self) -> http.client.HTTPSConnection:
        found: http.client.HTTPSConnection | None = getattr(self._here, "connection", None)
        if found is None:
            found = http.client.HTTPSConnection(API_SERVER, PORT, context=self._context, timeout=60)
            self._here.connection = found
        return found
