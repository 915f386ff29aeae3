from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts),
]
READER = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_code_block_runs(path: Path, tmp_path: Path) -> None:
    """The Python blocks of a page run from top to bottom and print what they say."""
    with chdir(tmp_path):
        for example in READER.parse(path).examples():
            example.evaluate()


def test_the_readme_shows_code() -> None:
    """The README has a taste of the library that really runs."""
    assert list(READER.parse(ROOT / "README.md").examples())


@pytest.mark.parametrize("block", ["assert 1 + 1 == 3", ">>> 1 + 1\n3"])
def test_a_planted_lie_is_found(block: str, tmp_path: Path) -> None:
    """A page whose code does not do what it says fails."""
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n```python\n{block}\n```\n", encoding="utf-8")
    (example,) = READER.parse(page).examples()
    with pytest.raises(AssertionError):
        example.evaluate()
