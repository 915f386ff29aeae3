from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "rules").glob("*.md"))
CODE = sorted((ROOT / "src").rglob("*.py")) + sorted((ROOT / "tests").rglob("*.py"))

CITED = re.compile(r"\bRULES((?:[,;\s]*(?:and )?\b(?:PAY|RF|[MPIOFRDX])-\d+\b)+)")
NUMBER = re.compile(r"\b[A-Z]+-\d+\b")


def cited(text: str) -> set[str]:
    """The rules that a text names after the word RULES."""
    return {number for run in CITED.findall(text) for number in NUMBER.findall(run)}


def written() -> set[str]:
    """The rules that have a heading of their own."""
    return {
        number
        for page in PAGES
        for number in re.findall(r"^## ([A-Z]+-\d+)$", page.read_text("utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_rule_that_code_names_is_written(path: Path) -> None:
    """A rule that a docstring names can be read in docs/rules."""
    assert set() == cited(path.read_text(encoding="utf-8")) - written()


def test_a_planted_citation_is_found() -> None:
    """Several rules in one breath are all seen."""
    assert {"M-5", "RF-12"} == cited("Source: RU" + "LES M-5, RF-12; ISO 4217")
