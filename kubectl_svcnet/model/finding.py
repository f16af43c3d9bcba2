"""What a command states (`Finding`) and what it could not see (`Gap`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`title` is the catalogue's (`engine.codes`); `message` says it of this object. One that
    stands for many holds them as `objects`: what it explains, or the same elsewhere; then
    `service` and `node` are those that all share."""

    code: str  # SVN202; a number is never reused
    level: Level
    title: str
    message: str
    service: str = ""  # ns/name
    node: str = ""
    evidence: tuple[str, ...] = ()
    next: str = ""  # the command to type now
    docs: str = ""
    objects: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """`blocking`: a verdict or a range could not be reached for it."""

    what: str  # "rules", "pods/exec", "kube-proxy log", …
    why: str
    node: str = ""
    next: str = ""
    blocking: bool = False
    accepted: bool = False

    @property
    def unanswered(self) -> bool:
        """Nobody took it as it is: exit 4."""
        return self.blocking and not self.accepted
