"""What is stated about a Service, from the verdicts of its frontends on all nodes.

One finding per node and fault, the frontends that share it named in one. A stopped kube-proxy is
stated once per node, and only where the node differs: rules that are right need nobody awake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ...model.address import Family, SocketAddress
from ...model.fate import Backend, Fate, FateKind, RuleRef
from ...model.finding import Finding, Level
from ...model.nodeview import OwnChains
from ...model.proxystate import Down
from ...model.report import FAULTS, FrontendTrace, NodeTrace, ServiceTrace, Verdict
from ..codes import finding
from .services import translates

_CODES = {
    Verdict.ABSENT: "SVN201",
    Verdict.MISSING: "SVN202",
    Verdict.STALE: "SVN203",
    Verdict.UNBALANCED: "SVN204",
    Verdict.BLOCKED: "SVN205",
    Verdict.DIVERTED: "SVN206",
    Verdict.POLICY: "SVN207",
    Verdict.UNKNOWN: "SVN208",
}

#: Nothing dispatches what the API wants refused.
_UNREFUSED = "SVN222"

UNSETTLED = " (not settled: the API or the node changed while it was read)"
ONE_READING = " (one reading)"

#: Letters of /proc/PID/status for a process that exists and does not run.
HALTED = {"T": "stopped", "t": "traced", "Z": "zombie", "X": "dead"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What findings say about a node beside the verdict: "ns/pod" of kube-proxy, the letter of
    its process state, "ns/pod/container" of the vantage, which chains are the dataplane's own;
    `once`: a bundle holds one reading; `unserved`: the families that kube-proxy does not serve,
    with what says so; `down`: why its container does not run."""

    proxy: str = ""
    state: str = ""
    vantage: str = ""
    own: OwnChains = field(default_factory=OwnChains)
    once: bool = False
    unserved: Mapping[Family, str] = field(default_factory=dict)
    down: Down | None = None

    @property
    def halted(self) -> str:
        return HALTED.get(self.state, "")


def findings_of(service: ServiceTrace, facts: Mapping[str, NodeFacts]) -> tuple[Finding, ...]:
    grouped: dict[tuple[str, Verdict], list[tuple[FrontendTrace, NodeTrace]]] = {}
    for frontend in service.frontends:
        for trace in frontend.nodes:
            for problem in trace.problems:
                if problem in _CODES and not _is_unserved(frontend, problem, facts.get(trace.node)):
                    grouped.setdefault((trace.node, problem), []).append((frontend, trace))
    order = list(Verdict)
    keys = sorted(grouped, key=lambda key: (key[0], order.index(key[1])))
    found = [
        _finding(service, node, problem, grouped[node, problem], facts.get(node, NodeFacts()))
        for node, problem in keys
        if not implied(problem, {p for n, p in grouped if n == node})
    ]
    return tuple(found)


def _is_unserved(frontend: FrontendTrace, problem: Verdict, facts: NodeFacts | None) -> bool:
    """`unserved_of` says it once for all Services. Without IPv6 a node has no route either."""
    family = frontend.frontend.family
    entailed = problem in (Verdict.ABSENT, Verdict.BLOCKED)
    return entailed and facts is not None and family in facts.unserved


def unserved_of(
    services: Iterable[ServiceTrace], facts: Mapping[str, NodeFacts]
) -> tuple[Finding, ...]:
    """Nodes whose kube-proxy serves one family alone, where a Service has an address of the
    other."""
    lost: dict[tuple[str, Family], dict[str, None]] = {}
    for service in services:
        for frontend in service.frontends:
            for trace in frontend.nodes:
                if _is_unserved(frontend, trace.verdict, facts.get(trace.node)):
                    place = trace.node, frontend.frontend.family
                    lost.setdefault(place, {})[str(service.service.name)] = None
    return tuple(
        unserved(node, family, facts[node].proxy, facts[node].unserved[family], tuple(names))
        for (node, family), names in sorted(lost.items())
    )


