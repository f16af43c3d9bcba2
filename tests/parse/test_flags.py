from __future__ import annotations

from pathlib import Path

import pytest

from kubectl_svcnet.parse.flags import find_flag, find_flag_in_manifest

GUIDE = Path(__file__).parents[1] / "fixtures" / "guide"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["kube-apiserver", "--cidr=10.0.0.0/8"], "10.0.0.0/8"),
        (["kube-apiserver", "--cidr", "10.0.0.0/8"], "10.0.0.0/8"),
        (["--cidr=1.0.0.0/8", "--cidr=2.0.0.0/8"], "2.0.0.0/8"),  # the last wins, as in pflag
        (["--cidr="], ""),
        (["--cidr"], ""),
        (["--cidr", "--other=1"], ""),
        (["--cidr-mask=24"], None),
        (["--other", "--cidrs=1"], None),
        ([], None),
        (['--cidr="10.0.0.0/8"'], "10.0.0.0/8"),
        (["/bin/sh", "-c", "exec kube-proxy --v=2 --cidr=10.0.0.0/8 1>>/log 2>&1"], "10.0.0.0/8"),
        (["--cidr= 10.0.0.0/8 , fd00::/8"], " 10.0.0.0/8 , fd00::/8"),  # a flag is no script
        (["sh", "-c", "exec kube-proxy \\\n  --cidr '10.0.0.0/8'\n"], "10.0.0.0/8"),
    ],
)
def test_find_flag(argv: list[str], expected: str | None) -> None:
    assert find_flag(argv, "cidr") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("    - --r=10.96.0.0/12\n", ("10.96.0.0/12", "    - --r=10.96.0.0/12")),
        ('    - "--r=10.96.0.0/12"\n', ("10.96.0.0/12", '    - "--r=10.96.0.0/12"')),
        ("    # - --r=10.96.0.0/12\n", None),
        ("    - --other=1\n", None),
        ("", None),
    ],
)
def test_find_flag_in_manifest(text: str, expected: tuple[str, str] | None) -> None:
    assert find_flag_in_manifest(text, "r") == expected


def test_the_guides_manifest_line() -> None:
    text = (GUIDE / "apiserver-manifest.txt").read_text()
    assert find_flag_in_manifest(text, "service-cluster-ip-range") == (
        "10.96.0.0/12",
        "    - --service-cluster-ip-range=10.96.0.0/12",
    )
