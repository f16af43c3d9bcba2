"""What kube-proxy says of itself in its log: its mode, families and version, and failed syncs.

Wordings by version are a table each, 1.1 to 1.37, as read in its sources (server_others.go,
server_linux.go, pkg/proxy/*/proxier.go) and seen in real logs. An answer of None means "this
text does not say", never a default: `Unknown proxy mode "", assuming …`, `Can't use the IPVS
proxier` and the deprecation notices name modes too, and none of them is what runs. A wording that
is not here, of a version to come, is None too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model.address import Family
from .klog import LogRecord, parse_line

#: The announcement itself and nothing around it.
_MODE = re.compile(
    r"Using (iptables|ipvs|nftables|userspace|kernelspace) Proxier\.?", re.IGNORECASE
)
#: 1.26 to 1.36, mode not configured; printed before "Using iptables Proxier".
_DEFAULTED = re.compile(r"Using (iptables|ipvs|nftables|userspace|kernelspace) proxy\.?")
_VERSION = re.compile(r"Version: (v\d\S*)")

#: The families it serves. Until 1.27 the structured form names the one that is *not* supported.
_STACK = re.compile(
    r"kube-proxy running in (?:(?P<dual>dual)-stack mode(?:, IPv[46]-primary)?"
    r"|single-stack (?:(?P<text>IPv[46]) )?mode(?P<refused>[:,] .* not supported)?)"
)

#: A sync that did not go through: text up to 1.20, structured after; nftables since 1.29, and ipvs
#: mode of single virtual servers.
_FAILED = (
    re.compile(r"Failed to sync (?:endpoint for )?service(?:: .*, err: .*)?", re.DOTALL),
    re.compile(r"Failed to execute iptables-restore(?: for \w+)?(?::.*)?", re.DOTALL),
    re.compile(r"nftables sync failed"),
    re.compile(r"Sync failed(?:; retrying in .*)?"),
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


def served_families(lines: Iterable[str]) -> tuple[Family, ...]:
    """Those that kube-proxy said it serves, at its last start; () where the lines do not say."""
    served: tuple[Family, ...] = ()
    for line in lines:
        if "ning in " in line:
            record = parse_line(line)
            found = _STACK.fullmatch(record.message.strip())
            served = _served(record, found) if found else served
    return served


def _served(record: LogRecord, found: re.Match[str]) -> tuple[Family, ...]:
    if found["dual"]:
        return tuple(Family)
    named = found["text"] or record.values.get("ipFamily", "")
    if named not in tuple(Family):
        return ()
    return tuple(one for one in Family if (one == named) is not bool(found["refused"]))


def failed_syncs(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines that tell of a sync that failed, as they are."""
    return tuple(
        line
        for line in lines
        if "ailed" in line
        and any(words.fullmatch(parse_line(line).message.strip()) for words in _FAILED)
    )
