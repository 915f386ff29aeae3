from __future__ import annotations

from datetime import date

import pytest

from ordercore.ids import ItemId, LineId, LocationId, StreamId
from ordercore.inventory.lots import (
    Lot,
    LotRule,
    LotShipment,
    pick_lots,
    trace,
)
from ordercore.inventory.model import OutOfStockError
from ordercore.money import InvalidQuantityError

TODAY = date(2026, 3, 1)


def lot(name: str, quantity: int, received: int, expires: date | None = None) -> Lot:
    return Lot(
        id=name,
        item=ItemId("milk"),
        location=LocationId("wien"),
        quantity=quantity,
        received_on=date(2026, 2, received),
        expires_on=expires,
    )


OLD = lot("old", 2, 3, date(2026, 3, 20))
NEW = lot("new", 2, 20, date(2026, 3, 8))
DRY = lot("dry", 9, 1)
SHELF = [OLD, DRY, NEW]


def picked(
    quantity: int, rule: LotRule = LotRule.FEFO, days_left: int = 0
) -> list[tuple[str, int]]:
    picks = pick_lots(SHELF, quantity, rule=rule, on=TODAY, days_left=days_left)
    return [(one.lot.id, one.quantity) for one in picks]


def test_what_expires_first_goes_first() -> None:
    """Expiry, not arrival; what never expires is last (RULES I-8)."""
    assert [("new", 2), ("old", 2), ("dry", 1)] == picked(5)


def test_what_came_first_goes_first() -> None:
    """Arrival, not expiry."""
    assert [("dry", 9), ("old", 1)] == picked(10, LotRule.FIFO)


def test_goods_must_last_long_enough() -> None:
    """A lot with too few days left is passed over; its last good day counts."""
    assert [("new", 1)] == picked(1, days_left=7)
    assert [("old", 1)] == picked(1, days_left=8)
    with pytest.raises(OutOfStockError) as caught:
        picked(10, days_left=20)
    assert [(10, 9)] == [(at.wanted, at.supplied) for at in caught.value.lines]


def test_an_empty_shelf_is_out_of_stock() -> None:
    """Nothing to pick from, and nothing to pick."""
    with pytest.raises(OutOfStockError):
        pick_lots([], 1, on=TODAY)
    with pytest.raises(InvalidQuantityError):
        pick_lots(SHELF, 0, on=TODAY)


def test_a_recall_finds_everybody() -> None:
    """Who got how many units of a lot, added up, and nobody else (RULES I-8)."""

    def sent(name: str, owner: str, quantity: int) -> LotShipment:
        return LotShipment(lot=name, owner=StreamId(owner), line=LineId("1"), quantity=quantity)

    shipments = [sent("a", "o-2", 1), sent("b", "o-1", 4), sent("a", "o-1", 2), sent("a", "o-2", 3)]
    assert (sent("a", "o-1", 2), sent("a", "o-2", 4)) == trace(shipments, "a")
    assert () == trace(shipments, "c")
