"""The table of a cart's hold is what decisions and the fold go by (RULES I-4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import ItemId, LineId, LocationId, OrderId, StreamId
from ordercore.inventory import commands as ic
from ordercore.inventory import events as ev
from ordercore.inventory.decide import (
    HoldClosedError,
    HoldExistsError,
    StockBasis,
    StockCommand,
    decide_stock,
    evolve_hold,
    wake_hold,
)
from ordercore.inventory.model import Counters, Hold, HoldStatus, StockPlace, WantedLine
from ordercore.inventory.status import HOLD, may

NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
CART: Final = StreamId("cart-1")
ORDER: Final = StreamId(OrderId("o-1"))
WISH: Final = WantedLine(line=LineId("1"), item=ItemId("tea"), quantity=1)
PLACE: Final = StockPlace(ItemId("tea"), LocationId("north"))
STOCK: Final = StockBasis(counters={PLACE: Counters(on_hand=5)})
FACTS: Final[tuple[Event, ...]] = (
    ev.StockHeld(CART, (), LATER, (WISH,), at=NOW),
    ev.HoldRenewed(LATER, at=NOW),
    ev.HoldReleased(CART, (), at=NOW),
    ev.HoldExpired(CART, (), at=NOW),
    ev.HoldTransferred(CART, ORDER, (), at=NOW),
)
ASKED: Final[dict[StockCommand, type[Event]]] = {
    ic.HoldStock(hold=CART, lines=(WISH,), until=LATER): ev.StockHeld,
    ic.RenewHold(until=LATER): ev.HoldRenewed,
    ic.ReleaseHold(): ev.HoldReleased,
    ic.TransferHold(to=ORDER): ev.HoldTransferred,
    ic.ReportHoldExpiry(at=LATER): ev.HoldExpired,
}


def standing(status: HoldStatus) -> Hold:
    """A hold in this status."""
    return Hold(owner=CART, allocations=(), until=SOON, wanted=(WISH,), status=status)


@pytest.mark.parametrize(("status", "event"), tuple(product(HoldStatus, FACTS)))
def test_the_fold_goes_by_the_table(status: HoldStatus, event: Event) -> None:
    """A fact for which the table has no way changes nothing; any other leads where it says."""
    hold = standing(status)
    after = evolve_hold(hold, event)
    if not may(hold, type(event)):
        assert hold is after
        return
    assert after is not None
    assert HOLD.next(status, type(event), None) is after.status
    assert hold != after


@pytest.mark.parametrize(("status", "command"), tuple(product(HoldStatus, ASKED)))
def test_decisions_go_by_the_table(status: HoldStatus, command: StockCommand) -> None:
    """Whatever is decided has a way in the table; what has one is not refused."""
    hold = standing(status)
    try:
        made = decide_stock(hold, command, NOW, basis=STOCK)
    except (HoldClosedError, HoldExistsError):
        assert not may(hold, ASKED[command])
        assert not may(hold, type(command))
        return
    assert all(may(hold, type(event)) for event in made)
    assert bool(made) is (
        may(hold, ASKED[command]) or may(hold, type(command)) or _renews(hold, command)
    )


def _renews(hold: Hold, command: StockCommand) -> bool:
    """The same units held again: a longer hold."""
    return isinstance(command, ic.HoldStock) and may(hold, ev.HoldRenewed)


def test_only_what_can_expire_has_a_deadline() -> None:
    """A hold that has ended wakes nobody, and only an order's is not renewed."""
    waking = {status for status in HoldStatus if wake_hold(standing(status)) is not None}
    assert {HoldStatus.OPEN} == waking
    closed = standing(HoldStatus.TRANSFERRED)
    with pytest.raises(HoldClosedError):
        decide_stock(closed, ic.RenewHold(until=LATER), NOW, basis=STOCK)
    for status in (HoldStatus.RELEASED, HoldStatus.EXPIRED):
        ended = evolve(closed, status=status)
        (event,) = decide_stock(ended, ic.RenewHold(until=LATER), NOW, basis=STOCK)
        assert isinstance(event, ev.StockHeld)
