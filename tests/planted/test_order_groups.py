"""Wrong ways to serve delivery groups, each of which their law must notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ordercore.ids import LineId, LocationId
from ordercore.order import grouping
from ordercore.order.groups import DeliveryGroup
from ordercore.order.model import Order
from tests.laws.test_order_groups import Step, law_of_groups

TEA = LineId("tea")
GROUPS = (
    DeliveryGroup(id="g0", units=((TEA, 1),), priority=1),
    DeliveryGroup(id="g1", units=((TEA, 2), (LineId("cup"), 1))),
)
STORY: list[Step] = [("receive", 0), ("receive", 2), ("send", 0)]


def nothing_is_done_yet(_order: Order, _name: str) -> dict[LineId, int]:
    """What a group has is forgotten, so it gets everything that comes."""
    return {}


def first_takes_all(order: Order, name: str, line: LineId) -> int:
    """Each group wants the whole line."""
    del name
    return order.priced.line(line).quantity


def only_the_first(order: Order) -> Iterator[tuple[str, dict[tuple[LocationId, LineId], int]]]:
    """The groups behind the first are never planned."""
    yield from list(RIGHT(order))[:1] if not order.fulfilment.orders else ()


RIGHT = grouping._shares


@pytest.mark.parametrize(
    ("name", "bug"),
    [("_done", nothing_is_done_yet), ("_wanted", first_takes_all), ("_shares", only_the_first)],
)
def test_a_planted_bug_is_caught(name: str, bug: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The law holds for this story, and falls with the bug."""
    law_of_groups(GROUPS, STORY)
    monkeypatch.setattr(grouping, name, bug)
    with pytest.raises(AssertionError):
        law_of_groups(GROUPS, STORY)
