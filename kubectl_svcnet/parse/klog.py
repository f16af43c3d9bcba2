"""Lines of klog, the logger of every Kubernetes component, and what kube-proxy says in them.

Text lines are `I0307 04:29:29.883941       1 server.go:448] message` (klog.go formatHeader),
structured messages `"Version info" version="v1.28.0"` (1.23 on); with `logging.format: json`
each line is an object with ts, caller, msg, v. Lines without a header are either the rest of the
record above (an `err=<` block) or another library's; they are kept, with an empty level.

kube-proxy names its mode once, at its start, so an answer of None means "this text does not
say", never a default: `Unknown proxy mode "", assuming …`, `Can't use the IPVS proxier` and the
deprecation notices name modes too, and none of them is what runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_HEADER = re.compile(
    r"(?P<level>[IWEF])(?P<date>\d{4}) (?P<time>\d{2}:\d{2}:\d{2}\.\d{6})\s+(?P<thread>\d+) "
    r"(?P<file>[^\s:\]]+):(?P<line>\d+)\] ?(?P<message>.*)",
    re.DOTALL,
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PAIR = re.compile(r'([A-Za-z][\w/.-]*)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|[^\s"]\S*)')

#: The announcement itself and nothing around it: 1.1 to 1.37 (server_others.go, server_linux.go).
_MODE = re.compile(
    r"Using (iptables|ipvs|nftables|userspace|kernelspace) Proxier\.?", re.IGNORECASE
)
#: 1.26 to 1.36, mode not configured; printed before "Using iptables Proxier".
_DEFAULTED = re.compile(r"Using (iptables|ipvs|nftables|userspace|kernelspace) proxy\.?")
_VERSION = re.compile(r"Version: (v\d\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One line. `month_day` ("0307") and `clock` are as written, in the writer's zone; a JSON
    line has `epoch` instead. `message` is the text, or the quoted part of a structured one."""

    raw: str
    level: str = ""  # I W E F; "" for a line that is not klog's
    month_day: str = ""
    clock: str = ""
    epoch: float | None = None
    caller: str = ""  # server.go:448
    message: str = ""
    values: dict[str, str] = field(default_factory=dict)


def parse_line(line: str) -> LogRecord:
    line = line.rstrip("\r\n")
    if line.startswith("{"):
        return _json_record(line)
    found = _HEADER.fullmatch(line)
    if found is None:
        return LogRecord(raw=line, message=line)
    message, values = _structured(found["message"])
    return LogRecord(
        raw=line,
        level=found["level"],
        month_day=found["date"],
        clock=found["time"],
        caller=f"{found['file']}:{found['line']}",
        message=message,
        values=values,
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
    except (ValueError, RecursionError):
        return LogRecord(raw=line, message=line)
    if not isinstance(found, dict) or not isinstance(found.get("msg"), str):
        return LogRecord(raw=line, message=line)
    stamp = found.get("ts")
    return LogRecord(
        raw=line,
        level="E" if "err" in found and "v" not in found else "I",
        # component-base/logs/json writes milliseconds, older ones seconds
        epoch=None
        if not isinstance(stamp, (int, float))
        else stamp / 1000
        if stamp > 1e11
        else float(stamp),
        caller=str(found.get("caller", "")),
        message=found["msg"],
        values={k: str(v) for k, v in found.items() if k not in ("ts", "caller", "msg", "v")},
    )


def proxier_mode(lines: Iterable[str]) -> str | None:
    """The mode that kube-proxy said it runs in, lower case; None where the lines do not say.

    The last announcement counts (a log may hold two starts); `Using iptables proxy`, which only
    says what an empty configuration means, counts where no announcement follows.
    """
    announced = defaulted = None
    for line in lines:
        if "sing " not in line:  # most lines; spares parsing them
            continue
        message = parse_line(line).message.strip()
        if found := _MODE.fullmatch(message):
            announced = found[1].lower()
        elif found := _DEFAULTED.fullmatch(message):
            defaulted = found[1]
    return announced or defaulted


def version(lines: Iterable[str]) -> str | None:
    """The version that kube-proxy said it is, `v1.19.0`; None where the lines do not say."""
    said = None
    for line in lines:
        if "ersion" not in line:
            continue
        record = parse_line(line)
        if record.message == "Version info":
            said = record.values.get("version", said)
        elif found := _VERSION.fullmatch(record.message.strip()):
            said = found[1]
    return said
