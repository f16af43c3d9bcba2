"""Go's rules for proxies, row by row."""

from __future__ import annotations

import pytest

from kubectl_svcnet.cluster.proxy import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("server", "excluded", "proxied"),
    [
        ("https://api.example.com", "", True),
        ("https://api.example.com", "*", False),
        ("https://api.example.com", "example.com", False),
        ("https://api.example.com", ".example.com", False),
        ("https://example.com", "example.com", False),
        ("https://example.com", ".example.com", True),
        ("https://api.example.com", "*.example.com", False),
        ("https://myexample.com", "example.com", True),
        ("https://api.example.com:6443", "example.com:6443", False),
        ("https://api.example.com:6443", "example.com:443", True),
        ("https://api.example.com", " other , API.example.com ", False),
        ("https://10.1.2.3:6443", "10.0.0.0/8", False),
        ("https://10.1.2.3:6443", "10.1.2.3", False),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", False),
        ("https://10.1.2.3:6443", "10.1.2.4,192.168.0.0/16", True),
        ("https://[fd00::1]:6443", "fd00::/8", False),
        ("https://[fd00::1]:6443", "fd01::/16", True),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", False),
        ("https://127.0.0.1:6443", "", False),
        ("https://localhost:6443", "", False),
        ("https://[::1]:6443", "", False),
        ("http://api.example.com", "", False),  # HTTP_PROXY is not set
    ],
)
def test_rules(server: str, excluded: str, proxied: bool) -> None:
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": excluded}
    assert proxy_for(server, environment) == (PROXY if proxied else None)


def test_names_of_variables() -> None:
    server = "https://api.example.com"
    assert proxy_for(server, {"https_proxy": "proxy:1"}) == "http://proxy:1"
    assert proxy_for(server, {"https_proxy": "a:1", "HTTPS_PROXY": "b:1"}) == "http://b:1"
    assert proxy_for(server, {"https_proxy": "a:1", "no_proxy": "*"}) is None
    assert proxy_for("http://x.example", {"HTTP_PROXY": "a:1"}) == "http://a:1"
    assert proxy_for(server, {}) is None
