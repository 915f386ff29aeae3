from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.unit.order.pairs import overview

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "requests.md"
TITLE: Final = "\n## At a glance\n\n"


def glance(text: str) -> str:
    """The table of a page that has nothing else after its title."""
    return text.partition(TITLE)[2].rstrip("\n")


def test_the_page_shows_what_may_be_asked_when(request: pytest.FixtureRequest) -> None:
    """The committed table is what real orders answer; ``--store`` writes it anew."""
    text = PAGE.read_text(encoding="utf-8")
    made = overview().rstrip("\n")
    if request.config.getoption("--store"):
        PAGE.write_text(f"{text.partition(TITLE)[0]}{TITLE}{made}\n", encoding="utf-8")
        return
    changed = set(made.splitlines()) ^ set(glance(text).splitlines())
    assert made == glance(text), (
        f"the page and the code differ in {sorted(changed)}: if it is meant, run"
        " `pytest tests/docs/test_requests.py --store` and say so in CHANGELOG.md"
    )


def test_a_planted_answer_is_found() -> None:
    """Another word in one cell is a difference."""
    made = overview().rstrip("\n")
    page = f"# Page\n{TITLE}{made.replace('| Cancel | yes', '| Cancel | no', 1)}\n"
    assert made != glance(page)
    assert made == glance(f"# Page\n{TITLE}{made}\n")
