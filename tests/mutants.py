"""Changes of meaning that a test must notice: data for `tests.mutate`.

Each is one change of one line of the simulator: a negation dropped, a mask ignored, a goto taken
for a jump, an order turned round. `tests/test_mutants.py` holds that each match and each target
of the model has at least one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIMULATE = "kubectl_svcnet/engine/simulate"

#: A pattern of one line, and what it becomes. Every line that has it is one mutant.
EVERYWHERE = [
    (r" is not match\.negated", ""),
    (r"return match\.negated$", "return False"),
    (r"return not match\.negated$", "return True"),
    (r", match\.negated, ", ", False, "),
    (r" is not what\.negated", ""),
    (r", what\.negated, ", ", False, "),
    (r" & match\.mask ==", " =="),
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
    ("bridges.py", 'device.startswith(name[:-1]) if name.endswith("+") else', ""),
    ("bridges.py", "if came_by_port is False:", "if False:"),
    ("bridges.py", "False if came_by_port and flow.bridged is False else", ""),
    ("bridges.py", "or flow.destination == sent_to", ""),
    ("bridges.py", "and flow.in_device != flow.out_device", "and False"),
    ("bridges.py", "place.routing) if shown else shown", "place.routing)"),
    ("bridges.py", "if shown is False or by_port is False:", "if by_port is False:"),
    ("bridges.py", 'value == "1" if', "True if"),
    ("bridges.py", "if flow.bridged is False or not match.name", "if not match.name"),
    ("ipvs.py", '{"INPUT": 99, "OUTPUT": -98}', '{"INPUT": -99, "OUTPUT": -98}'),
    ("ipvs.py", '{"INPUT": 99, "OUTPUT": -98}', '{"INPUT": 99, "OUTPUT": 98}'),
    ("ipvs.py", " or flow.answering is not Answering.NOTHING", ""),
    ("ipvs.py", "return at_port or self._by_place.get((kind, address, 0))", "return at_port"),
    ("ipvs.py", "marked.family in (None, flow.family)", "False"),
    ("ipvs.py", "() if any_port else", ""),
    ("ipvs.py", 'kept if expires == "1" else', ""),
    ("ipvs.py", "if real.weight > 0]", "]"),
    ("ipvs.py", "weights = {index: real.weight", "weights = {index: 1"),
    ("ipvs.py", "if usable and not fallback and", "if usable and"),
    ("ipvs.py", "tracking=Tracking.UNTRACKED", "tracking=flow.tracking"),
    ("matching.py", "return (flow.scheduled is not None) is not match.negated", "return False"),
    ("matching.py", "destination=virtual.address, ", ""),
    ("path.py", "if flow.destination.is_loopback and hook", "if False and hook"),
    ("path.py", "if flow.source is not None and flow.source.is_loopback:", "if False:"),
    ("path.py", 'self.hook("OUTPUT", branch, again=True), self._leave', "[branch], self._leave"),
    (
        "arrival.py",
        'values = _values("route_localnet", device',
        'values = _values("route_localnet", None',
    ),
    (
        "arrival.py",
        'values = _values("accept_local", device',
        'values = _values("accept_local", None',
    ),
    ("arrival.py", 'loose = "2" in values and', "loose ="),
    ("arrival.py", "and (loose or way.device in (flow.in_device, None))", ""),
    (
        "arrival.py",
        "for address in (flow.source, flow.destination):",
        "for address in (flow.source,):",
    ),
    ("arrival.py", "return flow.mark if", "return 0 if"),
    ("arrival.py", "or routing.broadcasts(destination, device)", ""),
    ("path.py", 'in_device="" if branch.flow.bridged else None', "bridged=None"),
    (
        "routing.py",
        "destination in (e.address for e in self._view.addresses)",
        "False",
    ),
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
    ("tracked.py", "and flow.destination_changed and", "and"),
    ("tracked.py", "and flow.scheduled is None", ""),
    ("tracked.py", '"CONFIRMED" in match.words', "False"),
    ("tracked.py", 'Tracking.NONE: "INVALID"', 'Tracking.NONE: "NEW"'),
    ("tracked.py", 'Tracking.UNTRACKED: "UNTRACKED"', 'Tracking.UNTRACKED: "INVALID"'),
    ("tracked.py", "is match.reply", "is not match.reply"),
    ("tracked.py", "return flow.destination, flow.source", "return flow.source, flow.destination"),
    ("sets.py", "member.nomatch is (match.exception and", "member.nomatch is (True and"),
    ("sets.py", "len(match.sides) < len(found.kinds) or ", ""),
    ("sets.py", "found.family not in (None, flow.family)", "False"),
    ("sets.py", "if member.expires:", "if False:"),
    ("sets.py", "None if found.bitmap else protocol", "protocol"),
    ("sets.py", "flow.source if source else flow.destination", "flow.destination"),
    ("sets.py", "flow.ports[not source]", "flow.ports[1]"),
    ("sets.py", "flow.in_device if source else flow.out_device", "flow.in_device"),
    ("sets.py", "flow.mark & found.markmask", "flow.mark"),
    ("sets.py", "and _has(found, key[0])", "and False"),
    ("sets.py", "if found.netmask is not None:", "if False:"),
    ("sets.py", "for length in found.lengths if", "for length in reversed(found.lengths) if"),
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
    (
        "answers.py",
        "if translated:\n            one.change(source=None)",
        "if False:\n            pass",
    ),
    ("answers.py", "one.change(source=path.packet.destination)", "pass"),
    ("answers.py", "kind is Answering.RESET or ", ""),
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
    ("matching.py", "return False\n\n\ndef _varies", "return True\n\n\ndef _varies"),
    ("matching.py", "return Depends(match.words)", "return True"),
    ("matching.py", 'return Depends(f"limit {match.words}")', "return True"),
    ("matching.py", "return Odds(yes)", "return True"),
    ("matching.py", "usual=False if local is False else None", "usual=None"),
    (
        "chains.py",
        'ref, "accept")\n                self._done.append(branch)\n                return True',
        'ref, "accept")\n                return False',
    ),
    ("chains.py", "Ending(FateKind.DROP, str(ref))", "Ending(FateKind.REJECT, str(ref))"),
    ("chains.py", "Ending(FateKind.REJECT, str(ref)", "Ending(FateKind.DROP, str(ref)"),
    ("chains.py", 'Answering.RESET if reject.answer == "tcp-reset" else ', ""),
    ("chains.py", "or isinstance(target, t.Nothing)", ""),
    ("chains.py", "flow.connection_mark & target.connection_mask\n", "flow.connection_mark\n"),
    ("translation.py", "(branch, first)]", "(branch, first + 1)]"),
    ("translation.py", "one.weight = branch.weight / count", "pass"),
    ("translation.py", "_LOOPBACK[flow.family]", "flow.destination"),
    ("translation.py", "any_port = target.random or target.ports is not None", "any_port = False"),
    ("translation.py", "changed = old not in picks or", "changed = True or"),
    (
        "translation.py",
        "old = branch.flow.destination if destination else branch.flow.source",
        "old = branch.flow.destination",
    ),
    (
        "nft_chains.py",
        "(frame.parent, frame.resume) if jump.goto else (frame, index + 1)",
        "(frame, index + 1)",
    ),
    (
        "nft_chains.py",
        "(frame.parent, frame.resume) if jump.goto else (frame, index + 1)",
        "(frame.parent, frame.resume)",
    ),
    ("nft_chains.py", "return frame, len(frame.rules), 0", "return frame, index + 1, 0"),
    ("nft_chains.py", "return frame, index + 1, 0", "return frame, index, at + 1"),
    ("nft_chains.py", "return frame, index, at + 1", "return frame, index + 1, 0"),
    ("nft_chains.py", 'if policy == "drop":', "if False:"),
    ("nft_chains.py", "if chain is None or not chain.whole:", "if chain is None:"),
    ("nft_chains.py", "if not base.chain.whole:", "if False:"),
    ("nft_matching.py", 'match.operator != "!=" or ', "True or "),
    ("nft_matching.py", "None if found.usual is None else not found.usual", "found.usual"),
    (
        "nft_matching.py",
        "return bool(left.words & right.words)",
        "return left.words == right.words",
    ),
    (
        "nft_matching.py",
        "return not left.words & right.words",
        "return bool(left.words & right.words)",
    ),
    (
        "nft_matching.py",
        "return left.words == right.words if",
        "return bool(left.words & right.words) if",
    ),
    ("nft_matching.py", "if isinstance(right, nft.Flags):", "if False:"),
    ("nft_matching.py", 'is (right == "exists")', ""),
    ("nft_matching.py", "left, most = left.left, mask + 1", "left = left.left"),
    ("nft_matching.py", '"<=": right + 1', '"<=": right'),
    ("nft_matching.py", "most - right - 1", "most - right"),
    ("nft_matching.py", "a < b", "a > b"),
    ("nft_matching.py", "a <= b", "a < b"),
    ("nft_matching.py", "a > b", "a < b"),
    ("nft_matching.py", "a >= b", "a > b"),
    ("nft_matching.py", "return found is not None", "return found is None"),
    ("nft_sets.py", "if isinstance(key, nft.Anything):", "if False:"),
    ("nft_sets.py", "return index.rest", "return None"),
    (
        "nft_sets.py",
        "if isinstance(where, nft.Elements):\n            return _in",
        "if False:\n            return _in",
    ),
    ("nft_sets.py", "if self._table.complete:", "if True:"),
    ("nft_sets.py", "if self._table.complete:", "if False:"),
    ("nft_sets.py", "if named.dynamic:", "if False:"),
    ("nft_sets.py", "if named.garbled:", "if False:"),
    ("nft_sets.py", "found is None and not _covers(named, key)", "False"),
    ("nft_sets.py", "found.expires and not named.maps", "False"),
    ("nft_sets.py", "if index.unknown is not None:", "if False:"),
    ("nft_sets.py", "value.startswith(pattern.start)", "value == pattern.start"),
    ("nft_sets.py", "if isinstance(pattern, nft.NameStart):", "if False:"),
    ("nft_sets.py", "if False in found:", "if True not in found:"),
    ("nft_sets.py", "if isinstance(pattern, nft.Interval):", "if False:"),
    ("nft_sets.py", "first <= value <= last", "first < value <= last"),
    ("nft_sets.py", "first <= value <= last", "first <= value < last"),
    ("nft_sets.py", "int(first) <= int(value) <= int(last)", "int(first) < int(value) < int(last)"),
    ("nft_sets.py", "for element in (index.rest,) if element is not None", "for element in ()"),
    ("nft_values.py", "if flow.family is not family:", "if False:"),
    ("nft_values.py", 'flow.source if field.name == "saddr" else ', ""),
    ("nft_values.py", "return number_of(flow)\n    if field", "return 6\n    if field"),
    ("nft_values.py", 'if field.protocol != "th" and', "if False and"),
    ("nft_values.py", 'flow.ports[field.name == "dport"]', "flow.ports[1]"),
    ("nft_values.py", '("rst", "ack") if reset else ', ""),
    ("nft_values.py", '"ipv4" if flow.family is Family.IPV4 else "ipv6"', '"ipv4"'),
    ("nft_values.py", "return flow.mark", "return 0"),
    ("nft_values.py", "_device(flow.in_device", "_device(flow.out_device"),
    ("nft_values.py", "_device(flow.out_device", "_device(flow.in_device"),
    ("nft_values.py", 'else "LOCAL" if here else "UNICAST"', 'else "LOCAL"'),
    (
        "nft_values.py",
        "return 0 if sent and flow.answering is Answering.NOTHING else NO_VALUE",
        "return 0",
    ),
    ("nft_values.py", "_STATES[flow.tracking]", '"new"'),
    ("nft_values.py", "if flow.tracking not in _TRACKED:", "if False:"),
    ("nft_values.py", '("dnat", flow.destination_changed)', '("dnat", False)'),
    ("nft_values.py", '("snat", flow.source_changed)', '("snat", False)'),
    ("nft_values.py", "return flow.connection_mark", "return flow.mark"),
    ("nft_values.py", '"original" if flow.tracking is Tracking.NEW else ', ""),
    ("nft_values.py", "return _address(packet.source)", "return packet.destination"),
    ("nft_values.py", "return packet.destination\n", "return sight.flow.destination\n"),
    ("nft_values.py", "return packet.destination_port", "return sight.flow.destination_port"),
    ("nft_values.py", 'flow.source if "saddr" in fib.selectors else ', ""),
    ("nft_values.py", '"LOCAL" if here else "UNICAST"', '"LOCAL"'),
    ("nft_values.py", 'if "iif" not in fib.selectors or way.device == flow.in_device else ""', ""),
    ("nft_values.py", 'None if numgen.mode == "random" else ', ""),
    ("nft_values.py", "numgen.modulus, numgen.offset", "numgen.modulus, 0"),
    ("nft_values.py", "hashed.modulus, hashed.offset", "hashed.modulus, 0"),
    ("nft_values.py", 'Cause.STATE, "a hash', 'None, "a hash'),
    ("nft_values.py", "a & b", "a"),
    ("nft_values.py", "a | b", "a ^ b"),
    ("nft_values.py", "a ^ b", "a | b"),
    ("nft_values.py", "a << b if", "a >> b if"),
    ("nft_values.py", "a >> b", "a << b"),
    ("nft_values.py", " & 0xFFFFFFFF", ""),
    ("nft_values.py", "left.words & right.words", "left.words"),
    ("nft_values.py", "for item in joined.items", "for item in reversed(joined.items)"),
    ("nft_values.py", "NO_VALUE if element.value is None else element.value", "NO_VALUE"),
    ("nft_values.py", "return NO_VALUE if element is None else element", "return NotKnown('')"),
    (
        "nft_values.py",
        "evaluate(bits.left, sight), evaluate(bits.right, sight)",
        "evaluate(bits.right, sight), evaluate(bits.left, sight)",
    ),
    ("nft_statements.py", "Then.STATEMENT if answer else Then.RULE", "Then.STATEMENT"),
    ("nft_statements.py", ", (no, Then.RULE)]", "]"),
    ("nft_statements.py", 'NotKnown(f"not understood: {doubt.raw}")', "True"),
    ("nft_statements.py", 'Depends(f"limit {limit.words}")', "True"),
    (
        "nft_statements.py",
        "branch.weight * count / len(spread.values)",
        "branch.weight / len(shares)",
    ),
    (
        "nft_statements.py",
        "if found is None:\n            return [(branch, Then.RULE)]",
        "if found is None:\n            return [(branch, Then.DONE)]",
    ),
    (
        "nft_statements.py",
        "self._do_verdict(found.value, branch, ref)",
        "[(branch, Then.STATEMENT)]",
    ),
    ("nft_statements.py", "[None, *candidates]", "candidates"),
    ("nft_statements.py", "return [(branch, jump)]", "return [(branch, Then.STATEMENT)]"),
    (
        "nft_statements.py",
        'ref, "accept")\n        return [(branch, Then.DONE)]',
        'ref, "accept")\n        return [(branch, Then.CHAIN)]',
    ),
    ("nft_statements.py", "Ending(FateKind.DROP, str(ref))", "Ending(FateKind.REJECT, str(ref))"),
    ("nft_statements.py", "Ending(FateKind.REJECT, str(ref)", "Ending(FateKind.DROP, str(ref)"),
    ("nft_statements.py", 'Answering.RESET if reject.answer == "tcp-reset" else ', ""),
    ("nft_statements.py", "return [(branch, Then.CHAIN)]", "return [(branch, Then.DONE)]"),
    (
        "nft_statements.py",
        "return [(branch, Then.STATEMENT)]\n\n    def _continue",
        "return [(branch, Then.RULE)]\n\n    def _continue",
    ),
    (
        "nft_statements.py",
        "return [(branch, Then.RULE)]\n\n    # Marks",
        "return [(branch, Then.CHAIN)]\n\n    # Marks",
    ),
    ("nft_statements.py", "if not mark.connection:", "if True:"),
    (
        "nft_statements.py",
        "elif branch.flow.tracking in (Tracking.NEW, Tracking.RELATED):",
        "else:",
    ),
    ("nft_statements.py", "if branch.flow.tracking is Tracking.NONE:", "if True:"),
    (
        "nft_statements.py",
        "where, which = where.items if len(where.items) == 2 else (where, which)",
        "where = where.items[0]",
    ),
    ("nft_statements.py", "where, which = None, where", "pass"),
    ("nft_statements.py", 'if nat.kind == "redirect":', "if False:"),
    ("nft_statements.py", 'if nat.kind == "dnat" else t.Snat(span, ports)', ""),
    ("nft_statements.py", "t.Dnat(span, ports, nat.random)", "t.Dnat(span, ports)"),
    ("nft_statements.py", "t.Redirect(ports, nat.random)", "t.Redirect(ports)"),
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
