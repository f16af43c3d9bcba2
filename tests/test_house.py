"""The rules of the house that no other tool checks: sizes, mirrors, registries, names, words.

Layers are import-linter's (.importlinter), style is ruff's. Each rule is described in
docs/design.md. Exclusions are listed with their reason and may only shrink: one that is no longer
needed fails here.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kubectl_svcnet"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES, FUNCTION_LINES = 400, 60

#: Modules without a test file of their own, and why that is enough.
UNMIRRORED: dict[str, str] = {}

#: Packages whose files are plugins, and the tuple in which each is named once.
REGISTRIES = {"dataplanes": "DATAPLANES", "logs": "LOG_SOURCES", "ranges": "SOURCES"}

#: Files there that are no plugins, and what they are.
NO_PLUGINS = {
    "dataplanes/foreign.py": "dataplanes that have no reader yet, each a row",
    "dataplanes/kube_proxy.py": "what the modes of kube-proxy share",
    "logs/mentions.py": "what a text says of a Service, for all sources",
    "logs/timeline.py": "the order of what all sources say",
    "dataplanes/remains.py": "whose chains are whose, for those that nobody uses any longer",
}

#: What belongs to one machine, one user or one registry, and so to no file of a project.
FOREIGN = re.compile(
    r"(?<![\w.}*-])/(?:work|root|home)/\w"
    r"|\bpypi\.(?:org|python)|\bpythonhosted\b|\bproxy\.golang\b|\bsum\.golang\b|\bdeb\.debian\b"
    r"|(?<![\w/.])\.\./shared/"
)


#: Which machine a node was: no archive holds these keys.
MACHINE = re.compile(r'"(?:machineID|systemUUID|bootID)"')

#: Archives recorded before that was so, and what of it they still hold.
TO_RE_RECORD: dict[str, str] = {}


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def modules() -> list[object]:
    return [pytest.param(path, id=relative(path)) for path in MODULES]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", modules())
def test_sizes(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < MODULE_LINES, f"{lines} lines: find the piece that wants a home of its own"
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size < FUNCTION_LINES, f"{node.name}: {size} lines"


@pytest.mark.parametrize("path", modules())
def test_the_head_says_what_a_file_is_for(path: Path) -> None:
    tree = parse(path)
    assert not tree.body or ast.get_docstring(tree)


def test_a_named_tuple_has_no_other_base() -> None:
    """Python 3.10 refuses it at import."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base) for base in node.bases]
                assert "NamedTuple" not in bases or len(bases) == 1, (
                    f"{relative(path)}: {node.name}"
                )


def maybe_mirror(path: Path) -> Path | None:
    """The test file, or the folder of test files, that mirrors a module."""
    package = ROOT / "tests" / path.relative_to(PACKAGE).parent
    name = path.parent.name if path.name == "__init__.py" else path.stem
    tests = [package / f"test_{name}.py", *sorted((package / name).glob("test_*.py"))]
    return next((test for test in tests if test.is_file()), None)


def acts(path: Path) -> bool:
    """Whether a module has a function that does something; else there is nothing to test."""

    def is_stub(body: list[ast.stmt]) -> bool:
        return all(isinstance(node, ast.Expr) for node in body)  # a docstring, or `...`

    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return any(
        isinstance(node, ast.Lambda) or not is_stub(node.body)
        for node in ast.walk(parse(path))
        if isinstance(node, functions)
    )


@pytest.mark.parametrize("path", modules())
def test_every_module_has_its_test(path: Path) -> None:
    """Private modules are reached through the public ones beside them; `__init__` with functions
    in it has the test of its package."""
    private = path.stem.startswith("_") and path.name != "__init__.py"
    if not private and acts(path) and relative(path) not in UNMIRRORED:
        name = path.parent.name if path.name == "__init__.py" else path.stem
        folder = Path("tests") / path.relative_to(PACKAGE).parent
        assert maybe_mirror(path), f"write {folder / f'test_{name}.py'}"


def test_exclusions_only_shrink() -> None:
    for name, reason in UNMIRRORED.items():
        path = PACKAGE / name
        assert path.is_file(), f"{name} is gone: strike it from UNMIRRORED"
        assert not maybe_mirror(path), f"{name} has its test now: strike it from UNMIRRORED"
        assert reason, f"say why {name} needs none"


def test_names_that_say_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not [relative(path) for path in MODULES if path.stem.strip("_") in vague]


# Registries


