"""What a person may call a Service: NAME, svc/NAME, NAME.NAMESPACE, an address, a node port.

As kubectl's resource builder has it: `service NAME…` names the type once for all that follow,
and TYPE/NAME may not be mixed with it. A Service's name is a DNS label, so a dot in it is the
border to its namespace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..errors import UsageError
from ..model.address import IPAddress, SocketAddress
from ..model.options import Options
from ..model.service import Service, ServiceName
from ..parse import kube_fields
from .inventory import Scope, ServicesRead

_TYPES = frozenset(("svc", "service", "services", "services.v1", "services.v1."))
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One argument: a name, or an address with or without a port, or a port of the nodes."""

    name: ServiceName | None = None
    address: IPAddress | None = None
    port: int | None = None

    def matches(self, service: Service) -> bool:
        if self.name is not None:
            return service.name == self.name
        if self.address is None:
            return any(port.node_port == self.port for port in service.ports)
        places = (*service.cluster_ips, *service.external_ips, *service.load_balancer_ips)
        return self.address in places and (
            self.port is None or any(port.port == self.port for port in service.ports)
        )

    def __str__(self) -> str:
        if self.name is not None:
            return f'services "{self.name.name}" not found'
        what = f"the node port {self.port}" if self.address is None else f"the address {self.text}"
        return f"no Service has {what}"

    @property
    def text(self) -> str:
        if self.port is None or self.address is None:
            return str(self.address)
        return str(SocketAddress(self.address, self.port))


def parse_names(options: Options) -> tuple[Named, ...]:
    """The arguments of a command. Raises UsageError in kubectl's words."""
    words = list(options.services)
    if len(words) > 1 and words[0].lower() in _TYPES:
        words = words[1:]
        if any("/" in word for word in words):
            raise UsageError(
                "there is no need to specify a resource type as a separate argument when passing "
                "arguments in resource/name form (e.g. 'kubectl svcnet trace svc/<name>')"
            )
    return tuple(_named(word, options.namespace) for word in words)


def _named(word: str, namespace: str) -> Named:
    kind, slash, name = word.rpartition("/")
    if slash:
        if kind.lower() not in _TYPES:
            raise UsageError(f"{word!r} is not a Service: write svc/NAME or NAME.NAMESPACE")
        word = name
    if word.startswith(":") and word[1:].isdecimal():
        return Named(port=_port(word[1:]))
    address, port = _address(word)
    if address is not None:
        return Named(address=address, port=port)
    parts = word.split(".")
    if len(parts) > 2 and parts[2] != "svc":
        raise UsageError(f"{word!r} is no Service name: NAME, NAME.NAMESPACE, an address or :PORT")
    names = ServiceName(parts[1] if len(parts) > 1 else namespace, parts[0])
    if len(parts) == 1:
        _namespace(namespace)
    if not all(_LABEL.fullmatch(part) for part in (names.name, names.namespace)):
        raise UsageError(f"{word!r} is no Service name: NAME, NAME.NAMESPACE, an address or :PORT")
    return Named(name=names)


def _namespace(name: str) -> str:
    """The one of -n or of the context; it becomes a part of a path."""
    if not _LABEL.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a namespace")
    return name


def _address(word: str) -> tuple[IPAddress | None, int | None]:
    """10.96.0.10, 10.96.0.10:53, fd00::1, [fd00::1]:53."""
    try:
        return kube_fields.address(word.strip("[]")), None
    except ValueError:
        pass
    host, colon, port = word.rpartition(":")
    try:
        return (kube_fields.address(host.strip("[]")), _port(port)) if colon else (None, None)
    except ValueError:
        return None, None


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UsageError(f"{text!r} is no port")
    return int(text)


def find_scopes(options: Options) -> tuple[Scope, ...]:
    """What to list, so that all that is named is in it."""
    named = parse_names(options)
    if not named:
        namespace = None if options.all_namespaces else _namespace(options.namespace)
        return (
            Scope(
                namespace=namespace,
                selector=options.selector,
                field_selector=options.field_selector,
            ),
        )
    if options.selector or options.field_selector:
        raise UsageError("a name cannot be given together with a selector (-l or --field-selector)")
    if any(each.name is None for each in named):
        return (Scope(),)
    names = dict.fromkeys(each.name for each in named if each.name is not None)
    return tuple(Scope(namespace=name.namespace, name=name.name) for name in names)


def picked(read: ServicesRead, options: Options) -> ServicesRead:
    """Only what was named, in order of name; what was named and is not there is `missing`."""
    named = parse_names(options)
    if not named:
        return read
    kept = tuple(s for s in read.services if any(each.matches(s) for each in named))
    absent = dict.fromkeys(
        str(each) for each in named if not any(each.matches(service) for service in kept)
    )
    missing = tuple(absent) if read.readable else read.missing
    return replace(read, services=kept, missing=missing)
