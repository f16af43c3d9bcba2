"""Which HTTP proxy the environment asks for, by Go's rules, for requests and execs alike.

Go: `golang.org/x/net/http/httpproxy`. Loopback is never proxied, NO_PROXY takes names, suffixes,
addresses, ranges and `*`, each with an optional port.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_for(server: str, environment: Mapping[str, str]) -> str | None:
    parts = urlsplit(server)
    host, scheme = (parts.hostname or "").lower(), parts.scheme.lower()
    name = "HTTPS_PROXY" if scheme == "https" else "HTTP_PROXY"
    proxy = environment.get(name) or environment.get(name.lower())
    if not proxy or not host or _is_loopback(host):
        return None
    excluded = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    port = str(parts.port or (443 if scheme == "https" else 80))
    if any(_excludes(entry.strip().lower(), host, port) for entry in excluded.split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _excludes(entry: str, host: str, port: str) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass  # one of the two is a name, or the entry has a port
    name, mark, wanted = entry.rpartition(":")
    if mark and wanted.isdigit() and not (":" in name and not name.startswith("[")):
        if wanted != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*")
    bare = entry.lstrip(".")
    return host.endswith("." + bare) or (host == bare and not entry.startswith("."))
