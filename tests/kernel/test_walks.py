"""The walk itself, rule by rule: what the kernel's trace says that a packet met is what one of the
walks foretold, in this order: rules, ends of chains, policies. For all three ways to load rules.

Rules that do nothing to a packet are in no walk, and so are left out of the trace.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from kubectl_svcnet.engine import simulate
from kubectl_svcnet.engine.simulate.flow import Branch
from kubectl_svcnet.model import matches as m
from kubectl_svcnet.model import nft
from kubectl_svcnet.model import targets as t
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend, FateKind, Step
from kubectl_svcnet.model.nft import is_iptables
from kubectl_svcnet.model.nodeview import NodeView
from kubectl_svcnet.parse.nftables import parse_ruleset
from tests.kernel.kernel_cases import make_case
from tests.kernel.kernel_foreign import BLOCKS, SETS
from tests.kernel.kernel_net import TRIES, Net
from tests.kernel.kernel_nft_cases import make_nft_case
from tests.kernel.kernel_packets import Probe
from tests.kernel.kernel_rules import Rules
from tests.kernel.kernel_trace import END, POLICY, RETURN, Met, Tracer
from tests.kernel.kernel_view import packet_of, view_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.tools(
        *("ip", "ipset", "nft", "iptables-nft-restore", "iptables-legacy-restore"),
        *("ip6tables-nft-restore", "ip6tables-legacy-restore"),
    ),
]

CASES = int(os.environ.get("SVCNET_KERNEL_CASES", "24")) // 3
SEED = int(os.environ.get("SVCNET_KERNEL_SEED", "1"))
PROBES = 6

#: What goes on to the next rule, if it does, without a word.
_IDLE = (
    *(m.Limit, nft.Continue, nft.Doubt, nft.Match, nft.Remember, nft.VerdictMap),
    *(t.Nothing, t.Notrack),
)


@pytest.fixture
def tracer(net: Net) -> Iterator[Tracer]:
    net.run("node", "ipset", "restore", "-exist", text=SETS)
    net.run("node", "nft", "flush", "ruleset")
    tracer = Tracer(net)
    yield tracer
    tracer.close()
    net.run("node", "nft", "flush", "ruleset")


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walks that end alike stay apart, and are what the simulator answers."""
    for name in ("chains", "nft_chains", "path"):
        monkeypatch.setattr(
            f"{simulate.__name__}.{name}.joined", lambda branches, _: list(branches)
        )
    monkeypatch.setattr(f"{simulate.__name__}.fates_of", lambda branches, _: tuple(branches))


def _walks(view: NodeView, probe: Probe) -> list[Branch]:
    fates: Sequence[object] = simulate.Simulator(view).fates(packet_of(probe), explain=True)
    return [branch for branch in fates if isinstance(branch, Branch)]


def _told(steps: Sequence[Step]) -> list[Met]:
    """The steps as a trace has them: each rule once, and the ends of chains between."""
    told: list[Met] = []
    stack: list[str] = []
    for step in steps:
        if step.rule is None:
            if step.action.split(" ")[-2:-1] == ["policy"]:
                base = step.action.rsplit(" ", 2)[0]
                if not stack and (not told or told[-1].what != RETURN):
                    stack = [base]
                told += [Met(chain, END) for chain in reversed(stack) if not _silent(chain, base)]
                told.append(Met(base, POLICY))
                stack = []
            continue
        chain, word = str(step.rule.chain), step.action.split(" ")[0]
        if word in ("chance", "if"):
            continue
        stack = stack or [chain]
        while stack[-1] != chain:
            told.append(Met(stack.pop(), END))
        met = Met(chain, step.rule.number)
        if told[-1:] != [met]:
            told.append(met)
        if word in ("jump", "goto"):
            entered = str(step.rule.chain._replace(chain=step.action[5:]))
            stack = [*stack, entered] if word == "jump" else [*stack[:-1], entered]
        elif word == "return":
            stack.pop()
            if not stack:
                told.append(Met(chain, RETURN))
        elif word != "mark":
            stack = []
        if word == "reject":
            break
    return [met for met in told if met.what != RETURN]


def _silent(chain: str, base: str) -> bool:
    """Legacy iptables has a policy where a base chain ends."""
    return chain == base and chain.startswith("legacy:")


