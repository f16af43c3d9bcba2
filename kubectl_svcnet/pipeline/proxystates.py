"""One node's facts put together: the API's, kube-proxy's own words, and what the kernel shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..dataplanes import DATAPLANES
from ..model.capture import Capture, Reason
from ..model.commands import Needs
from ..model.fate import IPTABLES, Backend
from ..model.finding import Gap
from ..model.kube_proxy import embedded, image_version, proxy_container
from ..model.nodeview import NodeView
from ..model.proxystate import ProxyState, Setting, Told
from ..model.service import Node, Pod
from ..parse.rfc3339 import parse_time
from .collect import Collector
from .down import down_of
from .dumps import NFT_VERSION
from .leftovers import AtWork
from .nodes import NodeReading
from .told import Heard

#: Where the image's wrapper looks to choose a backend, nft first (iptables-wrapper 2).
_HINTS = ("KUBE-IPTABLES-HINT", "KUBE-KUBELET-CANARY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`agents` None: the list of pods was not read."""

    node: Node
    reading: NodeReading
    pod: Pod | None = None
    heard: Heard | None = None
    agents: tuple[Pod, ...] | None = None
    nft: str = ""

    @property
    def view(self) -> NodeView | None:
        """None also where something programs the node that has no reader here."""
        return self.reading.view if self.reading.owner.reader is not None else None

    @property
    def told(self) -> Told:
        return self.heard.told if self.heard else Told()

    @property
    def cut(self) -> bool:
        """Something was not read, so what the kernel does not show may be there all the same."""
        reading = self.reading
        walks = (walk for each in reading.walks.values() for walk in each)
        listed = reading.view.rulesets.values() if reading.view else ()
        native = reading.view.nft_tables if reading.view else ()
        return (
            reading.failure is not None
            or any(_not_recorded(capture) for capture in reading.captures.values())
            or not all(chain.whole for table in native for chain in table.chains.values())
            or not all("nat" in ruleset.tables or ruleset.complete for ruleset in listed)
            or any(fate.unread for walk in walks for fate in walk.fates)
        )


def _not_recorded(capture: Capture) -> bool:
    """What only an image without certain tools runs is seldom in a bundle."""
    always = capture.command is None or not capture.command.spec.unless
    return always and capture.failed(Reason.NOT_RECORDED)


def state_of(facts: Facts, settings: Mapping[str, Setting], now: float) -> ProxyState:
    """`now`: when the pods were read."""
    pod, view, told = facts.pod, facts.view, facts.told
    container = proxy_container(pod) if pod else None
    name = str(pod) if pod else ""
    built = told.metrics.version if told.metrics else ""
    tagged = image_version(pod) if pod else facts.node.kubelet if embedded(facts.node) else ""
    return ProxyState(
        node=facts.node.name,
        owner=facts.reading.owner.name,
        apart=facts.node.virtual or facts.node.os != "linux",
        pod=name,
        configured=settings.get(name),
        told=told,
        programmed=_programmed(view, told.running, cut=facts.cut) if view is not None else None,
        bare=() if view is None or facts.cut else tuple(sorted(facts.reading.bare)),
        serves=facts.reading.serves,
        witness=facts.reading.witness,
        backend=_backend(view) if view is not None else "",
        backends=tuple(b.value for b in _programming(view)) if view is not None else (),
        version=built or told.log_version or tagged,
        kernel=facts.node.kernel,
        nft=facts.nft,
        down=down_of(pod, now) if pod else None,
        process=facts.reading.state,
        restarts=container.restarts if container else 0,
        started=parse_time(container.started) if container else None,
    )


def unshown(facts: Facts, state: ProxyState) -> tuple[Gap, ...]:
    """Of a node that answered, and what runs there is not among what could be read."""
    reading = facts.reading
    told = any(gap.blocking and gap.what == "rules" for gap in reading.gaps)
    if facts.view is None or state.programmed is not None or told:
        return ()
    why = reading.failure.message if reading.failure else "chains that packets meet were not read"
    return (Gap(what="rules", node=facts.node.name, why=why, blocking=True),)


def at_work(facts: Facts) -> AtWork:
    view, told = facts.view, facts.told
    shown = _modes(view) if view is not None else ()
    return AtWork(
        mode=told.running or (shown[0] if len(shown) == 1 else ""),
        backend=_backend(view) if view is not None else "",
        agents=facts.agents,
        kubelet=facts.node.kubelet,
    )


def _modes(view: NodeView) -> tuple[str, ...]:
    return tuple(one.name.removeprefix("kube-proxy/") for one in DATAPLANES if one.programmed(view))


def _programmed(view: NodeView, running: str, *, cut: bool) -> tuple[str, ...] | None:
    """As a person reads it; of iptables with each backend that shows it. None: what runs is not
    among what could be read."""
    found: list[str] = []
    modes = _modes(view)
    if cut and (not modes or running not in ("", *modes)):
        return None
    for mode in modes:
        if mode == "iptables":
            found += [f"iptables ({backend.value})" for backend in _programming(view)]
        else:
            found.append(mode)
    return tuple(found)


def _programming(view: NodeView) -> tuple[Backend, ...]:
    """The backends in which kube-proxy's iptables mode shows."""
    [iptables] = [one for one in DATAPLANES if one.name == "kube-proxy/iptables"]
    return tuple(backend for backend in IPTABLES if iptables.programmed(_only(view, backend)))


def _only(view: NodeView, backend: Backend) -> NodeView:
    rulesets = {key: ruleset for key, ruleset in view.rulesets.items() if key[1] is backend}
    return replace(view, rulesets=rulesets, nft_tables=())


def _backend(view: NodeView) -> str:
    """The one that holds kube-proxy's rules; of both, the one that its image's wrapper takes."""
    shown = _programming(view)
    if len(shown) == 1:
        return shown[0].value
    for backend in IPTABLES:
        for (_, found), ruleset in view.rulesets.items():
            if found is backend and any(ruleset.chain("mangle", hint) for hint in _HINTS):
                return backend.value
    return shown[0].value if shown else ""


def read_nft_version(collector: Collector, reading: NodeReading) -> str:
    """Of the image's nft, where kube-proxy uses it."""
    vantage = reading.vantage
    if vantage is None or not vantage.proxy:
        return ""
    request = vantage.asked((NFT_VERSION,), in_use=frozenset({Needs.NF_TABLES}))
    found = re.search(r"v(\d+(?:\.\d+)+)", collector.fetch_one(request).text())
    return found[1] if found else ""
