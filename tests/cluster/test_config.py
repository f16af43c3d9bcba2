"""Values that are never to show a secret."""

from __future__ import annotations

from kubectl_svcnet.cluster.config import Auth, ClusterConfig, Impersonation, Overrides, Tls

SECRET = "hunter2"


def test_no_secret_in_a_repr() -> None:
    config = ClusterConfig(
        server="https://x",
        tls=Tls(key_data=SECRET.encode(), cert_data=SECRET.encode(), ca_data=SECRET.encode()),
        auth=Auth(token=SECRET, password=SECRET, exec={"env": SECRET}, provider={"x": SECRET}),
        proxy=f"http://me:{SECRET}@proxy",
        cluster_info={"x": SECRET},
    )
    assert SECRET not in repr(config)
    assert SECRET not in repr(Overrides(token=SECRET))


def test_impersonation_is_several_headers() -> None:
    as_jane = Impersonation(user="jane", uid="7", groups=("a", "b"), extra=(("k", "1"), ("k", "2")))
    assert as_jane.headers() == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-k", "1"),
        ("Impersonate-Extra-k", "2"),
    )
    assert Impersonation().headers() == ()
