"""Files of the user as text."""

from __future__ import annotations

import gzip

import pytest

from kubectl_svcnet.cli.text import decoded
from kubectl_svcnet.errors import ParseError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_that_say_so(encoding: str) -> None:
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    assert decoded((mark + "*nat\u2026").encode(encoding), "x") == "*nat\u2026"


def test_what_is_no_text_is_kept_visible() -> None:
    assert decoded(b"a\xffb", "x") == "a\ufffdb"


def test_compressed() -> None:
    with pytest.raises(ParseError, match="x: it is compressed"):
        decoded(gzip.compress(b"*nat"), "x")
