"""Scenarios: what they accept, and that each of their claims can fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ordercore.ids import HoldKind, ItemId, LineId, LocationId, OrderId, TenderId
from ordercore.inventory.events import UnitsReserved
from ordercore.inventory.model import Allocation, Counters, OutOfStockError, StockPlace
from ordercore.money import EUR, Money
from ordercore.order.commands import (
    AddNote,
    AmendTerms,
    Cancel,
    CancelUnits,
    Place,
    PlaceHold,
    ReleaseHold,
)
from ordercore.order.decide import decide
from ordercore.order.events import (
    HoldPlaced,
    NoteAdded,
    OrderConfirmed,
    OrderPlaced,
    UnitsCancelled,
)
from ordercore.order.evolve import ImpossibleHistoryError
from ordercore.order.status import OrderStatus
from ordercore.order.terms import Blocks, Terms
from ordercore.payment.model import Operation, Tender, TenderKind
from ordercore.payment.status import PaymentStatus
from ordercore.process.tasks import IntendPayment, ReserveStock, SendPayment
from ordercore.testing.scenario import Outcome, like, scenario, small_order

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PLACE = StockPlace(ItemId("item-1"), LocationId("shop"))
STOCK = {PLACE: Counters(on_hand=10)}
HOLD = PlaceHold(kind=HoldKind("fraud"), blocks=(Blocks.CONFIRM,))


def noted(text: str = "ring") -> Outcome:
    return scenario(small_order()).when(AddNote(text=text))


def test_facts_follow_from_a_command() -> None:
    """A fact, a kind of fact, and a fact of which some fields matter all fit."""
    noted().then(NoteAdded(text="ring", at=NOON))
    noted().then(NoteAdded)
    noted().then(like(NoteAdded, text="ring"))
    noted().then(like(NoteAdded))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ((), "nothing"),
        ((NoteAdded, NoteAdded), "any NoteAdded"),
        ((OrderPlaced,), "any OrderPlaced"),
        ((NoteAdded(text="other", at=NOON),), "text='other'"),
        ((like(NoteAdded, text="other"),), "NoteAdded(text='other', ...)"),
    ],
)
def test_other_facts_fail(expected: tuple[object, ...], said: str) -> None:
    """Too few, too many, another kind, another field: both sides are shown."""
    with pytest.raises(AssertionError, match="after AddNote: expected") as caught:
        noted().then(*expected)
    assert said in str(caught.value)
    assert "NoteAdded(at=" in str(caught.value)


def test_a_misspelt_field_fails() -> None:
    """It would never match, and so make a test that cannot be true."""
    with pytest.raises(AssertionError, match="NoteAdded has no field note, txt"):
        like(NoteAdded, txt="ring", note="")


def test_a_refusal_has_a_kind_and_facts() -> None:
    """The error and what it knows; the order stays as it was."""
    placed = small_order()
    unknown = CancelUnits(units=((LineId("9"), 1),))
    outcome = scenario(placed).when(unknown)
    assert outcome.error is not None
    kind = type(outcome.error)
    outcome.refused(kind).refused(kind, **outcome.error.facts)
    assert placed == outcome.order
    with pytest.raises(AssertionError, match="CancelUnits should be refused: with"):
        outcome.refused(OutOfStockError)
    with pytest.raises(AssertionError, match="CancelUnits was refused"):
        outcome.then(UnitsCancelled)
    with pytest.raises(AssertionError, match="AddNote should be refused: expected"):
        noted().refused(kind)


def test_a_refusal_with_other_facts_fails() -> None:
    """The same kind of error about something else is not the expected one."""
    outcome = scenario(small_order()).when(ReleaseHold(kind=HoldKind("none")))
    assert outcome.error is not None
    facts = dict.fromkeys(outcome.error.facts, "other")
    with pytest.raises(AssertionError, match="should be refused"):
        outcome.refused(type(outcome.error), **facts)


def test_what_is_owed() -> None:
    """Kinds of tasks and tasks; what is not owed fails, and so does nothing where there is some."""
    start = scenario(small_order())
    start.owes(ReserveStock).owes_no(SendPayment)
    assert start is start.owes(like(ReserveStock))
    with pytest.raises(AssertionError, match="not owed: expected"):
        start.owes(SendPayment)
    with pytest.raises(AssertionError, match="something is owed"):
        start.owes()
    with pytest.raises(AssertionError, match="this should not be owed"):
        start.owes_no(ReserveStock)
    start.when(Cancel()).then(UnitsCancelled).owes()


def test_local_tasks_are_settled() -> None:
    """With stock the intent is saved and the call is owed; without, the stock is."""
    card = Operation.AUTHORISE
    paid = scenario(small_order()).settled(STOCK).owes(SendPayment).owes_no(IntendPayment)
    (operation,) = paid.order.payment.operations.values()
    assert (card, Money(2000, EUR)) == (operation.intent.operation, operation.intent.amount)
    scenario(small_order()).settled().owes(ReserveStock).owes_no(SendPayment)


def test_settling_without_enough_stock_is_refused() -> None:
    """As the engine does while it serves a request."""
    with pytest.raises(OutOfStockError):
        scenario(small_order(quantity=11)).settled(STOCK)


def test_one_command_follows_another() -> None:
    """Each begins with the order as the one before left it."""
    twice = noted("one").then(NoteAdded).when(AddNote(text="two")).then(like(NoteAdded, text="two"))
    assert ("one", "two") == twice.order.notes
    held = scenario(small_order()).when(HOLD).then(HoldPlaced).settled(STOCK)
    held.stands(order=OrderStatus.PLACED).owes_no(OrderConfirmed)


def test_statuses_stand() -> None:
    """Those that are named are compared."""
    start = scenario(small_order())
    start.stands(order=OrderStatus.PLACED, payment=PaymentStatus.UNPAID, flags=frozenset[object]())
    with pytest.raises(AssertionError, match="other statuses: expected"):
        start.stands(order=OrderStatus.CONFIRMED)
    start.when(Cancel()).stands(order="cancelled", payment="voided")


def test_cash_confirms_without_a_gateway() -> None:
    """What needs no call comes to rest by settling alone."""
    tenders = (Tender(id=TenderId("cod"), kind=TenderKind.CASH_ON_DELIVERY),)
    done = scenario(small_order(tenders=tenders)).settled(STOCK).owes_no(SendPayment)
    done.stands(order="confirmed", payment="deferred")


def test_facts_make_the_order() -> None:
    """Facts from the placement on, an order and later facts, or nothing before Place."""
    order = small_order()
    placing = Place(order=OrderId("o-9"), priced=order.priced)
    facts = scenario().when(placing).then(OrderPlaced).events
    later = NoteAdded(text="x", at=NOON + timedelta(hours=1))
    told = scenario(*facts, later)
    assert (("x",), later.at) == (told.order.notes, told.now)
    assert (
        told.order.notes == scenario(order, later).when(AddNote(text="y")).at(NOON).order.notes[:1]
    )
    assert NOON == scenario(order).now
    assert NOON == scenario().now


def test_facts_that_make_no_order_are_refused() -> None:
    """A history that cannot be is a broken contract."""
    with pytest.raises(ImpossibleHistoryError):
        scenario(NoteAdded(text="x", at=NOON))


def test_without_an_order_nothing_is_owed_or_stands() -> None:
    """One has to begin with Place."""
    claims: tuple[Callable[[], object], ...] = (
        scenario().owes,
        scenario().stands,
        scenario().settled,
    )
    for claim in claims:
        with pytest.raises(AssertionError, match="begin with Place"):
            claim()


def test_time_comes_in() -> None:
    """The same order at another time owes other things."""
    start = scenario(small_order()).settled()
    start.at(NOON + timedelta(days=8)).settled().stands(order=OrderStatus.EXPIRED)


def test_a_small_order_can_be_shaped() -> None:
    """Price, quantity, terms, tenders and time are arguments."""
    terms = Terms(tolerance=5)
    order = small_order(minor=333, quantity=3, terms=terms, tenders=(), at=NOON + timedelta(1))
    assert (Money(999, EUR), 5, ()) == (
        order.priced.total,
        order.terms.tolerance,
        order.payment.tenders,
    )
    assert NOON + timedelta(1) == order.placed_at


def test_it_is_the_real_decision() -> None:
    """A scenario adds nothing of its own to what `decide` says."""
    order, command = small_order(), AmendTerms(terms=Terms(tolerance=3), reason="asked")
    assert decide(order, command, NOON) == scenario(order).when(command).events


def test_facts_of_other_rooms_fit_too() -> None:
    """Facts that came from elsewhere are given like any other."""
    order = small_order()
    held = Allocation(
        line=LineId("1"), item=PLACE.item, location=PLACE.location, reserved=2, queued=0
    )
    reserved = UnitsReserved(at=NOON, owner=order.stream, allocations=(held,))
    start = scenario(order, reserved).owes(IntendPayment).owes_no(ReserveStock)
    start.settled().owes(SendPayment)


def test_a_refusal_that_nobody_expects_fails_what_follows() -> None:
    """A command that was refused changes nothing, so what a test says after it would be empty."""
    release = ReleaseHold(kind=HoldKind("fraud"))
    refused = scenario(small_order()).when(release)
    for claim in (
        refused.owes,
        refused.owes_no,
        refused.stands,
        refused.settled,
        lambda: refused.when(Cancel()),
    ):
        with pytest.raises(AssertionError, match="ReleaseHold was refused"):
            claim()
    refused.refused(type(refused.error)).stands(order="placed")  # type: ignore[arg-type]
