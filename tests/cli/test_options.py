from __future__ import annotations

from dataclasses import fields

import pytest

from kubectl_svcnet.cli.main import build_parser
from kubectl_svcnet.cli.options import (
    count,
    duration,
    networks,
    number,
    size,
    to_limits,
    to_options,
    to_overrides,
)
from kubectl_svcnet.errors import UsageError
from kubectl_svcnet.model.options import Options


def options(*argv: str) -> Options:
    return to_options(build_parser().parse_args(argv), namespace="from-context")


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        ("trace", "services", ()),
        ("trace", "namespace", "from-context"),
        ("trace", "output", "table"),
        ("trace", "settle", 5.0),
        ("trace", "timeout", 60.0),
        ("trace", "fail_on", "error"),
        ("trace db svc/web", "services", ("db", "svc/web")),
        ("trace -n pay", "namespace", "pay"),
        ("trace --namespace=pay", "namespace", "pay"),
        ("trace -A", "all_namespaces", True),
        ("trace -l app=db", "selector", "app=db"),
        ("trace --field-selector spec.type=NodePort", "field_selector", "spec.type=NodePort"),
        ("trace --node n1 --node n2", "nodes", ("n1", "n2")),
        ("trace --node-selector a=b", "node_selector", "a=b"),
        ("trace -o json", "output", "json"),
        ("trace -ojson", "output", "json"),
        ("trace --no-headers", "headers", False),
        ("trace --color never", "color", "never"),
        ("trace --explain", "explain", True),
        ("trace --steps", "steps", True),
        ("trace --plan", "plan", True),
        ("trace --settle 300ms", "settle", 0.3),
        ("trace --settle 0", "settle", 0.0),
        ("trace --timeout 2m", "timeout", 120.0),
        ("trace --exec-timeout 1m30s", "exec_timeout", 90.0),
        ("trace --max-parallel 4", "max_parallel", 4),
        ("trace --max-dump 1Gi", "max_dump", 1 << 30),
        ("ranges", "max_pods", 20_000),
        ("ranges --max-pods 0", "max_pods", 0),
        ("check --max-pods 150000", "max_pods", 150_000),
        ("trace --max-answer 8Mi", "max_answer", 8 << 20),
        ("trace --fail-on never", "fail_on", "never"),
        ("trace --accept-gaps n2 --accept-gaps rules", "accept_gaps", ("n2", "rules")),
        ("trace --bundle demo", "bundle", "demo"),
        ("trace --record x.tar.gz", "record", "x.tar.gz"),
        ("trace -v 6", "verbosity", 6),
        ("trace --v=6", "verbosity", 6),
        ("check --from shop/cart-1", "client", "shop/cart-1"),
        ("snapshot x.tar.gz", "file", "x.tar.gz"),
        ("snapshot x --anonymise", "anonymise", True),
        ("logs db", "since", 3600.0),
        ("logs db --since 10m", "since", 600.0),
        ("logs db --since 0", "since", None),
        ("logs db -p", "previous", True),
        ("logs db --follow", "follow", True),
        ("ranges --probe", "probe", True),
        # before the command as well; of two the later one wins
        ("-n pay trace", "namespace", "pay"),
        ("-n pay trace -n web", "namespace", "web"),
        ("-o json trace", "output", "json"),
        ("-o json trace -o wide", "output", "wide"),
        ("--bundle demo trace db", "bundle", "demo"),
    ],
)
def test_flags(argv: str, field: str, value: object) -> None:
    assert getattr(options(*argv.split()), field) == value


