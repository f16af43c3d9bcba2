"""Flags to frozen options, before anything is done with them.

Durations are Go's (300ms, 10s, 1m30s) or plain seconds, sizes Kubernetes quantities (4Mi).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from ..cluster.config import Overrides
from ..cluster.limits import Limits
from ..errors import ParseError, UsageError
from ..model.address import IPNetwork
from ..model.options import Options
from ..parse.cidr import parse_networks

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


#: Go's time.Duration ends there.
_LONGEST = 2**63 / 1e9


def duration(text: str, flag: str) -> float:
    if text.startswith("-"):
        raise UsageError(f"{flag} must not be negative")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(text)
    elif parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        raise _invalid(text, flag, "write 10s, 2m or 1m30s")
    if seconds > _LONGEST:
        raise _invalid(text, flag, "it is too long")
    return seconds


def _invalid(text: str, flag: str, why: str) -> UsageError:
    """As kubectl puts it."""
    return UsageError(f'invalid argument "{text}" for "{flag}" flag: {why}')


def size(text: str, flag: str) -> int:
    found = re.fullmatch(r"(\d+)(Ki|Mi|Gi|k|M|G)?B?", text)
    if not found:
        raise _invalid(text, flag, "write 4Mi or 1048576")
    return int(found[1]) * _SIZES[found[2] or ""]


def count(text: str, flag: str, *, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise _invalid(text, flag, f"write a number of at least {least}")
    return int(text)


def number(text: str, flag: str, *, below: int) -> int:
    """In decimal, or as marks are written: 0x4000."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < below:
        raise _invalid(text, flag, f"write a number from 0 to {below - 1}")
    return value


def networks(texts: Iterable[str], flag: str) -> tuple[IPNetwork, ...]:
    """A text without any, as of a variable that is not set, would seem to overlap nothing."""
    found: list[IPNetwork] = []
    for text in texts:
        try:
            some = parse_networks(text)
        except ParseError as error:
            raise UsageError(f"{flag}: {error}; write 10.8.0.0/16") from error
        if not some:
            raise _invalid(text, flag, "write 10.8.0.0/16")
        found += some
    return tuple(found)


def to_options(given: argparse.Namespace, *, namespace: str, timeout: float = 60.0) -> Options:
    """`namespace` is that of the kubeconfig's context, which -n overrides."""
    flags = vars(given)
    return Options(
        services=tuple(flags.get("services") or ()),
        namespace=flags.get("namespace") or namespace,
        all_namespaces=flags.get("all_namespaces", False),
        selector=flags.get("selector", ""),
        field_selector=flags.get("field_selector", ""),
        nodes=tuple(flags.get("nodes", ())),
        node_selector=flags.get("node_selector", ""),
        output=flags.get("output", "table"),
        headers=not flags.get("no_headers", False),
        color=flags.get("color", "auto"),
        explain=flags.get("explain", False),
        steps=flags.get("steps", False),
        client=flags.get("client", ""),
        plan=flags.get("plan", False),
        settle=duration(flags.get("settle", "5s"), "--settle"),
        timeout=duration(flags["timeout"], "--timeout") if "timeout" in flags else timeout,
        exec_timeout=duration(flags.get("exec_timeout", "10s"), "--exec-timeout"),
        max_parallel=count(flags.get("max_parallel", "16"), "--max-parallel", least=1),
        max_dump=size(flags.get("max_dump", "128Mi"), "--max-dump"),
        max_answer=size(flags.get("max_answer", "4Mi"), "--max-answer"),
        max_pods=count(flags.get("max_pods", "20000"), "--max-pods", least=0),
        fail_on=flags.get("fail_on", "error"),
        accept_gaps=tuple(flags.get("accept_gaps", ())),
        bundle=flags.get("bundle", ""),
        record=flags.get("record", ""),
        file=flags.get("file", ""),
        anonymise=flags.get("anonymise", False),
        verbosity=count(flags.get("verbosity", "0"), "-v", least=0),
        since=duration(flags.get("since", "1h"), "--since") or None,
        previous=flags.get("previous", False),
        follow=flags.get("follow", False),
        probe=flags.get("probe", False),
        beside=networks(flags.get("beside", ()), "--with"),
    )


def to_overrides(given: argparse.Namespace) -> Overrides:
    flags = vars(given)
    return Overrides(
        kubeconfig=flags.get("kubeconfig"),
        context=flags.get("context"),
        cluster=flags.get("cluster"),
        user=flags.get("user"),
        namespace=flags.get("namespace"),
        server=flags.get("server"),
        certificate_authority=flags.get("certificate_authority"),
        insecure=flags.get("insecure_skip_tls_verify"),
        tls_server_name=flags.get("tls_server_name"),
        client_certificate=flags.get("client_certificate"),
        client_key=flags.get("client_key"),
        token=flags.get("token"),
        username=flags.get("username"),
        password=flags.get("password"),
        disable_compression=flags.get("disable_compression"),
        as_user=flags.get("as_user"),
        as_uid=flags.get("as_uid"),
        as_groups=tuple(flags.get("as_groups", ())),
        as_user_extra=tuple(flags.get("as_user_extra", ())),
        request_timeout=flags.get("request_timeout"),
    )


def to_limits(options: Options) -> Limits:
    return Limits(
        timeout=options.timeout or None,
        exec_timeout=options.exec_timeout,
        max_parallel=options.max_parallel,
        max_dump=options.max_dump,
        max_answer=options.max_answer,
    )
