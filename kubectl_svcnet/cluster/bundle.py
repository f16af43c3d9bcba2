"""The file format of a saved run: a gzipped tar with `index.json` and one file per answer.

index.json: `{"format": "svcnet-bundle/1", "context", "version", "captures": [...]}`; a capture
holds its request, command, times and failure, and names the files of its bytes or objects.
`fetch` numbers the call that brought it, so that one call's captures stay together.
A reader trusts nothing: only regular files with plain names, limits on each and on all, and no
file is ever unpacked to disk.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from .. import __version__
from ..errors import ClusterError, ParseError
from ..model.capture import (
    ApiRequest,
    Capture,
    ExecRequest,
    Failure,
    ForwardRequest,
    LogRequest,
    ProbeRequest,
    Reason,
    Request,
    ReviewRequest,
)
from ..model.commands import COMMANDS, Command, Needs
from .packed import pack, packed_items

FORMAT = "svcnet-bundle/1"
MAX_MEMBER = 512 << 20
MAX_TOTAL = 8 << 30
MAX_MEMBERS = 200_000
#: In seconds since the epoch: the end of the year 9999, the last one that can be written.
MAX_TIME = 253_402_300_800

_NAME = re.compile(r"index\.json|captures/[A-Za-z0-9._-]{1,200}")
_TYPES: Mapping[str, type[Any]] = {
    kind.__name__: kind
    for kind in (ApiRequest, LogRequest, ExecRequest, ForwardRequest, ReviewRequest, ProbeRequest)
}


#: Which JSON a field of a request may be, by its annotation; the others are read word by word.
_SCALARS: Mapping[str, tuple[type[Any], ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, type(None)),
}


def request_to_json(request: Request) -> dict[str, Any]:
    result: dict[str, Any] = {"type": type(request).__name__}
    for entry in fields(request):
        value = getattr(request, entry.name)
        if value != entry.default:
            result[entry.name] = _plain(value)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Command):
        return {"name": value.name, "arguments": list(value.arguments)}
    if isinstance(value, Needs):
        return value.value
    if isinstance(value, frozenset):
        return sorted(_plain(part) for part in value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def request_from_json(value: Mapping[str, Any]) -> Request:
    """Raises KeyError, TypeError or ValueError for what is no request."""
    kind = _TYPES[value["type"]]
    known = {entry.name for entry in fields(kind)}
    given = {key: part for key, part in value.items() if key in known}
    if "query" in given:
        given["query"] = tuple((str(k), str(v)) for k, v in given["query"])
    if "commands" in given:
        given["commands"] = tuple(_command(part) for part in given["commands"])
    if "in_use" in given:
        given["in_use"] = frozenset(Needs(part) for part in given["in_use"])
    for entry in fields(kind):
        allowed = _SCALARS.get(str(entry.type))
        if allowed and entry.name in given and type(given[entry.name]) not in allowed:
            raise ValueError(f"{entry.name} is no {entry.type}")
    return cast(Request, kind(**given))


def _command(value: Mapping[str, Any]) -> Command:
    return Command(str(value["name"]), tuple(map(str, value["arguments"])))


class BundleWriter:
    """Writes as answers come, beside the file's place, and puts it there whole or not at all."""

    def __init__(self, path: str | os.PathLike[str], *, context: str) -> None:
        self._path = Path(path)
        self._context = context
        self._index: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._fetches = 0
        try:
            descriptor, name = tempfile.mkstemp(
                dir=self._path.parent, prefix=f".{self._path.name}.", suffix=".part"
            )
        except OSError as error:
            raise ClusterError(f"cannot write {self._path}: {error.strerror}") from error
        self._temporary = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._tar: tarfile.TarFile | None = tarfile.open(  # noqa: SIM115 - until finish
            fileobj=self._file, mode="w:gz", compresslevel=6
        )

    @property
    def captures(self) -> int:
        return len(self._index)

    def add(self, captures: tuple[Capture, ...]) -> None:
        """The captures of one fetch. Raises ClusterError where the disk is full."""
        with self._lock:
            if self._tar is None:
                return
            self._fetches += 1
            try:
                for capture in captures:
                    self._index.append(self._entry(capture))
            except OSError as error:
                raise ClusterError(f"cannot write {self._path}: {error.strerror}") from error

    def _entry(self, capture: Capture) -> dict[str, Any]:
        request = capture.request
        if isinstance(request, ExecRequest):  # each capture names its own command
            request = replace(request, commands=())
        entry: dict[str, Any] = {
            "fetch": self._fetches,
            "request": request_to_json(request),
            "started": capture.started,
            "seconds": round(capture.seconds, 6),
            "size": capture.size,
        }
        if capture.command is not None:
            entry["command"] = _plain(capture.command)
        if capture.exit_code is not None:
            entry["exit_code"] = capture.exit_code
        if capture.truncated:
            entry["truncated"] = True
        if capture.failure is not None:
            failure = capture.failure
            entry["failure"] = {"reason": failure.reason.value, "message": failure.message}
        stem = f"captures/{len(self._index):05d}-{_label(capture)}"
        for key, data in (("data", capture.data), ("stderr", capture.stderr)):
            if data:
                entry[key] = self._member(f"{stem}.{'txt' if key == 'data' else 'err'}", data)
        if capture.objects:
            text = json.dumps(list(capture.objects), separators=(",", ":"), sort_keys=True)
            entry["objects"] = self._member(f"{stem}.json", text.encode())
        return entry

    def _member(self, name: str, data: bytes) -> str:
        assert self._tar is not None
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        self._tar.addfile(info, io.BytesIO(data))
        return name

    def finish(self) -> None:
        """Puts the bundle in its place. Raises ClusterError where that cannot be."""
        with self._lock:
            if self._tar is None:
                return
            index = {
                "format": FORMAT,
                "version": __version__,
                "context": self._context,
                "captures": self._index,
            }
            try:
                self._member("index.json", json.dumps(index, indent=1).encode())
                self._tar.close()
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                os.replace(self._temporary, self._path)
            except OSError as error:
                self._drop()
                raise ClusterError(f"cannot write {self._path}: {error.strerror}") from error
            self._tar = None

    def discard(self) -> None:
        """Leaves nothing behind; does nothing after `finish`."""
        with self._lock:
            if self._tar is not None:
                self._drop()

    def _drop(self) -> None:
        tar, self._tar = self._tar, None
        with contextlib.suppress(OSError, ValueError):  # a full disk takes nothing more
            if tar is not None:
                tar.close()
        with contextlib.suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _label(capture: Capture) -> str:
    """A few words for whoever looks into the archive."""
    request = capture.request
    where = getattr(request, "node", "") or getattr(request, "pod", "")
    what = capture.command.name if capture.command else type(request).__name__.lower()
    if isinstance(request, ApiRequest):
        where, what = "api", request.path.rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{where}-{what}")[:100]


