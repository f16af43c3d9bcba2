"""krew's own rules for a manifest, and that the built one differs only where it must."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "krew-manifest.yaml").read_text(encoding="utf-8")
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")
TARGETS = {
    *(("windows", arch) for arch in ("386", "amd64", "arm64")),
    *(("linux", arch) for arch in ("386", "amd64", "arm", "arm64", "ppc64le")),
    *(("darwin", arch) for arch in ("386", "amd64", "arm64")),
}


def matches(selector: dict[str, Any], target: tuple[str, str]) -> bool:
    """apimachinery's label selector, as far as krew uses it: keys os and arch."""
    labels = dict(zip(("os", "arch"), target, strict=True))
    found = all(labels[key] == value for key, value in selector.get("matchLabels", {}).items())
    for row in selector.get("matchExpressions", ()):
        inside = labels[row["key"]] in row["values"]
        found &= {"In": inside, "NotIn": not inside}[row["operator"]]
    return found


def complaints_about_platform(platform: dict[str, Any]) -> list[str]:
    said = [f"{key} is missing" for key in ("uri", "sha256", "bin") if not platform.get(key)]
    if not re.fullmatch(r"[a-f0-9]{64}", str(platform.get("sha256"))):
        said.append("sha256 is not 64 lower-case hexadecimal digits")
    selector = platform.get("selector")
    if not selector or not any(selector.get(k) for k in ("matchLabels", "matchExpressions")):
        return [*said, "selector is empty"]
    keys = {*selector.get("matchLabels", ()), *(r["key"] for r in selector["matchExpressions"])}
    if keys - {"os", "arch"}:
        said.append("selector has other keys than os and arch")
    elif not any(matches(selector, target) for target in TARGETS):
        said.append("selector matches no platform")
    files = platform.get("files", [{"from": "*", "to": "."}])
    if not files or not all(row.get("from") and row.get("to") for row in files):
        said.append("files is empty or lacks from or to")
    return said


def complaints(manifest: dict[str, Any]) -> list[str]:
    """krew `internal/index/validation/validate.go` and `cmd/validate-krew-manifest/main.go`."""
    spec, said = manifest["spec"], []
    if manifest["apiVersion"] != "krew.googlecontainertools.github.com/v1alpha2":
        said.append("apiVersion")
    if manifest["kind"] != "Plugin":
        said.append("kind")
    name = manifest["metadata"]["name"]
    if not re.fullmatch(r"[\w-]+", name) or DEVICES.match(name):
        said.append("name")
    if not spec.get("shortDescription") or re.search(r"[\r\n]", spec["shortDescription"]):
        said.append("shortDescription")
    if not re.fullmatch(r"v\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?", spec.get("version", "")):
        said.append("version")
    platforms = spec.get("platforms") or []
    if not platforms:
        said.append("no platforms")
    for platform in platforms:
        said += complaints_about_platform(platform)
    if not said:
        for target in TARGETS:
            if sum(matches(platform["selector"], target) for platform in platforms) > 1:
                said.append(f"two platforms match {target}")
    return said


def manifest() -> dict[str, Any]:
    loaded = yaml.safe_load(TEXT)
    assert isinstance(loaded, dict)
    return loaded


def test_krew_accepts_it() -> None:
    assert complaints(manifest()) == []


def test_it_serves_linux_and_macos_on_every_cpu() -> None:
    (platform,) = manifest()["spec"]["platforms"]
    served = {target for target in TARGETS if matches(platform["selector"], target)}
    assert served == {target for target in TARGETS if target[0] != "windows"}


def test_reviewers_accept_it() -> None:
    """What krew-index's reviewers ask for beyond the rules."""
    spec = manifest()["spec"]
    assert len(spec["shortDescription"]) <= 50
    assert not spec["shortDescription"].endswith(".")
    assert all(
        len(line) <= 80 for key in ("description", "caveats") for line in spec[key].split("\n")
    )
    assert not fnmatch.filter(TEXT.splitlines(), "*#*"), "comments are not wanted"


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        pytest.param("metadata.name", "NUL", "name", id="device"),
        pytest.param("metadata.name", "a.b", "name", id="dot"),
        pytest.param("spec.version", "0.1.0", "version", id="no v"),
        pytest.param("spec.shortDescription", "two\nlines", "shortDescription", id="lines"),
        pytest.param("spec.platforms", [], "no platforms", id="none"),
        pytest.param("spec.platforms.0.sha256", "A" * 64, "sha256 is", id="upper case"),
        pytest.param("spec.platforms.0.selector", {}, "selector is empty", id="selector"),
        pytest.param("spec.platforms.0.bin", "", "bin is missing", id="bin"),
        pytest.param("spec.platforms.0.files", [], "files is empty", id="files"),
    ],
)
def test_the_rules_refuse(path: str, value: object, complaint: str) -> None:
    broken = manifest()
    place: Any = broken
    *folders, last = path.split(".")
    for part in folders:
        place = place[int(part) if part.isdigit() else part]
    place[last] = value
    assert any(said.startswith(complaint) for said in complaints(broken))


def test_the_release_template_makes_the_committed_manifest() -> None:
    """krew-release-bot fills in the tag, and where addURIAndSha stands, the address and its hash
    with four blanks before the second line."""
    template = (ROOT / ".krew.yaml").read_text(encoding="utf-8")
    spec = yaml.safe_load(TEXT)["spec"]
    digest = spec["platforms"][0]["sha256"]
    filled = re.sub(
        r'\{\{addURIAndSha "(.*)" \.TagName \}\}', rf'uri: \1\n    sha256: "{digest}"', template
    ).replace("{{ .TagName }}", spec["version"])
    assert "{{" not in filled
    assert yaml.safe_load(filled) == yaml.safe_load(TEXT)


def test_the_release_workflow_builds_tests_and_compares() -> None:
    path = ROOT / ".github" / "workflows" / "release.yml"
    steps = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["release"]["steps"]
    runs = [step.get("run", "") for step in steps]
    assert runs.index("make test") < runs.index("make dist")
    assert any("diff krew-manifest.yaml dist/krew-manifest.yaml" in run for run in runs)
