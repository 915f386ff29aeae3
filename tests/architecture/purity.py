"""What a pure module must not do, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

__all__ = ["impurities"]

BANNED_MODULES: Final = frozenset(
    """
    asyncio cattrs concurrent ftplib http httpx logging multiprocessing os pathlib random requests
    secrets select selectors shutil signal smtplib socket sqlalchemy sqlite3 ssl subprocess tempfile
    threading time urllib uuid
    """.split()
)
"""Clock, chance, storage, network, and what reaches for them."""

BANNED_CALLS: Final = frozenset(
    """
    breakpoint eval exec input now open print today utcnow uuid1 uuid3 uuid4 uuid5 uuid6 uuid7
    """.split()
)
"""Calls by their last name, so that ``datetime.now()`` and ``clock.now()`` are both found."""

EXACT_MATH: Final = frozenset({"ceil", "comb", "factorial", "floor", "gcd", "isqrt", "lcm", "prod"})
"""What `math` can do without a float in sight."""


def impurities(tree: ast.AST, *, floats: bool = False) -> Iterator[tuple[int, str]]:
    """The line and the name of all that is banned; *floats* allows those."""
    for node in ast.walk(tree):
        yield from _imports(node, floats=floats)
        yield from _calls(node)
        if not floats:
            yield from _floats(node)


def _imports(node: ast.AST, *, floats: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        package, _, rest = name.partition(".")
        inexact = package == "math" and rest and rest not in EXACT_MATH and not floats
        if package in BANNED_MODULES or inexact:
            yield node.lineno, f"import {name}"


def _calls(node: ast.AST) -> Iterator[tuple[int, str]]:
    if not isinstance(node, ast.Call):
        return
    name = _last_name(node.func)
    if name in BANNED_CALLS or name in {"__import__", "import_module"}:
        yield node.lineno, f"{name}()"


def _floats(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        yield node.lineno, f"the float {node.value!r}"
    elif isinstance(node, ast.Call) and _last_name(node.func) == "float":
        yield node.lineno, "float()"
    elif isinstance(node, ast.Attribute) and _last_name(node.value) == "math":
        yield from [] if node.attr in EXACT_MATH else [(node.lineno, f"math.{node.attr}")]


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
