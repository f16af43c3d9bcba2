"""Does a test notice when a match or target means something else? `make mutants`

Each mutant is one change of one line of the simulator, made in a copy of the tree: a negation
dropped, a mask ignored, a goto taken for a jump, an order turned round. The unit tests beside it
must fail. Ends with status 1 if one survives. With words it tries only mutants that hold them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIMULATE = "kubectl_svcnet/engine/simulate"
TESTS = ("tests/engine/simulate",)

#: A pattern of one line, and what it becomes. Every line that has it is one mutant.
EVERYWHERE = [
    (r" is not match\.negated", ""),
    (r"return match\.negated$", "return False"),
    (r"return not match\.negated$", "return True"),
    (r", match\.negated, ", ", False, "),
    (r" is not what\.negated", ""),
    (r", what\.negated, ", ", False, "),
    (r" & match\.mask ==", " =="),
    (r" & int\(network\.netmask\) ==", " =="),
    (r" <= int\(address\) <= ", " < int(address) < "),
    (r"first <= port <= last", "first < port <= last"),
    (r"first <= port <= last", "first <= port < last"),
    (r"match\.side is m\.Side\.SOURCE", "match.side is not m.Side.SOURCE"),
    (r"what\.side is m\.Side\.SOURCE", "what.side is not m.Side.SOURCE"),
    (r"if match\.outgoing", "if not match.outgoing"),
    (r"match\.alone", "True"),
]
#: File, line, what it becomes.
SINGLE = [
    ("matching.py", 'device.startswith(name[:-1]) if name.endswith("+") else', ""),
    ("matching.py", "match.mask & flags == match.set", "flags == match.set"),
    ("matching.py", "match.kinds <= kinds", "bool(match.kinds & kinds)"),
    (
        "matching.py",
        "1 - match.probability if match.negated else match.probability",
        "match.probability",
    ),
    ("matching.py", "match.first <= 0 <= match.last", "True"),
    ("matching.py", "return match.own_address is not", "return False is not"),
    ("matching.py", "True if match.loose else None", "None"),
    ("matching.py", "usual=match.negated", "usual=None"),
    ("matching.py", "usual=match.none", "usual=None"),
    (
        "tracked.py",
        "if not connected(flow):\n        return False",
        "if False:\n        return False",
    ),
    ("tracked.py", "and flow.destination_changed)", ")"),
    ("tracked.py", '"CONFIRMED" in match.words', "False"),
    ("tracked.py", 'Tracking.NONE: "INVALID"', 'Tracking.NONE: "NEW"'),
    ("tracked.py", 'Tracking.UNTRACKED: "UNTRACKED"', 'Tracking.UNTRACKED: "INVALID"'),
    ("tracked.py", "is match.reply", "is not match.reply"),
    ("tracked.py", "return flow.destination, flow.source", "return flow.source, flow.destination"),
    ("sets.py", "member.nomatch is match.exception", "True"),
    ("sets.py", "len(match.sides) < len(found.kinds) or ", ""),
    ("sets.py", "found.family not in (None, flow.family)", "False"),
    ("sets.py", "if member.expires:", "if False:"),
    ("sets.py", "None if found.bitmap else protocol", "protocol"),
    ("sets.py", "flow.source if source else flow.destination", "flow.destination"),
    ("sets.py", "flow.source_port if source else flow.destination_port", "flow.destination_port"),
    ("sets.py", "flow.in_device if source else flow.out_device", "flow.in_device"),
    ("sets.py", "flow.mark & found.markmask", "flow.mark"),
    ("sets.py", "and _has(found, key[0])", "and False"),
    ("sets.py", "if found.netmask is not None:", "if False:"),
    ("sets.py", "for length in found.lengths:", "for length in reversed(found.lengths):"),
    (
        "chains.py",
        "(frame.parent, frame.resume) if jump.goto else (frame, index)",
        "(frame, index)",
    ),
    (
        "chains.py",
        "(frame.parent, frame.resume) if jump.goto else (frame, index)",
        "(frame.parent, frame.resume)",
    ),
    ("chains.py", "index = len(frame.rules)\n", "pass\n"),
    ("chains.py", 'if self._chain.policy == "DROP":', "if False:"),
    ("chains.py", "mark=flow.mark & ~target.mask ^ target.value)", "mark=target.value)"),
    (
        "chains.py",
        "mark=flow.mark & ~target.mask ^ target.value)",
        "mark=flow.mark | target.value)",
    ),
    ("chains.py", "flow.connection_mark & ~target.mask ^ target.value", "target.value"),
    ("chains.py", "saved = flow.mark & target.packet_mask", "saved = flow.mark"),
    ("chains.py", "flow.connection_mark & ~target.connection_mask ^ saved", "saved"),
    (
        "chains.py",
        "restored = flow.connection_mark & target.connection_mask",
        "restored = flow.connection_mark",
    ),
    ("chains.py", "mark=flow.mark & ~target.packet_mask ^ restored", "mark=restored"),
    ("chains.py", "branch.change(tracking=Tracking.UNTRACKED)", "pass"),
    ("chains.py", "branch.change(tracking=Tracking.NEW)", "pass"),
    ("chains.py", "walk.wanted.add(doubt.where)", "pass"),
    ("translation.py", "first + side)", "first)"),
    ("translation.py", "old if keeps else ports.first", "ports.first"),
    ("translation.py", "(old - ports.base) % 65536 % count", "0"),
    ("translation.py", "flow.destination_changed or changed", "True"),
    ("translation.py", "changed=None if old is None else address != old", "changed=True"),
    ("translation.py", "int(old) & int(target.network.hostmask)", "0"),
    ("translation.py", "source_port=None)", ")"),
    ("translation.py", "if not entry.address.is_link_local]", "]"),
    ("path.py", "in () if again else groups", "in groups"),
    ("path.py", "if flow.destination_changed or marked:", "if marked:"),
    ("path.py", "if flow.destination_changed or marked:", "if flow.destination_changed:"),
    (
        "path.py",
        "for side, order in enumerate(orders):",
        "for side, order in enumerate(orders[:1]):",
    ),
    ("path.py", "flow.destination_settled if destination else flow.source_settled", "False"),
    ("path.py", 'branch.change(in_device=LOOPBACK, out_device="")', "pass"),
    ("answers.py", "if flow.destination_changed:  # translated back on its way", "if False:"),
    ("answers.py", "Tracking.RELATED if tracked else Tracking.INVALID", "Tracking.RELATED"),
    ("answers.py", "        mark=0,\n", ""),
    ("answers.py", "if not flow.own or flow.source_changed is False:", "if True:"),
    ("routing.py", "hop.is_link_local or not e.address.is_link_local", "True"),
    ("routing.py", "if not entry.address.is_loopback]", "]"),
    ("routing.py", "(-r.destination.prefixlen, r.metric or 0)", "(0, r.metric or 0)"),
    ("routing.py", "(-r.destination.prefixlen, r.metric or 0)", "(-r.destination.prefixlen, 0)"),
    ("routing.py", 'best.kind == "throw"', "False"),
    ("routing.py", "best.destination.prefixlen <= rule.suppress", "False"),
    ("routing.py", "near or [e.address for e in usable]", "[e.address for e in usable]"),
    ("policy.py", "sought.mark & rule.mark[1] ==", "sought.mark =="),
    ("policy.py", "whole is not rule.negated", "whole"),
    ("policy.py", "not rule.out_device,", "True,"),
    ("policy.py", "rule.uids[0] == 0", "True"),
    ("policy.py", "rule.protocol == sought.protocol", "True"),
    ("policy.py", "if maybe <= {found} else UNKNOWN_WAY", ""),
    ("policy.py", "False if unset else None", "None"),
]


@dataclass(frozen=True)
class Mutant:
    path: str
    start: int
    end: int
    new: str
    line: str

    def __str__(self) -> str:
        return f"{self.path}: {self.line} -> {self.new.strip() or '(nothing)'}"


def mutants() -> Iterator[Mutant]:
    for path in sorted((ROOT / SIMULATE).glob("*.py")):
        text, name = path.read_text(encoding="utf-8"), f"{SIMULATE}/{path.name}"
        for pattern, new in EVERYWHERE:
            for found in re.finditer(pattern, text, re.MULTILINE):
                yield Mutant(name, *found.span(), new, _line(text, found.start()))
        for where, old, new in SINGLE:
            if where == path.name:
                at = text.find(old)
                if at < 0:
                    raise LookupError(f"{name} has no longer: {old}")
                yield Mutant(name, at, at + len(old), new, _line(text, at))


def _line(text: str, at: int) -> str:
    number = text.count("\n", 0, at) + 1
    return f"{number}: {text.splitlines()[number - 1].strip()}"


def is_caught(mutant: Mutant, tree: Path) -> bool:
    path = tree / mutant.path
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: mutant.start] + mutant.new + text[mutant.end :], encoding="utf-8")
    try:
        run = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS]
        return subprocess.run(run, cwd=tree, capture_output=True, check=False).returncode != 0
    finally:
        path.write_text(text, encoding="utf-8")


def main(words: list[str]) -> int:
    every = [one for one in mutants() if all(word in str(one) for word in words)]
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in ("kubectl_svcnet", "tests"):
            skip = shutil.ignore_patterns("__pycache__", "lab")
            shutil.copytree(ROOT / name, tree / name, ignore=skip)
        shutil.copy(ROOT / "pyproject.toml", tree)
        for number, mutant in enumerate(every, start=1):
            caught = is_caught(mutant, tree)
            survived += not caught
            sys.stdout.write(
                f"{number}/{len(every)} {'caught' if caught else 'SURVIVED'} {mutant}\n"
            )
            sys.stdout.flush()
    sys.stdout.write(f"{len(every)} mutants, {survived} survived\n")
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
