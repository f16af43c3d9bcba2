"""API requests as plain JSON: lists in pages, objects, logs, access reviews.

No generated models: they cost a second of start-up and eight times the memory. Every answer has
a size limit and a deadline. Retried are only a page whose continue token has expired (410: the
list starts again, once) and what the server asks to send later (429, 503 with Retry-After).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..model.capture import ApiRequest, Failure, LogRequest, ProbeRequest, Reason, ReviewRequest
from .deadline import Deadline, Stop
from .faults import Fault, fault, of_exception, of_http
from .limits import Limits
from .transport import Transport

_CHUNK = 1 << 16
_MAX_ERROR = 1 << 16  # of an answer that is not 2xx
_MAX_RETRIES = 10
_SERVICES = "/api/v1/namespaces/default/services"
_DRY_RUN = (("dryRun", "All"),)
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came, also where a failure ended it. `status`: of a GET through port-forward, unless
    it is 200."""

    objects: tuple[Mapping[str, Any], ...] = ()
    data: bytes = b""
    size: int = 0
    truncated: bool = False
    remaining: int = 0
    version: str = ""
    failure: Failure | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    body: bytes
    retry_after: float | None


class Rest:
    """Runs in the thread of whoever calls; the deadline is looked at between chunks."""

    def __init__(
        self,
        transport: Transport,
        limits: Limits,
        stop: Stop,
        *,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._transport, self._limits, self._stop, self._warn = transport, limits, stop, warn

    def list(self, request: ApiRequest, deadline: Deadline) -> Reply:
        """All items, or the first `limit`; with a failure, the items of the pages before it."""
        pages = Pages(request, self._limits)
        doing = f"GET {request.path}"
        restarted = False
        try:
            while True:
                room = self._limits.max_list - pages.size
                answer = self._send("GET", request.path, pages.query(), room, deadline, doing)
                if answer.status == 410 and pages.token and not restarted:
                    pages, restarted = Pages(request, self._limits), True
                    continue
                pages.add(_whole(answer, doing), doing)
                if pages.finished:
                    return pages.reply(None)
        except Fault as error:
            return pages.reply(error.failure)

    def page(self, pages: Pages, deadline: Deadline) -> Reply:
        """The next one alone; the size limit is its own. What the pages before held may be used
        already, so an expired token is not answered by starting again but with the token that
        comes with the refusal: the rest of the list as it is now (API concepts, 410 Gone)."""
        path = pages.request.path
        doing = f"GET {path}"
        pages.items.clear()
        while True:
            room = self._limits.max_list
            answer = self._send("GET", path, pages.query(), room, deadline, doing)
            if answer.status != 410 or not pages.renew(answer.body):
                break
        pages.add(_whole(answer, doing), doing)
        return pages.reply(None)

    def get(self, request: ApiRequest, deadline: Deadline) -> Reply:
        doing = f"GET {request.path}"
        answer = self._send(
            "GET", request.path, request.query, self._limits.max_answer, deadline, doing
        )
        return _object(answer, doing)

    def log(self, request: LogRequest, deadline: Deadline) -> Reply:
        path = pod_path(request.namespace, request.pod, "log")
        most = min(request.limit_bytes or self._limits.max_answer, self._limits.max_answer)
        doing = f"log of {request.namespace}/{request.pod} {request.container}".rstrip()
        answer = self._send("GET", path, log_query(request, most), most + 1, deadline, doing)
        data = _whole(answer, doing)
        return Reply(data=data, size=len(data), truncated=len(data) >= most)

    def review(self, request: ReviewRequest, deadline: Deadline) -> Reply:
        """A POST that stores nothing; `probe` is the only other one."""
        attributes = {
            "verb": request.verb,
            "resource": request.resource,
            "subresource": request.subresource,
            "group": request.group,
            "namespace": request.namespace,
            "name": request.name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
        }
        doing = f"may I {request.verb} {request.resource}"
        answer = self._send(
            "POST", _REVIEWS, (), self._limits.max_answer, deadline, doing, body=body
        )
        return _object(answer, doing)

    def probe(self, request: ProbeRequest, deadline: Deadline) -> Reply:
        """With dryRun=All the API server stores nothing; that it refuses (422) is the answer."""
        body = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"generateName": "svcnet-probe-"},
            "spec": {"clusterIP": request.address, "ports": [{"port": 1}]},
        }
        doing = f"dry-run of a Service at {request.address}"
        answer = self._send(
            "POST", _SERVICES, _DRY_RUN, self._limits.max_answer, deadline, doing, body=body
        )
        if answer.status == 422:
            return Reply(objects=(_parse(answer.body, doing),), size=len(answer.body))
        return _object(answer, doing)

    def _send(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        room: int,
        deadline: Deadline,
        doing: str,
        *,
        body: Mapping[str, Any] | None = None,
    ) -> _Response:
        """Sends until it is answered with something else than "later"."""
        tries = 0
        while True:
            used = self._transport.generation
            answer = self._send_once(method, path, query, room, deadline, doing, body)
            if answer.status == 401 and self._transport.renew(used):
                continue
            rest = deadline.remaining()
            pause = answer.retry_after
            if pause is None or tries >= _MAX_RETRIES or (rest is not None and pause >= rest):
                return answer
            tries += 1
            self._stop.wait(pause)
            self._stop.check(doing)

    def _send_once(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        room: int,
        deadline: Deadline,
        doing: str,
        body: Mapping[str, Any] | None,
    ) -> _Response:
        from urllib3 import HTTPHeaderDict, Timeout

        encoding = "gzip" if self._transport.compression else "identity"
        headers = HTTPHeaderDict({"Accept": "application/json", "Accept-Encoding": encoding})
        if path.endswith("/log"):
            headers["Accept"] = "*/*"
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._transport.sign(headers)
        if deadline.expired():
            raise deadline.fault(doing)
        try:
            response = self._transport.pool().request(
                method,
                self._transport.url(path, query),
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
                timeout=Timeout(total=deadline.remaining()),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            return self._read(response, room, deadline, doing)
        except OSError as error:
            raise Fault(of_exception(error, doing)) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "urllib3":
                raise Fault(of_exception(error, doing)) from error
            raise

    def _read(self, response: Any, room: int, deadline: Deadline, doing: str) -> _Response:
        good = 200 <= response.status < 300
        most = room if good else _MAX_ERROR
        chunks, size = [], 0
        try:
            for chunk in response.stream(_CHUNK, decode_content=True):
                self._stop.check(doing)
                if deadline.expired():
                    raise deadline.fault(doing)
                chunks.append(chunk)
                size += len(chunk)
                if size > most:
                    if good:
                        raise fault(Reason.TOO_LARGE, f"{doing}: more than {most} bytes")
                    break
        except BaseException:
            response.close()
            raise
        if size > most:
            response.close()
        response.release_conn()
        for warning in response.headers.getlist("Warning"):
            self._warn(warning_text(warning))
        return _Response(response.status, b"".join(chunks), _retry_after(response))


def warning_text(header: str) -> str:
    """The text of `299 - "text"` (RFC 7234 5.5), or the header as it is."""
    found = re.match(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"', header)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else header


def _retry_after(response: Any) -> float | None:
    if response.status not in (429, 503):
        return None
    value = str(response.headers.get("Retry-After", "")).strip()
    if value.isdigit():
        return float(value)
    return 1.0 if response.status == 429 else None


def pod_path(namespace: str, pod: str, subresource: str = "") -> str:
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}"
    return f"{path}/{subresource}" if subresource else path


def log_query(request: LogRequest, most: int | None) -> list[tuple[str, str]]:
    """`most`: bytes; None for a log that is followed."""
    query = [("container", request.container), ("sinceTime", request.since_time)]
    if most is not None:
        query.append(("limitBytes", str(most)))
    if request.previous:
        query.append(("previous", "true"))
    if request.timestamps:
        query.append(("timestamps", "true"))
    if request.tail_lines is not None:
        query.append(("tailLines", str(request.tail_lines)))
    if request.since_seconds is not None:
        query.append(("sinceSeconds", str(request.since_seconds)))
    return [pair for pair in query if pair[1]]


def _whole(answer: _Response, doing: str) -> bytes:
    if 200 <= answer.status < 300:
        return answer.body
    raise Fault(of_http(answer.status, answer.body, doing))


def _parse(body: bytes, doing: str) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise fault(Reason.BROKEN, f"{doing}: the answer is no JSON object")
    return value


def _object(answer: _Response, doing: str) -> Reply:
    body = _whole(answer, doing)
    return Reply(objects=(_parse(body, doing),), size=len(body))


class Pages:
    """Where the reading of one list is. `items`: of the pages that were not let go."""

    def __init__(self, request: ApiRequest, limits: Limits) -> None:
        self.request, self._page = request, limits.page
        self.items: list[Mapping[str, Any]] = []
        self.size = self.remaining = 0
        self.token = self.version = ""
        self.finished = self.truncated = False

    def query(self) -> list[tuple[str, str]]:
        limit = self.request.limit
        page = self._page if limit is None else max(1, min(self._page, limit - len(self.items)))
        query = [*self.request.query, ("limit", str(page))]
        return [*query, ("continue", self.token)] if self.token else query

    def renew(self, refusal: bytes) -> bool:
        """Takes the other token of a refusal, if there is one."""
        try:
            token = json.loads(refusal)["metadata"]["continue"]
        except (ValueError, RecursionError, LookupError, TypeError):
            return False
        if not self.token or not isinstance(token, str) or token in ("", self.token):
            return False
        self.token = token
        return True

    def add(self, body: bytes, doing: str) -> None:
        page = _parse(body, doing)
        items = page.get("items")
        if items is None:
            items = []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise fault(Reason.BROKEN, f"{doing}: the answer is no list")
        self.size += len(body)
        self.items += items
        metadata = page.get("metadata")
        token = metadata.get("continue") if isinstance(metadata, dict) else ""
        version = metadata.get("resourceVersion") if isinstance(metadata, dict) else ""
        left = metadata.get("remainingItemCount") if isinstance(metadata, dict) else None
        self.remaining = left if isinstance(left, int) and left > 0 else 0
        self.version = version if isinstance(version, str) else ""
        if token and token == self.token:
            raise fault(Reason.BROKEN, f"{doing}: the list continues with the same page for ever")
        self.token = str(token or "")
        limit = self.request.limit
        if limit is not None and len(self.items) >= limit:
            self.truncated = bool(self.token) or len(self.items) > limit
            del self.items[limit:]
            self.finished = True
        self.finished = self.finished or not self.token

    def reply(self, failure: Failure | None) -> Reply:
        return Reply(
            objects=tuple(self.items),
            size=self.size,
            truncated=self.truncated or failure is not None,
            remaining=self.remaining,
            version=self.version,
            failure=failure,
        )
