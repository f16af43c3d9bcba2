from __future__ import annotations

import pytest

from kubectl_svcnet.parse.cni_files import parse_cni_files

D = "/host/etc/cni/net.d"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (
            ["10-flannel.conflist", "05-cilium.conflist"],
            ["05-cilium.conflist", "10-flannel.conflist"],
        ),
        (["10-ovn-kubernetes.conf", "x.json"], ["10-ovn-kubernetes.conf", "x.json"]),
        (["10-flannel.conflist.cilium_bak", "calico-kubeconfig", "old/1.conf"], []),
        (["00-multus.conf", "99-loopback.conf", "87-podman-bridge.conflist"], []),
        (["100-crio-bridge.conflist", "10-kindnet.conflist"], ["10-kindnet.conflist"]),
    ],
)
def test_what_counts_in_its_order(names: list[str], found: list[str]) -> None:
    text = "".join(f"{D}/{name}\n" for name in names)
    assert list(parse_cni_files(text, D)) == found


@pytest.mark.parametrize("text", ["", "\n", "grep: nothing\n", "/other/10-a.conf\n"])
def test_nothing(text: str) -> None:
    assert parse_cni_files(text, D) == ()
