"""Why a packet's source address is translated, or is not, in words that name the rules.

kube-proxy marks in the chains of the Service and masquerades what is marked in POSTROUTING; who
asked for the mark says why (kubernetes pkg/proxy/iptables/proxier.go).
"""

from __future__ import annotations

import re

from ...model.fate import Fate, FateKind, Step

_ARRIVES = (FateKind.ENDPOINT, FateKind.LOCAL, FateKind.PASS)
_FROM_OUTSIDE = "it came from outside the cluster"
_WHY = {
    "KUBE-SEP-": "an endpoint calls itself",
    "KUBE-EXT-": _FROM_OUTSIDE,
    "KUBE-FW-": _FROM_OUTSIDE,
    "KUBE-XLB-": _FROM_OUTSIDE,
}
_NOT_FROM = re.compile(r"! -s (\S+)")


def source_in_words(fate: Fate) -> str:
    """ "" where the packet goes nowhere."""
    if fate.kind not in _ARRIVES:
        return ""
    if fate.masquerade is None:
        return "its source may be translated"
    mark = _marked(fate.steps)
    by = next((s.rule for s in reversed(fate.steps) if s.rule and s.action[:5] == "from "), None)
    if not fate.masquerade:
        if by is not None:
            return f"its source stays {fate.source}: {by} translates it to what it is"
        return f"its source is kept{_kept(fate, mark)}"
    text = "its source is translated" + (f" to {fate.source}" if fate.source else "")
    if by is not None:
        text += f" by {by}"
    return f"{text}: {_asked(mark)}" if mark is not None else text


def _kept(fate: Fate, mark: Step | None) -> str:
    if not fate.steps:
        return ""
    routed = [step.action for step in fate.steps if step.hook == "ROUTING"]
    if routed[-1:] == ["to this node"]:  # IPVS may send it on from there
        return ": it does not leave this node"
    if mark is not None:
        return f", although {mark.rule} marked it: no rule translated it"
    return ": no rule marked it for masquerading"


def _marked(steps: tuple[Step, ...]) -> Step | None:
    """The rule that sent it to be marked, or that marked it itself; the last one counts."""
    found = None
    for before, step in zip((None, *steps), steps, strict=False):
        if step.hook == "POSTROUTING" or step.rule is None:
            continue
        if step.action.startswith("mark ") and step.action != "mark 0x0":
            jumped = before is not None and before.action == f"jump {step.rule.chain.chain}"
            found = before if jumped else step
    return found


def _asked(mark: Step) -> str:
    rule = mark.rule
    assert rule is not None
    why = next((why for prefix, why in _WHY.items() if rule.chain.chain.startswith(prefix)), "")
    outside = _NOT_FROM.search(rule.raw)
    if not why and outside:
        why = f"it is not from {outside[1]}"
    return f"{rule} marked it for that" + (f" ({why})" if why else "")