def _idle(view: NodeView) -> set[Met]:
    """Rules that no walk tells of; and policies of chains that do nothing."""
    idle = set()
    for (_, backend), ruleset in view.rulesets.items():
        prefix = "legacy:" if backend is Backend.LEGACY else ""
        for name, table in ruleset.tables.items():
            for chain in table.chains.values():
                where = f"{prefix}{name}/{chain.name}"
                if not len(chain.rules) and chain.policy == "ACCEPT":
                    idle |= {Met(where, POLICY), Met(where, END)}
                idle |= {
                    Met(where, rule.number, backend is Backend.NFT)
                    for rule in chain.rules
                    if rule.target is None or isinstance(rule.target, t.Nothing)
                }
    for native in view.nft_tables:
        for own in native.chains.values():
            where = f"{native.family} {native.name}/{own.name}"
            if own.base and not len(own.rules) and own.base.policy == "accept":
                idle |= {Met(where, POLICY), Met(where, END)}
            idle |= {
                Met(where, rule.number, went_on=True)
                for rule in own.rules
                if all(isinstance(one, _IDLE) for one in rule.statements)
            }
    return idle


def _disagreement(tracer: Tracer, view: NodeView, probe: Probe) -> str:
    """Empty if what one packet met is one of the walks, or if nobody can say."""
    walks = _walks(view, probe)
    kinds = {walk.ending.kind if walk.ending else None for walk in walks}
    if FateKind.UNKNOWN in kinds or any(walk.unread for walk in walks):
        return ""
    told = [[str(met) for met in _told(walk.steps)] for walk in walks]
    idle = _idle(view)
    for _ in range(TRIES):
        native, legacy = ([str(x) for x in each if x not in idle] for each in tracer.met(probe))
        for walk in told:
            of_legacy = [met for met in walk if met.startswith("legacy:")]
            if legacy == of_legacy and native == [x for x in walk if x not in set(of_legacy)]:
                return ""
    return f"{probe}: met {native} {legacy}, foretold {told}"


@pytest.mark.parametrize("foreign", [False, True], ids=["kube-proxy", "with others"])
def test_iptables(
    net: Net, tracer: Tracer, apart: None, foreign: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, asked = [], 0
    for seed in range(SEED, SEED + CASES):
        case = make_case(seed, BLOCKS if foreign else ())
        family = case.places.family
        # TRACE would show the node's answers too.
        texts = {name: text.replace("-j TRACE", "-j NFLOG") for name, text in case.texts.items()}
        shown = net.load(texts, family)
        view = view_of(net, shown, family, with_ip=True)
        tracer.start(shown["legacy"])
        for probe in case.probes[:: max(1, len(case.probes) // PROBES)]:
            asked += 1
            found = _disagreement(tracer, view, probe)
            if found:
                wrong.append(f"seed {seed} {case.shape} {case.spoiled} {found}")
        for tool in ("iptables", "ip6tables"):  # nothing of the other family is left
            for backend in case.texts:
                net.run("node", f"{tool}-{backend}-restore", text=Rules().text())
    with capsys.disabled():
        sys.stdout.write(f"\n{asked} walks, {tracer.told} steps, {len(wrong)} wrong\n")
    assert not wrong, "\n".join(wrong)
    assert tracer.told > 10 * asked


def test_nftables(
    net: Net, tracer: Tracer, apart: None, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, asked = [], 0
    for seed in range(SEED, SEED + CASES):
        case = make_nft_case(seed)
        family = case.places.family
        net.run("node", "nft", "flush", "ruleset")
        try:
            view, legacy = _loaded(net, case.orders, family)
        except RuntimeError:  # nft would not load it
            continue
        tracer.start(legacy)
        for probe in case.probes[:: max(1, len(case.probes) // PROBES)]:
            asked += 1
            found = _disagreement(tracer, view, probe)
            if found:
                wrong.append(f"seed {seed} {case.shape} {case.spoiled} {found}")
    with capsys.disabled():
        sys.stdout.write(f"\n{asked} walks, {tracer.told} steps, {len(wrong)} wrong\n")
    assert not wrong, "\n".join(wrong)
    assert tracer.told > 10 * asked


def _loaded(net: Net, orders: list[tuple[str, str]], family: Family) -> tuple[NodeView, str]:
    shown = net.load({"legacy": Rules().text()}, family) | {"nft": ""}
    for tool, text in orders:
        if tool == "nft":
            net.run("node", "nft", "-f", "-", text=text)
        else:
            shown |= net.load({"nft": text}, family)
    listed = parse_ruleset(net.run("node", "nft", "list", "ruleset"))
    tables = tuple(table for table in listed if not is_iptables(table.family, table.name))
    view = view_of(net, shown, family, with_ip=True)
    return replace(view, nft_tables=tables), shown["legacy"]
