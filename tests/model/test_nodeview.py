from __future__ import annotations

from kubectl_svcnet.model.nodeview import OwnChains


def test_own_chains_are_names_and_prefixes() -> None:
    own = OwnChains(names=frozenset({"KUBE-SERVICES"}), prefixes=("KUBE-SVC-", "KUBE-SEP-"))
    assert "KUBE-SERVICES" in own
    assert "KUBE-SVC-J5FHDC7QFLM3E3EH" in own
    assert "KUBE-SERVICES-X" not in own
    assert "MY-KUBE-SVC-" not in own
    assert "KUBE-SERVICES" not in OwnChains()
