"""What `diff` knows of a cluster, and what it leaves out."""

from __future__ import annotations

from kubectl_svcnet.model.capture import Reason
from kubectl_svcnet.model.options import Options
from kubectl_svcnet.pipeline.states import read_state
from tests.saved import PROXY, Saved, of_node, recorded


def test_the_recorded_lab_whole() -> None:
    state, collected = read_state(Saved(recorded(PROXY)).source(), Options())
    assert collected.nodes_read == 3
    assert not [path for path in state.unread if "rules" in path or path in ("services", "ranges")]
    facts = state.facts
    assert facts["nodes/n3/proxy/running"] == ("nftables",)
    assert "port mysql 3306/TCP to mysql" in facts["services/default/db-service"]
    assert len(facts["services/default/db-service/endpoints"]) == 3
    assert any(path.startswith("ranges/Service 10.96.0.0/16") for path in facts)
    tables = {path.split("/")[3] for path in facts if path.startswith("nodes/n3/rules/")}
    assert {"ip kube-proxy", "ip6 kube-proxy"} <= tables
    legacy = [path for path in facts if path.startswith("nodes/n2/rules/legacy:ip nat/KUBE-SVC-")]
    assert legacy
    assert not [path for path in facts if "veth" in " ".join(facts[path])]


def test_a_node_that_was_not_read() -> None:
    saved = Saved().refuse(lambda c: of_node(c, "n2"), Reason.UNREACHABLE, "no route to host")
    state, collected = read_state(saved.source(), Options())
    assert collected.nodes_read < 3 or "nodes/n2/rules" in state.unread
    assert "nodes/n2/rules" in state.unread
    assert "nodes/n1/rules" not in state.unread
    assert "nodes/n2/proxy/programmed" in state.unread
