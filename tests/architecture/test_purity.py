from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.purity import impurities
from tests.architecture.source import CORE, PACKAGE, files, name_of, parsed, room_of

CORE_FILES = [path for path in files() if room_of(path) in CORE]

# Distances and demand statistics may use floats; their results are integers, never an amount.
MAY_USE_FLOATS = ("ordercore.inventory.sourcing", "ordercore.inventory.replenish")

# Who may import what is not everybody's: each library has one door.
DOORS = {
    "babel": ("ordercore.money",),
    "cattrs": ("ordercore.codec",),
    "dateutil": ("ordercore.moment", "ordercore._instant"),
    "hypothesis": ("ordercore.testing",),
    "psycopg": ("ordercore.adapters.sqlalchemy",),
    "pytest": ("ordercore.testing",),
    "rich": (),
    "sqlalchemy": ("ordercore.adapters.sqlalchemy",),
    "sqlite3": (
        "ordercore.adapters.sqlite",
        "ordercore.adapters._sqlite",
        "ordercore.testing._sandbox",
    ),
}


def _within(module: str, places: tuple[str, ...]) -> bool:
    """Whether *module* is one of *places*, below it, or a private part beside it."""
    return any(module == place or module.startswith((f"{place}.", f"{place}_")) for place in places)


def _imported(path: Path) -> set[str]:
    """The names of all top-level packages that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_the_core_is_pure(path: Path) -> None:
    """A core module uses no clock, no chance, no storage, no network and no float."""
    floats = _within(name_of(path), MAY_USE_FLOATS)
    assert [] == list(impurities(parsed(path), floats=floats))


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_each_library_has_one_door(path: Path) -> None:
    """A library is imported only in the room that stands for it."""
    name = name_of(path)
    strangers = {
        library for library in _imported(path) & DOORS.keys() if not _within(name, DOORS[library])
    }
    assert set() == strangers


@pytest.mark.parametrize(
    "bug",
    [
        "import random",
        "import os.path",
        "from time import sleep",
        "from uuid import uuid4",
        "def f():\n    import sqlite3",
        "datetime.now(UTC)",
        "when = date.today()",
        "key = uuid.uuid4()",
        "print(order)",
        "__import__('os')",
        "rate = 0.2",
        "x = float(total)",
        "math.sqrt(2)",
        "from math import sqrt",
        "x = -1e3",
    ],
)
def test_a_planted_impurity_is_found(bug: str) -> None:
    """The check sees each kind of impurity when one is planted."""
    assert 1 == len(list(impurities(ast.parse(bug))))


@pytest.mark.parametrize(
    "code",
    [
        "from math import isqrt, gcd",
        "math.ceil(Fraction(7, 2))",
        "isinstance(value, float)",
        "from datetime import datetime",
        "now = order.placed_at",
    ],
)
def test_pure_code_is_let_through(code: str) -> None:
    """The check does not cry over exact arithmetic or a refusal of floats."""
    assert [] == list(impurities(ast.parse(code)))


def test_floats_are_allowed_only_where_listed() -> None:
    """The exception for floats allows floats, and nothing else."""
    tree = ast.parse("x = 0.5\nimport time")
    assert [(2, "import time")] == list(impurities(tree, floats=True))


def test_the_core_is_the_whole_core() -> None:
    """Each pure room exists, so that no renamed room escapes the check."""
    present = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()}
    assert set() == CORE - present