def test_every_option_has_a_flag() -> None:
    """Nothing in Options can be reached in no way."""
    line = (
        "trace db -n a -A -l a=b --field-selector c=d --from p --node n --node-selector a=b "
        "-o json --no-headers --color never --explain --steps --plan --settle 1 --timeout 1 "
        "--exec-timeout 1 --max-parallel 1 --max-dump 1 --max-answer 1 --fail-on never "
        "--accept-gaps x --bundle b --record r -v 1"
    )
    given = options(*line.split())
    default = Options()
    same = [
        entry.name
        for entry in fields(Options)
        if getattr(given, entry.name) == getattr(default, entry.name)
    ]
    # those of snapshot, of logs and of ranges
    others = ("max_pods", "file", "anonymise", "since", "previous", "follow", "probe", "beside")
    assert same == list(others)


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        ("--kubeconfig k", "kubeconfig", "k"),
        ("--context c", "context", "c"),
        ("--cluster c", "cluster", "c"),
        ("--user u", "user", "u"),
        ("-n x", "namespace", "x"),
        ("-s https://h", "server", "https://h"),
        ("--server https://h", "server", "https://h"),
        ("--certificate-authority f", "certificate_authority", "f"),
        ("--insecure-skip-tls-verify", "insecure", True),
        ("--tls-server-name n", "tls_server_name", "n"),
        ("--client-certificate f", "client_certificate", "f"),
        ("--client-key f", "client_key", "f"),
        ("--token t", "token", "t"),
        ("--as u", "as_user", "u"),
        ("--as-uid 7", "as_uid", "7"),
        ("--as-group a --as-group b", "as_groups", ("a", "b")),
        ("--as-user-extra k=v", "as_user_extra", ("k=v",)),
        ("--request-timeout 7s", "request_timeout", "7s"),
    ],
)
def test_kubectls_own_flags_before_and_after(argv: str, field: str, value: object) -> None:
    for line in (f"trace db {argv}", f"{argv} trace db"):
        given = build_parser().parse_args(line.split())
        assert getattr(to_overrides(given), field) == value


def test_lists_are_not_added_up_over_both_places() -> None:
    given = build_parser().parse_args(["--as-group", "a", "trace", "--as-group", "b"])
    assert to_overrides(given).as_groups == ("b",)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("300ms", 0.3),
        ("10s", 10.0),
        ("1.5s", 1.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1m30s", 90.0),
        ("1h2m3s4ms", 3723.004),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text, "--settle") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5 s", "s", "5d", "ten", "1m 30s", "1e3", "5sx"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        duration(text, "--settle")
    told = f'invalid argument "{text}" for "--settle" flag: write 10s, 2m or 1m30s'
    assert str(raised.value) == told


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-5", "must not be negative"),
        ("-5m", "must not be negative"),
        ("2562048h", "it is too long"),  # Go's time.Duration ends
        ("9" * 400, "it is too long"),
    ],
)
def test_durations_that_cannot_be(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"--since.*{why}"):
        duration(text, "--since")


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("0", 0),
        ("1048576", 1 << 20),
        ("1k", 1000),
        ("1Ki", 1024),
        ("4Mi", 4 << 20),
        ("4MiB", 4 << 20),
        ("1M", 10**6),
        ("2Gi", 2 << 30),
        ("2G", 2 * 10**9),
    ],
)
def test_sizes(text: str, bytes_: int) -> None:
    assert size(text, "--max-dump") == bytes_


@pytest.mark.parametrize("text", ["", "-1", "1.5Mi", "4mi", "Mi", "4 Mi", "4Ti"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match='for "--max-dump" flag: write 4Mi'):
        size(text, "--max-dump")


@pytest.mark.parametrize(("text", "least"), [("0", 1), ("-1", 0), ("x", 0), ("", 0), ("1.0", 0)])
def test_what_is_no_count(text: str, least: int) -> None:
    with pytest.raises(UsageError, match=f"write a number of at least {least}"):
        count(text, "--max-parallel", least=least)


def test_limits() -> None:
    limits = to_limits(Options(timeout=0, exec_timeout=3, max_parallel=2, max_dump=5, max_answer=7))
    assert (limits.timeout, limits.exec_timeout, limits.max_parallel) == (None, 3, 2)
    assert (limits.max_dump, limits.max_answer) == (5, 7)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("80", 80), ("0x4000", 0x4000), ("99", 99)])
def test_numbers(text: str, value: int) -> None:
    assert number(text, "--mark", below=1 << 32) == value


@pytest.mark.parametrize("text", ["", "x", "-1", "100", "1.5"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UsageError, match='for "--sport" flag: write a number from 0 to 99'):
        number(text, "--sport", below=100)


def test_ranges_given() -> None:
    found = networks(("10.8.0.1/16, fd00::/48", "10.9.0.0/16"), "--with")
    assert [str(one) for one in found] == ["10.8.0.0/16", "fd00::/48", "10.9.0.0/16"]


@pytest.mark.parametrize("texts", [("",), (" , ",), ("10.8.0.0/16", "")])
def test_an_empty_range_overlaps_none_and_is_none(texts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match='for "--with" flag: write 10'):
        networks(texts, "--with")
