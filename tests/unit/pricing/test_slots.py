"""Sets of slots."""

from __future__ import annotations

import pytest

from ordercore.pricing.slots import NO_SLOTS, InvalidSlotsError, SlotSet


def test_spans_are_sorted_and_apart() -> None:
    """Anything else is no set of slots."""
    for spans in ([(0, 0)], [(2, 1)], [(-1, 2)], [(0, 2), (2, 3)], [(3, 4), (0, 1)], [(0, True)]):
        with pytest.raises(InvalidSlotsError):
            SlotSet(spans)


def test_a_range_may_be_empty() -> None:
    """From 3 to 3 there is nothing."""
    assert SlotSet.of(3, 3) == NO_SLOTS
    assert not NO_SLOTS
    assert len(NO_SLOTS) == 0


def test_single_slots_are_joined() -> None:
    """In any order, once or twice."""
    assert SlotSet.from_slots([4, 0, 1, 1]).spans == ((0, 2), (4, 5))


def test_many_sets_are_joined_at_once() -> None:
    """The union of all."""
    sets = [SlotSet.of(4, 6), SlotSet.of(0, 2), SlotSet.of(1, 3)]
    assert SlotSet.union(sets).spans == ((0, 3), (4, 6))
    assert SlotSet.union([]) == NO_SLOTS


def test_lowest_and_highest() -> None:
    """Dispatch takes the lowest, cancel the highest (RULES M-7)."""
    slots = SlotSet.from_slots([0, 1, 4, 5, 6])
    assert list(slots.lowest(3)) == [0, 1, 4]
    assert list(slots.highest(2)) == [5, 6]
    assert slots.lowest(9) == slots
    assert slots.highest(9) == slots
    assert slots.lowest(0) == slots.highest(0) == NO_SLOTS


def test_subsets() -> None:
    """Every slot of one is in the other."""
    assert SlotSet.of(1, 3) <= SlotSet.of(0, 3)
    assert not SlotSet.of(1, 4) <= SlotSet.of(0, 3)
    assert NO_SLOTS <= SlotSet.of(0, 1)
    assert 2 in SlotSet.of(1, 3)
    assert 3 not in SlotSet.of(1, 3)
    assert "2" not in SlotSet.of(1, 3)
