"""The source tree as the tests of this folder see it."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from ordercore.errors import (
    BrokenContractError,
    ConflictError,
    InvalidValueError,
    NotFoundError,
    OrderCoreError,
    RefusedError,
    UnavailableError,
)

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "ordercore"

CORE = frozenset(
    {
        "_amount",
        "_currency",
        "_exact",
        "_instant",
        "_iso4217",
        "_steps",
        "errors",
        "facts",
        "fulfilment",
        "ids",
        "inventory",
        "invoice",
        "journal",
        "machine",
        "moment",
        "money",
        "order",
        "payment",
        "pricing",
        "process",
        "refund",
        "returns",
    }
)
"""The pure rooms: everything from the errors up to the journal."""

FAMILIES: tuple[type[OrderCoreError], ...] = (
    InvalidValueError,
    RefusedError,
    NotFoundError,
    ConflictError,
    UnavailableError,
    BrokenContractError,
)


def files() -> list[Path]:
    """Every source file of the package, sorted."""
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The module in a source file, such as ``ordercore.pricing.model``."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(path: Path) -> str:
    """The room that a source file belongs to; empty for the face."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules() -> Iterator[ModuleType]:
    """Every module of the package, imported; the test environment has what all of them need."""
    for path in files():
        yield importlib.import_module(name_of(path))


def errors() -> list[type[OrderCoreError]]:
    """Every concrete error that the package defines, sorted by its code."""
    found = {
        value
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, OrderCoreError)
        and value is not OrderCoreError
        and value not in FAMILIES
    }
    return sorted(found, key=lambda error: (error.code, error.__module__))
