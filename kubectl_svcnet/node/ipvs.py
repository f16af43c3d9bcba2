"""A node's virtual servers: the kernel's own file, or ipvsadm where an image has it.

upstream's image has no ipvsadm, and with `cat` nothing is loaded. Where both answer ipvsadm's is
taken, since it alone shows the flags of a scheduler.
"""

from __future__ import annotations

from ..errors import ParseError
from ..model.capture import Reason
from ..model.commands import Command
from ..model.finding import Gap
from ..model.ipvs import VirtualServers
from ..parse.ipvs import parse_ipvs
from .proc import Captures

IP_VS, IPVSADM = Command("ip-vs"), Command("ipvsadm-save")

#: Reasons why nobody looked, which say nothing of the kernel.
_NOT_ASKED = (Reason.NOT_RECORDED, Reason.NO_TOOL)


def read_ipvs(answers: Captures, *, likely: bool) -> tuple[VirtualServers | None, tuple[Gap, ...]]:
    """None: not read, though there may be some. `likely`: rules or addresses show ipvs mode, so
    that an answer which nobody asked for (an older bundle) does not count as none."""
    for command in (IPVSADM, IP_VS):
        capture = answers.get(command)
        if capture is not None and capture.ok:
            try:
                return parse_ipvs(capture.text()), ()
            except ParseError as error:
                return None, (Gap(what="ipvs", why=str(error), blocking=True),)
    capture = answers.get(IP_VS)
    if capture is None or capture.failed(*_NOT_ASKED):
        return (None if likely else VirtualServers()), ()
    if capture.failure is None and b"No such file" in capture.stderr:
        return VirtualServers(), ()
    why = capture.failure.message if capture.failure else "cat could not read /proc/net/ip_vs"
    return None, (Gap(what="ipvs", why=why, blocking=True),)