@dataclass(frozen=True, slots=True)
class Stored:
    """One capture without its bytes, which stay packed until they are asked for."""

    fetch: int
    head: Capture
    data: bytes
    stderr: bytes
    objects: bytes

    def capture(self) -> Capture:
        """Raises ValueError where its objects are no list of JSON objects."""
        items = json.loads(zlib.decompress(self.objects)) if self.objects else []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ValueError("objects are no list")
        return replace(
            self.head,
            data=zlib.decompress(self.data) if self.data else b"",
            stderr=zlib.decompress(self.stderr) if self.stderr else b"",
            objects=tuple(items),
        )

    def pages(self, length: int) -> Iterator[Capture]:
        """The capture in parts of so many objects, unpacked one part at a time. Raises ValueError
        as `capture` does."""
        if not self.objects:
            yield self.capture()
            return
        items = packed_items(self.objects)
        page = tuple(islice(items, length))
        while True:  # an empty list is one page
            if not all(isinstance(item, dict) for item in page):
                raise ValueError("objects are no list")
            yield replace(self.head, objects=page)
            page = tuple(islice(items, length))
            if not page:
                return


def store(capture: Capture, fetch: int = 0) -> Stored:
    """A capture as if it had been read from a bundle."""
    objects = json.dumps(list(capture.objects)).encode() if capture.objects else b""
    return Stored(
        fetch,
        replace(capture, data=b"", stderr=b"", objects=()),
        *(
            zlib.compress(part, 1) if part else b""
            for part in (capture.data, capture.stderr, objects)
        ),
    )