def unserved(
    node: str, family: Family, proxy: str, witness: str, services: Sequence[str] = ()
) -> Finding:
    """SVN316. `services` cannot be reached there by this family, as far as they are known."""
    namespace, _, pod = proxy.partition("/")
    one = f"{services[0]} has" if len(services) == 1 else f"{len(services)} Services have"
    first = f" (first: {services[0]})" if len(services) > 1 else ""
    return finding(
        "SVN316",
        f"kube-proxy serves no {family.value} on this node"
        + (f"; {one} such an address{first}" if services else ""),
        node=node,
        evidence=(witness,),
        next=f"kubectl -n {namespace} logs {pod}",
    )


def implied(problem: Verdict, beside: Collection[Verdict]) -> bool:
    """The cause is stated, not what it entails: shares are uneven because an endpoint's rule is
    gone, an endpoint is not reached because its packets are refused or led elsewhere."""
    causes = {
        Verdict.UNBALANCED: {Verdict.MISSING},
        Verdict.MISSING: {Verdict.BLOCKED, Verdict.POLICY, Verdict.DIVERTED},
    }
    return not causes.get(problem, set()).isdisjoint(beside)


def _finding(
    service: ServiceTrace,
    node: str,
    problem: Verdict,
    places: Sequence[tuple[FrontendTrace, NodeTrace]],
    facts: NodeFacts,
) -> Finding:
    settled = any(trace.settled for _, trace in places)
    what = ", ".join(str(frontend.frontend) for frontend, _ in places[:3])
    if len(places) > 3:
        what += f" and {len(places) - 3} more"
    message, evidence = _statement(service, problem, places, what, facts.own)
    if not settled:
        message += UNSETTLED
    elif facts.once and problem in FAULTS:
        message += ONE_READING
    return finding(
        _UNREFUSED if _unrefused(problem, places) else _CODES[problem],
        message,
        service=str(service.service.name),
        node=node,
        evidence=(*evidence, *_cause(facts)),
        next=_next(problem, places, facts),
        level=None if settled else Level.INFO,
    )


def _statement(
    service: ServiceTrace,
    problem: Verdict,
    places: Sequence[tuple[FrontendTrace, NodeTrace]],
    what: str,
    own: OwnChains,
) -> tuple[str, tuple[str, ...]]:
    traces = [trace for _, trace in places]
    match problem:
        case Verdict.ABSENT:
            rule = _bypass(traces)
            walked = _walked(traces, (FateKind.PASS, FateKind.LOCAL))
            walked = walked or blame(_blamed(problem, traces))
            if _unrefused(problem, places):
                return f"nothing refuses packets for {what}, which has {_why(traces)}", walked
            return f"nothing dispatches {what}", (*_rule(rule), *walked)
        case Verdict.MISSING:
            lost = _addresses(a for t in traces for a in t.missing)
            if not lost:
                return f"a share of the packets for {what} passes untranslated", _leads(traces, own)
            verb = "is" if len(lost) == 1 else "are"
            noun = "endpoint" if len(lost) == 1 else "endpoints"
            named = ", ".join(_named(service, a) for a in lost)
            empty = tuple(dict.fromkeys(trace.reason for trace in traces if trace.reason))
            return f"ready {noun} {named} {verb} not programmed", empty or _leads(traces, own)
        case Verdict.STALE:
            old = _addresses(a for t in traces for a in t.stale)
            named = ", ".join(_named(service, a) for a in old)
            return f"{what} {_unwanted(places, old).format(named)}", _leads(traces, own)
        case Verdict.UNBALANCED:
            return f"the shares of {what} are not equal", _shares(traces)
        case Verdict.BLOCKED | Verdict.POLICY:
            fate = _blamed(problem, traces)
            return f"packets for {what} are dropped or refused", blame(fate)
        case Verdict.DIVERTED:
            rule = _diverting(traces, own)
            return f"packets for {what} are translated by a foreign rule", _rule(rule)
        case _:
            reasons = tuple(dict.fromkeys(t.reason for t in traces if t.reason))[:3]
            rule = _named_rule(_blamed(problem, traces))
            return f"the fate of {what} is not known", (*reasons, *_rule(rule))


