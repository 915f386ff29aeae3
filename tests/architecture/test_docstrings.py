from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, parsed

TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def undescribed(tree: ast.Module) -> Iterator[str]:
    """The tests whose docstring is missing or whose first paragraph is no sentence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            first = (ast.get_docstring(node) or "").partition("\n\n")[0]
            if not first.endswith((".", "?")):
                yield node.name


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_test_says_what_it_shows(path: Path) -> None:
    """Each test begins with a sentence."""
    assert [] == list(undescribed(parsed(path)))


def test_a_planted_silent_test_is_found() -> None:
    """The check sees a test without a docstring, also inside a class."""
    code = 'class TestIt:\n    def test_a(self): pass\nasync def test_b():\n    """No stop"""'
    assert {"test_a", "test_b"} == set(undescribed(ast.parse(code)))
