from __future__ import annotations

import pytest

from kubectl_svcnet.dataplanes.remains import AGENTS, MODES, abandoned, kube_proxy_chains
from kubectl_svcnet.model.address import Family
from kubectl_svcnet.model.fate import Backend
from kubectl_svcnet.model.ruleset import Ruleset
from kubectl_svcnet.parse.iptables_save import parse_save
from tests.samples import agent
from tests.saved import PROXY, of_node, recorded


def save(*chains: str) -> Ruleset:
    text = "*nat\n" + "".join(f":{name} - [0:0]\n" for name in chains) + "COMMIT\n"
    return parse_save(text, Family.IPV4, Backend.NFT)


@pytest.mark.parametrize(
    ("chain", "modes"),
    [
        ("KUBE-SERVICES", {"iptables", "ipvs"}),
        ("KUBE-SVC-NPX46M4PTMTKRN6Y", {"iptables"}),
        ("KUBE-XLB-NPX46M4PTMTKRN6Y", {"iptables"}),
        ("KUBE-LOAD-BALANCER", {"ipvs"}),
        ("KUBE-PORTALS-CONTAINER", {"userspace"}),
        # the kubelet's own, or anybody's
        ("KUBE-MARK-MASQ", set()),
        ("KUBE-POSTROUTING", set()),
        ("KUBE-FIREWALL", set()),
        ("KUBE-KUBELET-CANARY", set()),
        ("PREROUTING", set()),
        ("KUBE-ROUTER-INPUT", set()),
    ],
)
def test_modes(chain: str, modes: set[str]) -> None:
    ruleset = save(chain)
    assert {mode for mode in MODES if kube_proxy_chains(ruleset, [mode])} == modes
    assert bool(kube_proxy_chains(ruleset)) is bool(modes)


def test_a_node_in_nftables_mode_has_none() -> None:
    """What the kubelet leaves in iptables there is not kube-proxy's."""
    [dump, *_] = [
        c.text()
        for c in recorded(PROXY)
        if of_node(c, "n3") and c.command and c.command.name == "iptables-nft-save-all"
    ]
    assert "KUBE-KUBELET-CANARY" in dump
    assert not kube_proxy_chains(parse_save(dump, Family.IPV4, Backend.NFT))


@pytest.mark.parametrize("one", AGENTS, ids=lambda one: one.name)
def test_agents(one: object) -> None:
    assert isinstance(one, type(AGENTS[0]))
    ruleset = save(f"{one.chains.prefixes[0]}X", "PREROUTING")
    assert set(abandoned(ruleset, (), "v1.36.3")) == {one.name}
    for label in one.labels:
        assert not abandoned(ruleset, [agent("x", labels=dict([label]))], "v1.36.3")
    other = [agent("x", labels={"k8s-app": "kube-proxy"})]
    assert set(abandoned(ruleset, other, "v1.36.3")) == {one.name}


@pytest.mark.parametrize("kubelet", ["v1.36.3+k3s1", "v1.36.3+rke2r1"])
def test_what_the_distribution_runs_itself_is_not_abandoned(kubelet: str) -> None:
    assert not abandoned(save("FLANNEL-POSTRTG", "KUBE-ROUTER-INPUT"), (), kubelet)
