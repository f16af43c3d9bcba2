"""A Source that passes everything on and saves it: `--record FILE` and `snapshot`.

Saved is what passed, in order, both readings, after `redact`. The bundle appears under its name
only when `finish` is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from ..model.capture import ApiRequest, Capture, Reason, Request, Source, pages_of
from .bundle import BundleWriter
from .redact import redact

Change = Callable[[Capture], Capture]


class RecordingSource:
    """`change` is laid over each capture that is saved (`anonymise`), never over what passes."""

    def __init__(
        self, inner: Source, path: str | os.PathLike[str], *, change: Change | None = None
    ) -> None:
        self.inner = inner
        self._writer = BundleWriter(path, context="" if change else inner.context)
        self._change = change

    @property
    def context(self) -> str:
        return self.inner.context

    def fetch(self, request: Request) -> tuple[Capture, ...]:
        captures = self.inner.fetch(request)
        self._save(captures)
        return captures

    def _save(self, captures: tuple[Capture, ...]) -> None:
        kept = [redact(capture) for capture in captures if not capture.failed(Reason.NOT_RECORDED)]
        safe = [capture for capture in kept if capture is not None]
        if self._change is not None:
            safe = [self._change(capture) for capture in safe]
        if safe:
            self._writer.add(tuple(safe))

    def pages(self, request: ApiRequest) -> Generator[Capture, None, None]:
        """What passes in parts is saved as one answer, and so is held until then; what was enough
        to whoever asked is saved as the beginning that it is."""
        parts: list[Capture] = []
        whole = False
        try:
            for capture in pages_of(self.inner, request):
                parts.append(capture)
                yield capture
            whole = True
        finally:
            if parts:
                answer = joined(parts)
                self._save((replace(answer, truncated=answer.truncated or not whole),))

    @property
    def saved(self) -> int:
        """Captures in the bundle so far."""
        return self._writer.captures

    def now(self) -> float:
        return self.inner.now()

    def wait(self, seconds: float) -> None:
        self.inner.wait(seconds)

    def finish(self) -> None:
        self._writer.finish()

    def discard(self) -> None:
        self._writer.discard()


def joined(parts: Sequence[Capture]) -> Capture:
    """The answer whose parts these are."""
    last = parts[-1]
    return replace(
        last,
        objects=tuple(item for part in parts for item in part.objects),
        started=parts[0].started,
        seconds=sum(part.seconds for part in parts),
        size=sum(part.size for part in parts),
        truncated=last.truncated or last.failure is not None,
    )
