"""What to type, of each command: shown by its -h, the first of each by -h of the whole.

A test runs them: against the demo's bundle what can be asked of one.
"""

from __future__ import annotations

from collections.abc import Sequence

#: A sentence, and the command lines that it is about.
Example = tuple[str, ...]

EXAMPLES: dict[str, tuple[Example, ...]] = {
    "ranges": (
        ("Every IP range of the cluster, and where it is written", "ranges"),
        ("What is this address?", "ranges --ip 10.96.0.10"),
        ("Does a network of your own collide with one of them?", "ranges --with 10.8.0.0/16"),
    ),
    "check": (
        ("Is any Service wrong on any node?", "check -A"),
        (
            "In a pipeline: after a deployment, until every node is programmed",
            "check -n shop --wait",
        ),
        ("The same findings for a reader of test reports", "check -A -o junit"),
    ),
    "trace": (
        ("What each node does with packets for a Service", "trace db-service"),
        ("The same, rule by rule", "trace db-service --explain"),
        (
            "A Service of another namespace, by its address, by its node port",
            "trace db-service.default",
            "trace 10.96.0.1:443",
            "trace :30080",
        ),
        (
            "All those with a label, as seen by one node",
            "trace -A -l component=apiserver --node n1",
        ),
        ("Try it without a cluster", "trace db-service --bundle demo"),
    ),
    "logs": (
        ("What logs and Events say about a Service, on all nodes", "logs db-service"),
        ("The same of the last ten minutes, and go on", "logs db-service --since 10m -f"),
    ),
    "proxy": (("Which mode each kube-proxy is set to, runs in and has programmed", "proxy"),),
    "permissions": (
        ("Which rights all this needs, and which are missing", "permissions"),
        ("The least rights for somebody who traces, to apply", "permissions trace --role"),
    ),
    "packet": (
        (
            "What a node does with one packet, or saved rules would do",
            "packet tcp default/client-n1 10.96.0.1:443",
            "packet tcp 10.244.1.9 10.96.0.10:53 --rules iptables-save.txt",
        ),
    ),
    "snapshot": (
        ("Save what all nodes have, to ask it later", "snapshot before.tar.gz"),
        ("A copy that may be handed on", "snapshot public.tar.gz --anonymise"),
    ),
    "diff": (
        ("What has changed since?", "diff before.tar.gz"),
        ("Between two bundles", "diff before.tar.gz after.tar.gz"),
    ),
    "completion": (
        ("By kubectl, where krew has installed the plugin", "completion --install"),
        ("Of the bare executable, in this shell", "completion bash"),
    ),
    "version": (("Which version this is", "version"),),
}

_DEMO = EXAMPLES["trace"][-1]


def text_of(examples: Sequence[Example], program: str) -> str:
    """In kubectl's layout."""
    blocks = (
        "\n".join((f"  # {sentence}", *(f"  {program} {line}" for line in lines)))
        for sentence, *lines in examples
    )
    return "Examples:\n" + "\n\n".join(blocks)


def of_all() -> tuple[Example, ...]:
    return (*(found[0] for name, found in EXAMPLES.items() if name != "version"), _DEMO)