def _unrefused(problem: Verdict, places: Iterable[tuple[FrontendTrace, NodeTrace]]) -> bool:
    """Nothing is to be reached, so what is absent is the rule that refuses."""
    return problem is Verdict.ABSENT and not any(trace.expected for _, trace in places)


def _why(traces: Iterable[NodeTrace]) -> str:
    whys = (walk.asked.expectation.why for trace in traces for walk in trace.walks)
    return next(filter(None, whys), "no endpoints")


def _unwanted(
    places: Sequence[tuple[FrontendTrace, NodeTrace]], old: Iterable[SocketAddress]
) -> str:
    """Why packets should not arrive there."""
    known = {e.address: e for frontend, _ in places for e in frontend.endpoints}
    found = [known.get(address) for address in old]
    if all(endpoint and endpoint.ready for endpoint in found):
        return "leads to {}, which its policies or source ranges rule out for some client"
    if all(endpoint and endpoint.terminating for endpoint in found):
        return "still leads to {}, which the API lists as terminating"
    return "still leads to {}, which the API does not list"


def _named(service: ServiceTrace, address: SocketAddress) -> str:
    pod = next((e.pod for e in service.endpoints if e.address == address and e.pod), "")
    return f"{address} (pod {pod})" if pod else str(address)


def _addresses(addresses: Iterable[SocketAddress]) -> list[SocketAddress]:
    return sorted(set(addresses), key=lambda a: (a.address.version, a))


def _fates(traces: Iterable[NodeTrace]) -> Iterable[Fate]:
    return (fate for trace in traces for walk in trace.walks for fate in walk.fates)


def _blamed(problem: Verdict, traces: Iterable[NodeTrace]) -> Fate | None:
    """The first fate that is the problem: of refusals one that the API does not ask for."""
    if problem is Verdict.UNKNOWN:
        return next((f for f in _fates(traces) if f.kind is FateKind.UNKNOWN), None)
    asked = (w for t in traces for w in t.walks if w.asked.expectation.endpoints)
    refused = (FateKind.DROP, FateKind.REJECT)
    return next((f for walk in asked for f in walk.fates if f.kind in refused), None)


def _named_rule(fate: Fate | None) -> RuleRef | None:
    """The rule in `because`. It need not be the last one that the packet met, and a policy, a
    route or a sysctl is none."""
    name = fate.because.partition(": ")[0] if fate else ""
    return next((rule for rule in fate.rules if str(rule) == name), None) if fate else None


def blame(fate: Fate | None) -> tuple[str, ...]:
    """The rule that ended the packet's way, as evidence, or what else did."""
    because = (fate.because,) if fate and fate.because else ()
    return _rule(_named_rule(fate)) or because


def _diverting(traces: Iterable[NodeTrace], own: OwnChains) -> RuleRef | None:
    rules = [fate.translated_by for fate in _fates(traces) if fate.kind is FateKind.ENDPOINT]
    return next((rule for rule in rules if rule and not translates(rule, own)), None)


def _rule(rule: RuleRef | None) -> tuple[str, ...]:
    return (f"{rule}  {rule.raw}",) if rule else ()


def _walked(traces: Iterable[NodeTrace], kinds: tuple[FateKind, ...]) -> tuple[str, ...]:
    fate = next((f for f in _fates(traces) if f.kind in kinds), None)
    if fate is None:
        return ()
    rules = " ".join(str(rule) for rule in fate.rules) or "no rule"
    return (f"the packet meets {rules} and goes on untranslated ({fate.kind.value})",)