def assigned(tree: ast.Module, name: str) -> ast.expr | None:
    """What a module binds to `name` at its top level."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else ()
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            assert isinstance(node, (ast.Assign, ast.AnnAssign))
            return node.value
    return None


def registered(package: str) -> list[str]:
    """The modules of a registry's instances, in its order."""
    tree = parse(PACKAGE / package / "__init__.py")
    home = {
        alias.asname or alias.name: node.module or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    rows = assigned(tree, REGISTRIES[package])
    assert isinstance(rows, ast.Tuple), f"no tuple {REGISTRIES[package]}"
    return [
        home[name.id] for row in rows.elts for name in ast.walk(row) if isinstance(name, ast.Name)
    ]


@pytest.mark.parametrize("package", sorted(REGISTRIES))
def test_every_plugin_is_named_once_in_its_sorted_tuple(package: str) -> None:
    """Sorted by name, or as the comment above says: `#: Sorted by …`."""
    files = {relative(path): path.stem for path in (PACKAGE / package).glob("[!_]*.py")}
    plugins = sorted(stem for name, stem in files.items() if name not in NO_PLUGINS)
    named = registered(package)
    assert sorted(named) == plugins
    if "\n#: Sorted by " not in (PACKAGE / package / "__init__.py").read_text(encoding="utf-8"):
        assert named == plugins


def test_no_plugins_only_shrink() -> None:
    for name, what in NO_PLUGINS.items():
        package, file = name.split("/")
        assert (PACKAGE / name).is_file(), f"{name} is gone: strike it from NO_PLUGINS"
        assert file.removesuffix(".py") not in registered(package), f"{name} is a plugin now"
        assert what


# Imports


def imported(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every `from MODULE import NAME` of the package, with MODULE resolved and in parts."""
    here = ("kubectl_svcnet", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            if module[0] == "kubectl_svcnet":
                for alias in node.names:
                    yield module, alias.name


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("path", modules())
def test_private_things_stay_in_their_package(path: Path) -> None:
    """`_module` belongs to the files beside and below it, `_name` to its own file."""
    here = ("kubectl_svcnet", *path.relative_to(PACKAGE).parent.parts)
    for module, name in imported(path):
        full = (*module, name)
        for depth, part in enumerate(full):
            if is_private(part):
                owner = full[:depth]
                is_module = PACKAGE.joinpath(*owner[1:]).is_dir()
                where = ".".join(full)
                assert is_module, f"{where} is private to its file"
                assert here[: len(owner)] == owner, f"{where} is private to its package"


@pytest.mark.parametrize("path", modules())
def test_only_cli_prints(path: Path) -> None:
    """Ruff's T20 sees print; this sees the streams as well."""
    if path.relative_to(PACKAGE).parts[0] == "cli":
        return
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in {"print", "exit"})
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            stream = f"{node.value.id}.{node.attr}"
            assert stream not in {"sys.stdout", "sys.stderr", "sys.exit"}, stream


# Tables


def test_command_names_are_unique() -> None:
    from kubectl_svcnet.model import commands

    names = [row.name for row in commands._ROWS]
    assert sorted(set(names)) == sorted(names)


def test_commands_say_what_they_show() -> None:
    from kubectl_svcnet.model.commands import COMMANDS

    assert not [name for name, row in COMMANDS.items() if not row.shows]


# Words


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.tools("git")
def test_no_file_speaks_of_one_machine() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # archives and captures of hostile bytes
        if path != Path(__file__).resolve():
            where = path.relative_to(ROOT)
            found += [f"{where}:{n}: {s}" for n, s in enumerate(lines, 1) if FOREIGN.search(s)]
    assert not found


def archives() -> list[str]:
    folders = (PACKAGE, ROOT / "tests")
    found = [path for folder in folders for path in folder.rglob("*.tar.gz")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@pytest.mark.parametrize("name", archives())
def test_no_archive_speaks_of_one_machine(name: str) -> None:
    """`TO_RE_RECORD` may only shrink: one that is clean has no place there any more."""
    found = set()
    with tarfile.open(ROOT / name) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            text = content.read().decode("utf-8", "replace") if content else ""
            found |= {hit[0] for hit in (*FOREIGN.finditer(text), *MACHINE.finditer(text))}
    if name in TO_RE_RECORD:
        assert found, f"{name} is clean now: strike it from TO_RE_RECORD"
    else:
        assert not found


def test_archives_to_record_again_exist() -> None:
    assert set(TO_RE_RECORD) <= set(archives())
    assert all(TO_RE_RECORD.values())


def test_links_in_the_docs_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    missing = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#:\s]+)[)#]", page.read_text(encoding="utf-8"))
        if not (page.parent / link).exists()
    ]
    assert not missing


def test_make_targets_are_explained() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", text, re.MULTILINE))
    wanted = [
        "demo",
        "test",
        "e2e",
        "e2e-full",
        "bench",
        "dist",
        "lab-up",
        "lab-down",
        "kernel",
        "clean",
    ]
    assert set(wanted) <= targets
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert not [name for name in wanted if f"make {name}" not in contributing]


def test_shell_scripts_parse() -> None:
    for name, shell in ((".ci/run", "bash"), ("packaging/launcher.sh", "sh")):
        path = ROOT / name
        assert path.stat().st_mode & 0o111, f"{name} is not executable"
        subprocess.run([shell, "-n", str(path)], check=True)
