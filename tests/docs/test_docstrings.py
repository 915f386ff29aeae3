from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SOURCE.rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")],
    ids=_name,
)
def test_docstrings_tell_the_truth(path: Path) -> None:
    """The examples in a module's docstrings give what they say."""
    module = importlib.import_module(_name(path))
    failed, tried = doctest.testmod(module, report=True)
    assert tried
    assert 0 == failed
