from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import LineId, StreamId
from ordercore.inventory.commands import (
    HoldStock,
    ReleaseHold,
    RenewHold,
    ReportHoldExpiry,
    TransferHold,
)
from ordercore.inventory.decide import (
    HoldClosedError,
    HoldExistsError,
    InvalidDeadlineError,
    StockBasis,
    StockCommand,
    UnknownHoldError,
    decide_stock,
    evolve_hold,
    evolve_stock,
    learn_stock,
    wake_hold,
)
from ordercore.inventory.events import (
    HoldExpired,
    HoldReleased,
    HoldRenewed,
    HoldTransferred,
    ReservationRefused,
    StockHeld,
    UnitsFilled,
    UnitsReleased,
    UnitsRequeued,
    UnitsReserved,
)
from ordercore.inventory.model import (
    Allocation,
    Counters,
    Hold,
    HoldStatus,
    MoveKind,
    OutOfStockError,
    StockMove,
    StockState,
)
from ordercore.inventory.moves import moves_of
from tests.laws.stock_world import Moved, held, place, wanted

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=15), NOW + timedelta(hours=2)
CART, ORDER = StreamId("cart-1"), StreamId("o-1")
STOCK = StockBasis(counters={place(): Counters(on_hand=5)})
HOLD = HoldStock(hold=CART, lines=(wanted(2),), until=SOON)


def fold(events: tuple[Event, ...], hold: Hold | None = None) -> Hold | None:
    for event in events:
        hold = evolve_hold(hold, event)
    return hold


def opened() -> Hold:
    hold = fold(decide_stock(None, HOLD, NOW, basis=STOCK))
    assert hold is not None
    return hold


def decided(
    hold: Hold | None, command: StockCommand, basis: StockBasis = STOCK
) -> tuple[Event, ...]:
    return decide_stock(hold, command, NOW, basis=basis)


# --- holds of carts -----------------------------------------------------------------------------


def test_a_cart_holds_units_until_a_deadline() -> None:
    """What is held, from where, until when (RULES I-4)."""
    (event,) = decided(None, HOLD)
    assert event == StockHeld(CART, (held(2),), SOON, (wanted(2),), at=NOW)
    assert [MoveKind.RESERVE] == [move.kind for move in moves_of(event)]
    hold = opened()
    assert (True, SOON, (held(2),)) == (hold.is_open, wake_hold(hold), hold.allocations)


def test_a_cart_does_not_hold_what_is_not_there() -> None:
    """A hold never queues, whatever the backorder limit."""
    basis = StockBasis(counters={place(): Counters(on_hand=1, backorder_limit=None)})
    with pytest.raises(OutOfStockError):
        decided(None, HOLD, basis)


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(1), NOW + timedelta(days=36500)])
def test_a_deadline_lies_ahead_and_not_too_far(until: datetime) -> None:
    """No time, negative time and a hundred years are refused (ABUSE 27)."""
    with pytest.raises(InvalidDeadlineError):
        decided(None, evolve(HOLD, until=until))
    with pytest.raises(InvalidDeadlineError):
        decided(opened(), RenewHold(until=until))


def test_nobody_hoards() -> None:
    """One party's units are limited by its allotment, over all its carts (ABUSE 28, RULES I-11)."""
    row = place(location="buyer-7")
    bound = evolve(HOLD, bound_by=(row.location,))
    leave = Counters(on_hand=4, reserved=2, allotment=True)
    stock = {**STOCK.counters, row: leave}
    (event,) = decided(None, bound, evolve(STOCK, counters=stock))
    assert isinstance(event, StockHeld)
    assert [(row.location, 2)] == [(at.location, at.reserved) for at in event.allotments]
    stock[row] = evolve(leave, reserved=3)
    with pytest.raises(OutOfStockError) as caught:
        decided(None, bound, evolve(STOCK, counters=stock))
    assert [(2, 1)] == [(short.wanted, short.supplied) for short in caught.value.lines]


def test_a_hold_that_ended_is_bound_as_before() -> None:
    """Taken anew, it takes its allotments anew too (RULES I-4, I-11)."""
    row = place(location="buyer-7")
    stock = {**STOCK.counters, row: Counters(on_hand=4, allotment=True)}
    basis = evolve(STOCK, counters=stock)
    hold: Hold | None = None
    facts = decided(None, evolve(HOLD, bound_by=(row.location,)), basis)
    for event in (*facts, HoldExpired(HOLD.hold, (), at=NOW)):
        hold = evolve_hold(hold, event)
    (event,) = decided(hold, RenewHold(until=NOW + timedelta(hours=2)), basis)
    assert isinstance(event, StockHeld)
    assert [(row.location, 2)] == [(at.location, at.reserved) for at in event.allotments]


