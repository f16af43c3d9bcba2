"""Lines of klog, the logger of every Kubernetes component.

Text lines are `I0307 04:29:29.883941       1 server.go:448] message` (klog.go formatHeader),
structured messages `"Version info" version="v1.28.0"` (1.23 on); with `logging.format: json`
each line is an object with ts, caller, msg, v. Lines without a header are either the rest of the
record above (an `err=<` block) or another library's; they are kept, with an empty level.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_HEADER = re.compile(
    r"(?P<level>[IWEF])(?P<date>\d{4}) (?P<time>\d{2}:\d{2}:\d{2}\.\d{6})\s+\d+ "
    r"[^\s:\]]+:\d+\] ?(?P<message>.*)",
    re.DOTALL,
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
#: What is opened and never closed takes all that follows, so that no line is scanned twice.
_PAIR = re.compile(
    r"([A-Za-z][\w/.-]{0,63})="
    r'("(?:[^"\\]|\\.)*"|\[[^\]]*\]?|\{[^}]*\}?|<\n(?:\t.*\n)*(?:\t.*| >)?|[^\s"]\S*)'
)

#: Keys of a JSON line that are not values of its message.
_OF_THE_LINE = ("ts", "caller", "msg", "v")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One line. `month_day` ("0307") and `clock` are as written, in the writer's zone; a JSON
    line has `epoch` instead. `message` is the text, or the quoted part of a structured one."""

    raw: str
    level: str = ""  # I W E F; "" for a line that is not klog's
    month_day: str = ""
    clock: str = ""
    epoch: float | None = None
    message: str = ""
    values: dict[str, str] = field(default_factory=dict)
    said: str = ""  # all that stands behind the header: message and values, as written


def parse_line(line: str) -> LogRecord:
    line = line.rstrip("\r\n")
    if line.startswith("{"):
        return _json_record(line)
    found = _HEADER.fullmatch(line)
    if found is None:
        return LogRecord(raw=line, message=line, said=line)
    message, values = _structured(found["message"])
    return LogRecord(
        raw=line,
        level=found["level"],
        month_day=found["date"],
        clock=found["time"],
        message=message,
        values=values,
        said=found["message"],
    )


def _structured(text: str) -> tuple[str, dict[str, str]]:
    found = _QUOTED.match(text)
    if found is None:
        return text, {}
    pairs = _PAIR.findall(text, found.end())
    return _unquoted(found[0]), {key: _unquoted(value) for key, value in pairs}


def _unquoted(text: str) -> str:
    """klog quotes with Go's strconv.Quote; JSON reads all of it but \\x and \\a."""
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]


def _json_record(line: str) -> LogRecord:
    try:
        found: Any = json.loads(line)
        if not isinstance(found, dict) or not isinstance(found.get("msg"), str):
            raise ValueError(line)
        told = {k: _named(v) for k, v in found.items() if k not in _OF_THE_LINE}
        pairs = "".join(f" {k}={_dumped(v)}" for k, v in told.items())
        values = {k: str(v) for k, v in told.items()}
    except (ValueError, RecursionError):
        return LogRecord(raw=line, message=line, said=line)
    return LogRecord(
        raw=line,
        level="E" if "err" in found and "v" not in found else "I",
        epoch=_epoch(found.get("ts")),
        message=found["msg"],
        values=values,
        said=f"{_dumped(found['msg'])}{pairs}",
    )


def _named(value: Any) -> Any:
    """A Service or a slice as the text format has it; of a port's name JSON keeps the Service."""
    if isinstance(value, dict) and value.keys() == {"name", "namespace"}:
        return f"{value['namespace']}/{value['name']}"
    return value


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _epoch(stamp: Any) -> float | None:
    """component-base/logs/json writes milliseconds, older ones seconds; NaN is JSON to Python."""
    if not isinstance(stamp, (int, float)) or not 0 <= stamp < 1e14:
        return None
    return stamp / 1000 if stamp > 1e11 else float(stamp)
