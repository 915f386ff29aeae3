"""Lists that are kept beside the tests and compared with what the code says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture
def same_as_stored(request: pytest.FixtureRequest) -> Callable[[str, Iterable[str]], None]:
    """Compare lines with a list stored in this folder, or write it when asked with ``--store``."""

    def compare(name: str, lines: Iterable[str]) -> None:
        actual = list(lines)
        path = HERE / name
        if request.config.getoption("--store"):
            path.write_text("".join(f"{line}\n" for line in actual), encoding="utf-8")
        stored = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        added = sorted(set(actual) - set(stored))
        removed = sorted(set(stored) - set(actual))
        assert stored == actual, (
            f"{name} differs: new {added}, gone {removed}. If that is meant, run"
            " `pytest tests/architecture --store` and say so in CHANGELOG.md."
        )

    return compare