def test_the_same_hold_again_changes_nothing() -> None:
    """The same units: the same hold; other units under the same id are refused (ABUSE 26)."""
    hold = opened()
    assert () == decided(hold, HOLD)
    assert (HoldRenewed(LATER, at=NOW),) == decided(hold, evolve(HOLD, until=LATER))
    with pytest.raises(HoldExistsError):
        decided(hold, evolve(HOLD, lines=(wanted(3),)))


def test_a_hold_is_renewed() -> None:
    """The deadline moves; the same deadline again is no fact."""
    hold = opened()
    assert () == decided(hold, RenewHold(until=SOON))
    renewed = fold(decided(hold, RenewHold(until=LATER)), hold)
    assert LATER == wake_hold(renewed)


def test_an_expired_hold_is_taken_anew_or_refused() -> None:
    """Never kept without its units (ABUSE 29, RULES I-4)."""
    hold = fold(decided(opened(), ReportHoldExpiry(at=LATER)), opened())
    assert hold is not None
    assert (HoldStatus.EXPIRED, None) == (hold.status, wake_hold(hold))
    (event,) = decided(hold, RenewHold(until=LATER))
    assert event == StockHeld(CART, (held(2),), LATER, (wanted(2),), at=NOW)
    with pytest.raises(OutOfStockError):
        decided(hold, RenewHold(until=LATER), StockBasis())


def test_an_expiry_told_early_or_twice_changes_nothing() -> None:
    """A report is never refused."""
    hold = opened()
    assert () == decided(None, ReportHoldExpiry(at=LATER))
    assert () == decided(hold, ReportHoldExpiry(at=NOW))
    (event,) = decided(hold, ReportHoldExpiry(at=LATER))
    assert event == HoldExpired(CART, (held(2),), at=LATER)
    assert () == decided(fold((event,), hold), ReportHoldExpiry(at=LATER))


def test_a_hold_is_given_back_once() -> None:
    """Twice is no error and moves nothing (ABUSE 30)."""
    hold = opened()
    (event,) = decided(hold, ReleaseHold())
    assert event == HoldReleased(CART, (held(2),), at=NOW)
    assert [MoveKind.RELEASE] == [move.kind for move in moves_of(event)]
    ended = fold((event,), hold)
    assert ended is not None
    assert HoldStatus.RELEASED is ended.status
    assert () == decided(ended, ReleaseHold())


def test_a_hold_gives_back_what_it_still_has() -> None:
    """A stock-take took one of two units: the rest is released, and the place in the queue."""
    basis = evolve(STOCK, held=(held(1, 1),))
    (event,) = decided(opened(), ReleaseHold(), basis)
    assert [(MoveKind.RELEASE, 1), (MoveKind.UNQUEUE, 1)] == [
        (move.kind, move.quantity) for move in moves_of(event)
    ]
    (event,) = decided(opened(), ReleaseHold(), evolve(STOCK, held=()))
    assert () == moves_of(event)
    ended = fold((event,), opened())
    assert ended is not None
    assert not ended.is_open


def test_a_part_of_a_hold_is_given_back() -> None:
    """The lines named go, the others stay; the last one ends the hold."""
    basis = StockBasis(counters={place(): Counters(on_hand=5), place("pot"): Counters(on_hand=5)})
    command = evolve(HOLD, lines=(wanted(2), wanted(1, "pot", "2")))
    hold = fold(decided(None, command, basis))
    assert hold is not None
    first = ReleaseHold(lines=(LineId("1"),))
    hold = fold(decided(hold, first, basis), hold)
    assert hold is not None
    pot = held(1, at=place("pot"), line="2")
    assert (True, (pot,), (wanted(1, "pot", "2"),)) == (
        hold.is_open,
        hold.allocations,
        hold.wanted,
    )
    assert () == decided(hold, first, basis)
    hold = fold(decided(hold, ReleaseHold(lines=(LineId("2"),)), basis), hold)
    assert hold is not None
    assert HoldStatus.RELEASED is hold.status


def test_a_hold_becomes_an_order() -> None:
    """The hold is given up by name, and never again after that (RULES I-4)."""
    hold = opened()
    (event,) = decided(hold, TransferHold(to=ORDER))
    assert event == HoldTransferred(CART, ORDER, (held(2),), at=NOW)
    ended = fold((event,), hold)
    assert ended is not None
    assert HoldStatus.TRANSFERRED is ended.status
    for command in (TransferHold(to=ORDER), RenewHold(until=LATER)):
        with pytest.raises(HoldClosedError):
            decided(ended, command)
    assert () == decided(ended, ReleaseHold())


@pytest.mark.parametrize("command", [RenewHold(until=SOON), ReleaseHold(), TransferHold(to=ORDER)])
def test_there_must_be_a_hold(command: StockCommand) -> None:
    """Nothing is renewed, released or transferred that was never held."""
    with pytest.raises(UnknownHoldError):
        decided(None, command)


def test_other_facts_leave_a_hold_alone() -> None:
    """The fold is total: a fact that is none of its own changes nothing."""
    stranger = UnitsReserved(ORDER, (held(1),), at=NOW)
    assert evolve_hold(None, stranger) is None
    hold = opened()
    assert hold is evolve_hold(hold, stranger)


