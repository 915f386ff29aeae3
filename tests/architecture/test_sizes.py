from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import PACKAGE, files, parsed

LONGEST_FUNCTION = 40
LONGEST_FILE = 400
EXCEPTIONS = Path(__file__).with_name("size_exceptions.txt")


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Each function by its dotted name, with its lines without signature and docstring."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            below = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + child.name, length(child)
                below = f"{prefix}{child.name}."
            elif isinstance(child, ast.ClassDef):
                below = f"{prefix}{child.name}."
            yield from walk(child, below)

    yield from walk(tree, "")


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines the body has without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def too_big() -> dict[str, int]:
    """Every file and function over the limit, with its size."""
    found: dict[str, int] = {}
    for path in files():
        where = path.relative_to(PACKAGE).as_posix()
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > LONGEST_FILE:
            found[where] = lines
        for name, size in functions(parsed(path)):
            if size > LONGEST_FUNCTION:
                found[f"{where}:{name}"] = size
    return found


def excused() -> dict[str, int]:
    """What was too big when the limits came, with the size it may have at most."""
    rows = (line.rsplit(" ", 1) for line in EXCEPTIONS.read_text("utf-8").splitlines())
    return {where: int(size) for where, size in rows}


def test_nothing_grows_beyond_the_limits() -> None:
    """No file and no function is longer than the limits, or than its exception allows."""
    allowed = excused()
    assert {} == {where: size for where, size in too_big().items() if size > allowed.get(where, 0)}


def test_exceptions_only_shrink() -> None:
    """An exception that is no longer needed, or not in full, is struck or lowered."""
    present = too_big()
    assert {} == {
        where: f"{size} is listed, {present.get(where, 'nothing')} is needed"
        for where, size in excused().items()
        if size > present.get(where, 0)
    }


def test_a_planted_long_function_is_measured() -> None:
    """A function's length counts its body, not its docstring, wherever it is nested."""
    body = "\n".join(f"            x = {n}" for n in range(41))
    docstring = '            """Say\n\n            it."""'
    code = f"class A:\n    def b(self):\n        def c():\n{docstring}\n{body}"
    assert {"A.b": 45, "A.b.c": 41} == dict(functions(ast.parse(code)))
