from __future__ import annotations

import json

import pytest
import yaml

from kubectl_svcnet import __version__
from kubectl_svcnet.cli.main import main


def test_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"kubectl svcnet {__version__} (Python 3.")


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_as_a_document(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "-o", output]) == 0
    text = capsys.readouterr().out
    assert text.startswith({"json": "{\n", "yaml": "apiVersion: "}[output])
    made = json.loads(text) if output == "json" else yaml.safe_load(text)
    assert (made["kind"], made["items"][0]["version"]) == ("Version", __version__)
    assert made["collected"]["execs"] == 0


def test_the_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"kubectl svcnet {__version__}\n"