# --- an order's allocations ---------------------------------------------------------------------


def state(*allocations: Allocation) -> StockState:
    return StockState(allocations=allocations)


def test_an_order_adds_up_what_it_reserves_and_releases() -> None:
    """Parts of the same line at the same place are one allocation; what is nothing is gone."""
    found = evolve_stock(state(), UnitsReserved(ORDER, (held(2, 1),), at=NOW))
    found = evolve_stock(found, UnitsReserved(ORDER, (held(1), held(1, line="2")), at=NOW))
    assert (held(3, 1), held(1, line="2")) == found.allocations
    found = evolve_stock(found, UnitsReleased(ORDER, (held(3, 1),), at=NOW))
    assert (held(1, line="2"),) == found.allocations


def test_the_fold_never_falls_below_zero() -> None:
    """Total: more given back than held is nothing, not less than nothing."""
    found = evolve_stock(state(held(1)), UnitsReleased(ORDER, (held(3, 2),), at=NOW))
    assert StockState() == found


def test_a_dispatch_ships_what_was_reserved() -> None:
    """Facts of other rooms count by their moves; those that hold nothing do not."""
    at = place()
    ship = StockMove(
        item=at.item,
        location=at.location,
        kind=MoveKind.SHIP,
        quantity=2,
        owner=ORDER,
        line=LineId("1"),
    )
    back = evolve(ship, kind=MoveKind.RETURN_IN)
    assert state(held(1)) == evolve_stock(state(held(3)), Moved((ship, back), at=NOW))
    assert state(held(3)) == evolve_stock(state(held(3)), Moved((back,), at=NOW))
    assert state() == evolve_stock(state(), Moved((ship,), at=NOW))


def test_an_order_remembers_what_was_refused() -> None:
    """Until the lines get something; then nobody asks again."""
    one, two = LineId("1"), LineId("2")
    found = evolve_stock(state(), ReservationRefused((one,), SOON, at=NOW))
    found = evolve_stock(found, ReservationRefused((two, one), LATER, at=NOW))
    assert ((one, two), LATER, False) == (found.refused, found.retry_at, found.is_settled)
    found = evolve_stock(found, UnitsReserved(ORDER, (held(1, line="2"),), at=NOW))
    assert ((one,), LATER) == (found.refused, found.retry_at)
    found = evolve_stock(found, UnitsReserved(ORDER, (held(1),), at=NOW))
    assert ((), None) == (found.refused, found.retry_at)


def test_an_order_learns_that_it_was_filled() -> None:
    """One fact about the lines that changed, with their whole truth."""
    believed = state(held(1, 2), held(1, line="2"))
    facts = learn_stock(believed, (held(3), held(1, line="2")), NOW)
    assert (UnitsFilled((held(3),), at=NOW),) == facts
    assert () == moves_of(facts[0])
    assert (held(3), held(1, line="2")) == evolve_stock(believed, facts[0]).allocations


def test_an_order_learns_that_it_lost_units() -> None:
    """What a stock-take took waits again; what vanished altogether is gone."""
    believed = state(held(3), held(1, line="2"), held(2, line="3"))
    facts = learn_stock(believed, (held(1, 2), held(1, line="2")), NOW)
    assert (
        UnitsFilled((held(0, line="3"),), at=NOW),
        UnitsRequeued((held(1, 2),), at=NOW),
    ) == facts
    for fact in facts:
        believed = evolve_stock(believed, fact)
    assert (held(1, 2), held(1, line="2")) == believed.allocations


def test_allotments_are_kept_apart() -> None:
    """What counts for a channel is no goods: it is neither shipped nor learned about."""
    web = place("cup", "channel:web")
    event = UnitsReserved(ORDER, (held(2),), (held(2, at=web),), at=NOW)
    assert ["berlin", "channel:web"] == [move.location for move in moves_of(event)]
    found = evolve_stock(state(), event)
    assert ((held(2),), (held(2, at=web),)) == (found.allocations, found.allotments)
    assert () == learn_stock(found, (held(2), held(2, at=web)), NOW)
    back = UnitsReleased(ORDER, (held(1),), (held(1, at=web),), at=NOW)
    found = evolve_stock(found, back)
    assert ((held(1),), (held(1, at=web),)) == (found.allocations, found.allotments)


def test_a_hold_gives_its_allotments_back_too() -> None:
    """By the store's rows, goods and allotments are told apart by their places."""
    web = place("cup", "channel:web")
    taken = StockHeld(CART, (held(2),), SOON, (wanted(2),), (held(2, at=web),), at=NOW)
    hold = evolve_hold(None, taken)
    for basis in (STOCK, evolve(STOCK, held=(held(2), held(2, at=web)))):
        (event,) = decided(hold, ReleaseHold(), basis)
        assert event == HoldReleased(CART, (held(2),), (held(2, at=web),), at=NOW)
