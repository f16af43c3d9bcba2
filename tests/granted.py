"""The recorded lab with somebody's rights: which ones, a test says."""

from __future__ import annotations

from dataclasses import replace

from kubectl_svcnet.model.capture import ApiRequest, Capture, Request, ReviewRequest
from kubectl_svcnet.model.rights import Right
from tests.saved import Saved


def right_of(review: ReviewRequest) -> Right:
    resource = "/".join(filter(None, (review.resource, review.subresource)))
    named = ".".join(filter(None, (resource, review.group)))
    return Right(named, review.verb, review.namespace, review.name)


class Granted:
    """All is allowed but what begins as `refused` does: "get pods/exec", "list services -A"."""

    context = "admin@lab"

    def __init__(self, *refused: str, saved: Saved | None = None, minor: str = "36") -> None:
        self._inner = (saved or Saved()).source()
        self._refused, self._minor = refused, minor
        self.asked: list[Right] = []

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        if isinstance(request, ReviewRequest):
            right = right_of(request)
            self.asked.append(right)
            said = f"{right.verb} {right.object}"
            allowed = not any(said.startswith(words) for words in self._refused)
            return (Capture(request=request, objects=({"status": {"allowed": allowed}},)),)
        if request == ApiRequest(path="/version", many=False):
            return (Capture(request=request, objects=({"major": "1", "minor": self._minor},)),)
        return tuple(replace(capture) for capture in self._inner.fetch(request))

    def now(self) -> float:
        return self._inner.now()

    def wait(self, seconds: float) -> None:
        self._inner.wait(seconds)
