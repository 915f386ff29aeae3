from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterable

import pytest

import ordercore
from tests.architecture.source import files, name_of

Stored = Callable[[str, Iterable[str]], None]

MODULES = [name_of(path) for path in files()]


def _fresh(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def test_the_public_face_is_as_stored(same_as_stored: Stored) -> None:
    """A name joins or leaves the public face on purpose only."""
    same_as_stored("face.txt", sorted(ordercore.__all__))


def test_each_name_of_the_face_is_there() -> None:
    """Every promised name resolves, is listed by ``dir()``, and lives in this package."""
    listed = dir(ordercore)
    for name in ordercore.__all__:
        thing = getattr(ordercore, name)
        assert name in listed
        assert getattr(thing, "__module__", "ordercore").startswith("ordercore"), name


def test_an_unknown_name_is_refused() -> None:
    """A lazy face still says that it has no such name."""
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(ordercore, "no_such_name")  # noqa: B009 a constant attribute fails the type check


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_exports_is_there(name: str) -> None:
    """Each name in ``__all__`` exists, and stands there once."""
    module = importlib.import_module(name)
    exported: list[str] = list(getattr(module, "__all__", ()))
    assert sorted(set(exported)) == sorted(exported)
    assert [] == [each for each in exported if not hasattr(module, each)]


@pytest.mark.parametrize(
    "heavy", ["asyncio", "cattrs", "dateutil.rrule", "hypothesis", "sqlalchemy", "sqlite3"]
)
def test_the_import_is_light(heavy: str) -> None:
    """Importing the package loads no storage, no event loop and no calendar rules."""
    assert "False" == _fresh(f"import sys, ordercore; print({heavy!r} in sys.modules)")


def test_a_heavy_import_would_be_seen() -> None:
    """The check above sees a module that is loaded."""
    assert "True" == _fresh("import sys, sqlite3; print('sqlite3' in sys.modules)")
