"""Whose chains these are."""

from __future__ import annotations

from kubectl_svcnet.model.nodeview import OwnChains


def test_own_chains_by_name_and_prefix() -> None:
    own = OwnChains(names=frozenset({"KUBE-SERVICES"}), prefixes=("KUBE-SVC-",))
    assert "KUBE-SERVICES" in own
    assert "KUBE-SVC-X" in own
    assert "KUBE-SERVICES2" not in own
    assert "anything" not in OwnChains()