def read_bundle(path: str | os.PathLike[str]) -> tuple[str, tuple[Stored, ...]]:
    """(context, captures). Raises ParseError that names the file."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            members = dict(_members(file))
        index = json.loads(zlib.decompress(members["index.json"]))
        if index["format"] != FORMAT:
            raise ParseError(f"a bundle of another format: {index['format']!r}", file=name)
        entries = [(entry, _head(entry)) for entry in index["captures"]]
        stored = tuple(_stored(entry, head, members) for entry, head in entries if head is not None)
        return str(index.get("context", "")), stored
    except ParseError:
        raise
    except _Hostile as error:
        raise ParseError(f"not a bundle: {error}", file=name) from error
    except (LookupError, TypeError, AttributeError) as error:
        why = "its index is missing or damaged, or names what is not there"
        raise ParseError(f"not a whole bundle of kubectl svcnet ({why})", file=name) from error
    except _DAMAGED as error:
        raise ParseError(f"not a whole bundle of kubectl svcnet ({error})", file=name) from error
    except OSError as error:
        raise ParseError(error.strerror or str(error), file=name) from error


class _Hostile(Exception):
    pass


_CUT = (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error)
_DAMAGED = (*_CUT, ValueError, OverflowError, RecursionError)


class _Metered:
    """A gzip stream that refuses to unpack more than a bundle may hold."""

    def __init__(self, file: BinaryIO) -> None:
        self._stream = gzip.GzipFile(fileobj=file)

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > MAX_MEMBER:
            raise _Hostile("a member is too large")
        self._check(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._check(offset)
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()

    def _check(self, end: int) -> None:
        if end > MAX_TOTAL:
            raise _Hostile("it unpacks to too much")


def _members(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Name and packed bytes of each file."""
    with (
        contextlib.closing(_Metered(file)) as metered,
        tarfile.open(fileobj=cast(Any, metered), mode="r:") as tar,
    ):
        for number, member in enumerate(tar):
            if number >= MAX_MEMBERS:
                raise _Hostile("it has too many members")
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                raise _Hostile(f"{member.name!r} is no regular file")
            if not _NAME.fullmatch(member.name) or ".." in member.name:
                raise _Hostile(f"{member.name!r} is no name of a bundle's file")
            if member.size > MAX_MEMBER:
                raise _Hostile(f"{member.name!r} is too large")
            yield member.name, pack(tar.extractfile(member), member.size)
        while metered.read(1 << 18):  # gzip's checksum is looked at behind the last byte
            pass


def _head(entry: Mapping[str, Any]) -> Capture | None:
    """A capture's own entry; None for a command that this version does not know."""
    command = _command(entry["command"]) if "command" in entry else None
    if command is not None and command.name not in COMMANDS:
        return None
    failure = None
    if "failure" in entry:
        reason = Reason(entry["failure"]["reason"])
        failure = Failure(reason=reason, message=str(entry["failure"]["message"]))
    request = request_from_json(entry["request"])
    if isinstance(request, ExecRequest) and command is not None:
        request = replace(request, commands=(command,))
    code = entry.get("exit_code")
    return Capture(
        request=request,
        command=command,
        started=_number(entry["started"]),
        seconds=_number(entry["seconds"]),
        exit_code=None if code is None else int(_number(code)),
        size=int(_number(entry.get("size", 0), below=MAX_TOTAL)),
        truncated=bool(entry.get("truncated", False)),
        failure=failure,
    )


def _number(value: object, *, below: float = MAX_TIME) -> float:
    """Not text, not a truth, and neither infinite nor beyond what can be counted or shown."""
    if type(value) not in (int, float) or not 0 <= cast(float, value) < below:
        raise ValueError(f"{value!r:.40} is no number that can stand here")
    return float(cast(float, value))


def _stored(entry: Mapping[str, Any], head: Capture, members: Mapping[str, bytes]) -> Stored:
    parts = (members[entry[key]] if key in entry else b"" for key in ("data", "stderr", "objects"))
    return Stored(int(_number(entry["fetch"])), head, *parts)