def _bypass(traces: Iterable[NodeTrace]) -> RuleRef | None:
    """The rule that ended nat before the dispatch: kube-proxy's iptables mode accepts nothing
    there (its translations do), its ipvs mode by its sets alone: such a rule is somebody else's."""
    passed = (f for f in _fates(traces) if f.kind in (FateKind.PASS, FateKind.LOCAL))
    rules = (rule for fate in passed for rule in fate.rules)
    accepts = (r for r in rules if r.chain.table == "nat" and " -j ACCEPT" in r.raw)
    return next((r for r in accepts if " --match-set KUBE-" not in r.raw), None)


def _leads(traces: Sequence[NodeTrace], own: OwnChains) -> tuple[str, ...]:
    """Where the Service's last chain or virtual server leads, against what it should."""
    for fate in _fates(traces):
        chains = [
            rule.chain
            for rule in fate.rules
            if own.dispatches(rule.chain.chain) or rule.chain.backend is Backend.IPVS
        ]
        if chains:
            trace = traces[0]
            right = len(set(trace.reached) & set(trace.expected))
            return (f"{chains[-1]} leads to {right} of {len(trace.expected)}",)
    return ()


def _shares(traces: Iterable[NodeTrace]) -> tuple[str, ...]:
    for trace in traces:
        for walk in trace.walks:
            shares: dict[str, float] = {}
            for fate in walk.fates:
                if fate.kind is FateKind.ENDPOINT and fate.probability is not None:
                    key = str(fate.endpoint)
                    shares[key] = shares.get(key, 0.0) + fate.probability
            if len(set(shares.values())) > 1:
                return tuple(f"{share:6.1%}  {name}" for name, share in sorted(shares.items()))
    return ()


def _cause(facts: NodeFacts) -> tuple[str, ...]:
    if facts.halted:
        return (f"kube-proxy on this node is {facts.halted} (State: {facts.state})",)
    return (f"kube-proxy does not run on this node ({facts.down})",) if facts.down else ()


def _next(
    problem: Verdict, places: Sequence[tuple[FrontendTrace, NodeTrace]], facts: NodeFacts
) -> str:
    """What to type now: look at a rule that is not kube-proxy's, restart it for its own."""
    traces = [trace for _, trace in places]
    bypass = _bypass(traces) if problem is Verdict.ABSENT else None
    own = (Verdict.ABSENT, Verdict.MISSING, Verdict.STALE, Verdict.UNBALANCED)
    if problem in own and bypass is None:
        return restart(facts)
    diverting = _diverting(traces, facts.own) if problem is Verdict.DIVERTED else None
    rule = bypass or diverting or _named_rule(_blamed(problem, traces))
    if rule is None or not facts.vantage:
        service = places[0][0].frontend.service
        return (
            f"kubectl svcnet trace {service.name} -n {service.namespace} "
            f"--node {traces[0].node} --explain"
        )
    where, name, container = facts.vantage.split("/")
    return f"kubectl -n {where} exec {name} -c {container} -- {_listing(rule)}"


def _listing(rule: RuleRef) -> str:
    """The command that shows the rule on its node, and changes nothing there."""
    chain = rule.chain
    if chain.backend is Backend.IPVS:
        return "cat /proc/net/ip_vs"
    if chain.backend is Backend.NFTABLES:
        return f"nft list table {chain.table}"
    prefix = "iptables" if chain.family is Family.IPV4 else "ip6tables"
    table = f" -t {chain.table}" if chain.backend is Backend.NFT else ""
    return f"{prefix}-{chain.backend.value}-save{table}"


def restart(facts: NodeFacts) -> str:
    """The command by which kube-proxy writes all rules anew; of one that does not run its log
    tells more than a further start."""
    namespace, _, pod = facts.proxy.partition("/")
    if facts.down:
        return f"kubectl -n {namespace} logs {pod}{' --previous' if facts.down.restarts else ''}"
    return f"kubectl -n {namespace} delete pod {pod}" if pod else ""
