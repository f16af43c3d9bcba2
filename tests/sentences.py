"""Every sentence of an error or a fault that the source can raise, with its exit status.

Read from the syntax tree, so none can be forgotten: what is put in stands as {the expression}. A
function that makes an error of its parameters is followed to those who call it.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kubectl_svcnet import errors

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kubectl_svcnet"
STATUS = {
    name: str(kind.exit_code)
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.SvcnetError)
} | {"_wrong_usage": "2", "fault": "gap", "Failure": "gap"}
_MOST = 8  # alternatives of one sentence


@dataclass(frozen=True)
class Module:
    path: str
    tree: ast.Module

    def functions(self) -> Iterator[ast.FunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))


def sentences() -> list[str]:
    """`status  module  sentence`, each once, in the order of modules."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = Module(path.relative_to(PACKAGE).as_posix(), tree)
        rows = {
            f"{status:<4}{module.path}: {text}"
            for function in module.functions()
            for status, call in _raised(function)
            for text in _expanded(module, function, call)
        }
        found += sorted(rows)
    return found


def _raised(function: ast.FunctionDef) -> Iterator[tuple[str, ast.Call]]:
    for node in _own(function):
        if isinstance(node, ast.Call):
            name = (
                node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            )
            if name in STATUS and _maybe_message(node) is not None:
                yield STATUS[name], node


def _maybe_message(call: ast.Call) -> ast.expr | None:
    """Of an error the first argument, of a fault the second, of a Failure the named one."""
    for word in call.keywords:
        if word.arg == "message":
            return word.value
    place = 1 if ast.unparse(call.func) == "fault" else 0
    return call.args[place] if len(call.args) > place else None


def _own(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What is in it, without the functions in it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            todo.extend(ast.iter_child_nodes(node))


def _expanded(module: Module, function: ast.FunctionDef, call: ast.Call) -> list[str]:
    message = _maybe_message(call)
    assert message is not None
    said = _texts(message, _names(module, function, call))
    parameters = [argument.arg for argument in function.args.args + function.args.kwonlyargs]
    if not any(f"{{{name}}}" in text for name in parameters for text in said):
        return [text for text in said if _says_something(text)]
    callers = [
        (caller, node)
        for caller in module.functions()
        if caller is not function
        for node in _own(caller)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == function.name
    ]
    told = [
        _filled(text, parameters, node, _names(module, caller, node))
        for text in said
        for caller, node in callers
    ]
    return list(itertools.chain(*told)) or [text for text in said if _says_something(text)]


def _says_something(text: str) -> bool:
    """Not only what another has said."""
    return not (text.startswith("{") and text.endswith("}") and text.count("{") == 1)


def _filled(
    text: str, parameters: list[str], call: ast.Call, names: Mapping[str, list[str]]
) -> list[str]:
    given = dict(zip(parameters, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    found = [text]
    for name, value in given.items():
        mark = f"{{{name}}}"
        if mark in text:
            found = [one.replace(mark, word) for one in found for word in _texts(value, names)]
    return found[:_MOST]


def _names(module: Module, function: ast.FunctionDef, call: ast.Call) -> dict[str, list[str]]:
    """What local names and calls of the module's own functions may stand for, where it is text."""
    found: dict[str, list[str]] = {}
    for own in module.functions():
        returns = [node.value for node in _own(own) if isinstance(node, ast.Return)]
        if returns and all(value is not None and _is_text(value) for value in returns):
            found[f"{own.name}()"] = [t for value in returns if value for t in _texts(value, {})]
    assigns = [node for node in _own(function) if isinstance(node, ast.Assign)]
    for node in sorted(assigns, key=lambda node: node.lineno):
        [target, *_] = node.targets
        if node.lineno < call.lineno and isinstance(target, ast.Name) and _is_text(node.value):
            found.setdefault(target.id, []).extend(_texts(node.value, found))
    return found


def _is_text(node: ast.AST) -> bool:
    if isinstance(node, ast.IfExp):
        return _is_text(node.body) and _is_text(node.orelse)
    if isinstance(node, ast.BinOp):
        return _is_text(node.left)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _texts(node: ast.AST, names: Mapping[str, list[str]]) -> list[str]:
    """The text of an expression, in each way it may come out."""
    match node:
        case ast.Constant(value=str(text)):
            return [text.replace("\n", "\\n")]
        case ast.JoinedStr(values=parts):
            return _joined([_texts(part, names) for part in parts])
        case ast.FormattedValue(value=ast.Name() | ast.Call() as inner, conversion=-1):
            return _texts(inner, names)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([_texts(left, names), _texts(right, names)])
        case ast.IfExp(body=body, orelse=orelse):
            return [*_texts(body, names), *_texts(orelse, names)]
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Call(func=ast.Name(id=name)) if f"{name}()" in names:
            return names[f"{name}()"]
        case ast.FormattedValue(value=value):
            return [f"{{{ast.unparse(value)}}}"]
    return [f"{{{ast.unparse(node)}}}"]


def _joined(parts: list[list[str]]) -> list[str]:
    return ["".join(words) for words in itertools.islice(itertools.product(*parts), _MOST)]
