"""The flags of a command, typed and frozen before anything is done with them."""

from __future__ import annotations

from dataclasses import dataclass

from .address import IPNetwork


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One for all commands; seconds and bytes are plain numbers here."""

    services: tuple[str, ...] = ()
    namespace: str = "default"
    all_namespaces: bool = False
    selector: str = ""
    field_selector: str = ""
    nodes: tuple[str, ...] = ()
    node_selector: str = ""
    output: str = "table"
    headers: bool = True
    color: str = "auto"
    explain: bool = False
    steps: bool = False
    plan: bool = False
    client: str = ""  # the pod that --from picks
    settle: float = 5.0
    timeout: float = 60.0
    exec_timeout: float = 10.0
    max_parallel: int = 16
    max_dump: int = 128 << 20
    max_answer: int = 4 << 20
    max_pods: int | None = 20_000  # None: all there are
    fail_on: str = "error"
    accept_gaps: tuple[str, ...] = ()
    bundle: str = ""
    record: str = ""
    file: str = ""
    anonymise: bool = False
    verbosity: int = 0
    since: float | None = 3600.0  # None: all there is
    previous: bool = False
    follow: bool = False
    probe: bool = False
    beside: tuple[IPNetwork, ...] = ()  # networks of the caller's own, which none may overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketOptions:
    """The packet that `packet` asks about: its words as they were typed, and what else is said
    of it. `hook` "": where it enters follows from its source."""

    words: tuple[str, ...] = ()
    hook: str = ""
    in_interface: str = ""
    source_port: int | None = None
    mark: int = 0
