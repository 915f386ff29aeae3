"""Wrong ways to undo an amendment, each of which the law of undoing must notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.order import _undo
from ordercore.order.terms import Terms
from ordercore.refund.policy import GiveBack, RefundPolicy
from tests.laws.test_amendments import TERMS, Change, law_of_undoing

STORY: list[Change] = [("reduce", 0, 7), ("remove", 0, 2), ("reprice", 1, 3)]
KEEPS = evolve(TERMS, refund=RefundPolicy(cancelled=GiveBack.NEVER))


def nothing(*_: object) -> Iterator[Event]:
    """The discount is not taken back."""
    return iter(())


def nothing_kept(*_: object) -> dict[object, int]:
    """Shipping that was never given back is charged once more."""
    return {}


def half_of_it(order: object, found: object) -> dict[object, int]:
    """One unit of what was added stays."""
    right = _undo_added(order, found)  # type: ignore[arg-type]  # passed on as they come
    return {line: units - 1 for line, units in right.items() if units > 1}


_undo_added = _undo._added


@pytest.mark.parametrize(
    ("name", "bug", "terms"),
    [
        ("_raised", nothing, TERMS),
        ("_never_given", nothing_kept, KEEPS),
        ("_added", half_of_it, TERMS),
    ],
    ids=["discount-stays", "charged-twice", "units-stay"],
)
def test_a_wrong_undoing_is_caught(
    monkeypatch: pytest.MonkeyPatch, name: str, bug: object, terms: Terms
) -> None:
    """The law holds for this story, and falls with the bug."""
    law_of_undoing(STORY, terms, exact=False)
    monkeypatch.setattr(_undo, name, bug)
    with pytest.raises(AssertionError):
        law_of_undoing(STORY, terms, exact=False)
