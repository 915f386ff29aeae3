from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from attrs import evolve as changed

from ordercore.facts import Event
from ordercore.fulfilment import commands as fc
from ordercore.fulfilment.model import BookingUnknown, WorkStatus
from ordercore.ids import HoldKind, LineId, OrderId, ParcelId
from ordercore.inventory.model import Allocation, OutOfStockError, StockState
from ordercore.inventory.reserve import BackorderRule
from ordercore.order import commands as oc
from ordercore.order import events as ev
from ordercore.order.decide import decide, evolve, replay
from ordercore.order.model import Order
from ordercore.order.status import OrderStatus, order_status
from ordercore.order.terms import Blocks, InvoiceWhen, Terms
from ordercore.payment.model import Operation, OperationStatus
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.process import tasks as todo
from ordercore.process.due import RULES, due, tasks, wake_at
from ordercore.process.settle import settle, settle_queue, settle_reservation
from tests.laws.order_world import (
    ACCOUNT,
    CARD,
    NORTH,
    START,
    Fate,
    Shop,
    Till,
    basket,
    eur,
    line,
)

TEA = LineId("tea")
AT_ONCE = PaymentPolicy(capture=CaptureWhen.PLACEMENT)
LATER = START + timedelta(days=8)
REVIEW = HoldKind("review")


def bare(terms: Terms | None = None, *, on_account: bool = False) -> Order:
    """An order that was placed, and nothing else."""
    tenders = (ACCOUNT,) if on_account else (CARD,)
    command = oc.Place(
        order=OrderId("o"), priced=basket(line("tea", 2)), terms=terms or Terms(), tenders=tenders
    )
    return replay(decide(None, command, START))


def shelf(units: int = 2) -> StockState:
    """What an order holds."""
    row = Allocation(line=TEA, item=line("tea", 1).item, location=NORTH, reserved=units)
    return StockState(allocations=(row,))


def stocked(terms: Terms | None = None, *, on_account: bool = True) -> Order:
    """Placed, and its stock is held."""
    return changed(bare(terms, on_account=on_account), stock=shelf())


def fold(order: Order, *events: Event) -> Order:
    for event in events:
        order = evolve(order, event)
    return order


def confirmed(terms: Terms | None = None) -> Order:
    """Confirmed, paid later, with its stock."""
    return fold(stocked(terms), ev.OrderConfirmed(at=START))


def work_off(order: Order) -> Order:
    """Settle what can be settled from the order alone, until nothing is left."""
    for _ in range(50):
        local = next((task for task in due(order, START) if isinstance(task, todo.LocalTask)), None)
        if local is None:
            return order
        order = replay(settle(order, local, START), order)
    raise AssertionError("it does not come to rest")


def kinds(order: Order, now: datetime = START) -> set[str]:
    return {type(task).__name__ for task in due(order, now)}


def has(found: Iterable[object], kind: type[object]) -> bool:
    return any(isinstance(task, kind) for task in found)


def test_a_placed_order_wants_stock_first() -> None:
    """Stock comes before money: nothing is authorised for what cannot be had (vendure #3508)."""
    assert {"ReserveStock"} == kinds(bare())
    (task,) = due(bare(), START)
    assert isinstance(task, todo.ReserveStock)
    assert [(TEA, 2)] == [(wanted.line, wanted.quantity) for wanted in task.wanted]


def test_tasks_are_lazy() -> None:
    """Who needs the first task only, asks no more rules."""
    assert due(bare(), START)[0] == next(tasks(bare(), START))
    assert len(RULES) == len(set(RULES))


def test_a_hold_ends_at_its_time() -> None:
    """The task comes at the instant itself, not before."""
    until = START + timedelta(hours=1)
    order = fold(
        bare(), ev.HoldPlaced(kind=REVIEW, blocks=(Blocks.CONFIRM,), release_at=until, at=START)
    )
    assert todo.EndHold(REVIEW) not in due(order, until - timedelta(microseconds=1))
    assert todo.EndHold(REVIEW) in due(order, until)
    assert until == wake_at(order, START)
    assert () == replay(settle(order, todo.EndHold(REVIEW), until), order).holds


def test_an_unconfirmed_order_expires_at_its_deadline() -> None:
    """O-6: not before, not when it is confirmed, not when it is paid."""
    end = START + timedelta(days=7)
    order = stocked(on_account=False)
    assert not has(due(order, end - timedelta(microseconds=1)), todo.ExpireOrder)
    assert has(due(order, end), todo.ExpireOrder)
    assert not has(due(confirmed(), end), todo.ExpireOrder)
    assert end == wake_at(order, START)


def test_an_open_operation_postpones_the_expiry() -> None:
    """O-6: what may still turn out to be paid is not ended."""
    order = stocked(on_account=False)
    (intend,) = (task for task in due(order, START) if isinstance(task, todo.IntendPayment))
    order = replay(settle(order, intend, START), order)
    assert not has(due(order, LATER), todo.ExpireOrder)


def test_an_ended_order_gives_its_stock_back() -> None:
    """What an expired order holds is released, and asked for no more."""
    order = stocked(on_account=False)
    order = replay(settle(order, todo.ExpireOrder(), LATER), order)
    assert OrderStatus.EXPIRED is order_status(order)
    assert {"ReleaseStock", "CheckQueue"} == kinds(order, LATER)
    order = replay(settle(order, todo.ReleaseStock(), LATER), order)
    assert set() == kinds(order, LATER)
    assert wake_at(order, LATER) is None


def test_stock_that_is_missing_is_tried_again_later() -> None:
    """A worker records that stock is missing, with a time; until then nothing is asked for."""
    order = bare()
    (task,) = due(order, START)
    assert isinstance(task, todo.ReserveStock)
    events = settle_reservation(order, task, {}, START, may_refuse=False)
    order = replay(events, order)
    again = order.stock.retry_at
    assert START + timedelta(hours=1) == again
    assert again is not None
    assert set() == kinds(order)
    assert again == wake_at(order, START)
    assert {"ReserveStock"} == kinds(order, again)


def test_a_request_for_stock_is_refused_when_there_is_none() -> None:
    """While a person waits, missing stock refuses the whole; partial terms keep their part."""
    order = bare()
    (task,) = due(order, START)
    assert isinstance(task, todo.ReserveStock)
    with pytest.raises(OutOfStockError):
        settle_reservation(order, task, {}, START, may_refuse=True)
    part = changed(bare(Terms(backorder=BackorderRule.PARTIAL)), stock=shelf(1))
    rest = next(task for task in due(part, START) if isinstance(task, todo.ReserveStock))
    assert settle_reservation(part, rest, {}, START, may_refuse=True)


def test_held_stock_is_looked_at() -> None:
    """Who holds or awaits stock learns what others did to it."""
    assert has(due(stocked(), START), todo.CheckQueue)
    assert not has(due(bare(), START), todo.CheckQueue)
    assert () == settle_queue(stocked(), stocked().stock.allocations, START)
    lost = replay(settle_queue(stocked(), (), START), stocked())
    assert has(due(lost, START), todo.ReserveStock)


def test_money_is_authorised_when_stock_is_sure() -> None:
    """The intent is for what is owed, with a key that is the same each time it is asked."""
    first, second = (
        next(task for task in due(order, START) if isinstance(task, todo.IntendPayment))
        for order in (stocked(on_account=False), stocked(on_account=False))
    )
    assert first == second
    assert (Operation.AUTHORISE, eur(2000)) == (first.intent.operation, first.intent.amount)


def test_a_covered_order_with_stock_confirms() -> None:
    """Trust (on account) covers; a hold, missing stock or missing money stops it."""
    assert has(due(stocked(), START), todo.ConfirmOrder)
    assert not has(due(bare(on_account=True), START), todo.ConfirmOrder)
    assert not has(due(stocked(on_account=False), START), todo.ConfirmOrder)
    held = fold(stocked(), ev.HoldPlaced(kind=REVIEW, blocks=(Blocks.CONFIRM,), at=START))
    assert not has(due(held, START), todo.ConfirmOrder)
    assert not has(due(confirmed(), START), todo.ConfirmOrder)


def test_confirmed_work_is_planned_and_released() -> None:
    """Held units of a confirmed order get work; the terms say whether it is released at once."""
    assert has(due(confirmed(), START), todo.PlanFulfilment)
    order = work_off(confirmed())
    assert [WorkStatus.RELEASED] == [work.status for work in order.fulfilment.orders.values()]
    by_hand = work_off(confirmed(Terms(release_automatically=False)))
    assert [WorkStatus.PLANNED] == [work.status for work in by_hand.fulfilment.orders.values()]
    held = fold(confirmed(), ev.HoldPlaced(kind=REVIEW, blocks=(Blocks.FULFIL,), at=START))
    assert not has(due(held, START), todo.PlanFulfilment)


def test_an_invoice_is_due_when_the_terms_say_so() -> None:
    """At confirmation, or not before something is sent."""
    early = confirmed(Terms(invoice=InvoiceWhen.CONFIRMATION))
    assert has(due(early, START), todo.IssueInvoiceDocument)
    assert not has(due(confirmed(), START), todo.IssueInvoiceDocument)
    assert not has(due(work_off(early), START), todo.IssueInvoiceDocument)
    assert 1 == len(work_off(early).documents)


def test_a_credit_after_an_invoice_wants_a_credit_note() -> None:
    """An invoice that states too much is corrected by a document of its own."""
    shop = Shop()
    shop.receive("tea", 5)
    terms = Terms(invoice=InvoiceWhen.CONFIRMATION, release_automatically=False)
    order = shop.place(line("tea", 2), terms=terms)
    order = replay(decide(order, oc.CancelUnits(units=((TEA, 1),)), START), order)
    assert has(due(order, START), todo.IssueCreditNote)
    order = work_off(order)
    assert 2 == len(order.documents)
    assert not has(due(order, START), todo.IssueCreditNote)


def test_an_order_completes_when_nothing_is_owed() -> None:
    """Delivered, paid and out of its window: complete, unless the terms leave it to a person."""
    for automatic in (True, False):
        shop = Shop()
        shop.receive("tea", 5)
        order = shop.place(line("tea", 1), terms=Terms(complete_automatically=automatic))
        order = shop.send_all(order.id, deliver=True)
        wake = wake_at(order, shop.clock.now)
        far = shop.clock.now + timedelta(days=400)
        assert not has(due(order, shop.clock.now), todo.CompleteOrder)
        assert automatic is has(due(order, far), todo.CompleteOrder)
        assert automatic is (wake is not None)
        if wake is not None:
            assert has(due(order, wake), todo.CompleteOrder), "it wakes when it can complete"


def unresolved() -> tuple[Shop, Order]:
    """Its authorisation was never answered."""
    shop = Shop()
    shop.receive("tea", 5)
    shop.till.fates = deque([Fate.LOST_CALL] * 100)
    return shop, shop.place(line("tea", 1))


def test_an_operation_is_sent_in_its_window_and_then_only_asked() -> None:
    """PAY-2: after not_after nothing is sent any more; at the end a person looks."""
    shop, order = unresolved()
    (known,) = order.payment.operations.values()
    until = known.intent.not_after
    assert known.ask_at is not None
    assert not has(due(order, shop.clock.now), todo.SendPayment)
    assert has(due(order, known.ask_at), todo.SendPayment)
    late = until + timedelta(microseconds=1)
    assert not has(due(order, max(late, known.ask_at)), todo.SendPayment)
    assert has(due(order, max(late, known.ask_at)), todo.LookUpPayment)
    assert wake_at(order, shop.clock.now) == min(known.ask_at, late)


def test_what_cannot_be_asked_is_parked() -> None:
    """A gateway without look-up leaves an unresolved operation to a person."""
    shop = Shop(till=Till(able=Capabilities(look_up=False)))
    shop.receive("tea", 5)
    shop.till.fates = deque([Fate.LOST_CALL] * 100)
    order = shop.place(line("tea", 1))
    shop.rest(rounds=10)
    (known,) = shop.load(order.id).payment.operations.values()
    assert OperationStatus.PARKED is known.status


def test_an_authorisation_that_fades_wakes_its_order() -> None:
    """An authorisation is taken anew before it ends, and somebody wakes up to do it (PAY-4)."""
    shop = Shop()
    shop.receive("tea", 5)
    terms = Terms(payment=PaymentPolicy(renew_before=timedelta(days=1)))
    order = shop.place(line("tea", 1), terms=terms)
    ((key, known),) = order.payment.operations.items()
    ends = shop.clock.now + timedelta(days=7)
    began = changed(known, expires_at=ends)
    order = changed(order, payment=changed(order.payment, operations={key: began}))
    assert ends - timedelta(days=1) == wake_at(order, shop.clock.now)
    assert has(due(order, ends - timedelta(days=1)), todo.IntendPayment)
    assert has(due(order, ends), todo.ExpireAuthorisation)


def test_a_packed_parcel_is_booked_again_after_a_while() -> None:
    """A booking that was not answered is asked for again, not before its time."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 1), terms=Terms(book_carrier=True))
    parcel = fc.PackParcel(
        parcel=ParcelId("p"),
        fulfilment=next(iter(order.fulfilment.orders)),
        items=(fc.PackItem(line=TEA, quantity=1),),
        carrier="swift",
    )
    order = replay(decide(order, parcel, START), order)
    task = todo.BookParcel(ParcelId("p"))
    assert task in due(order, START)
    report = fc.ReportBooking(parcel=ParcelId("p"), answer=BookingUnknown(reason="x"), at=START)
    order = replay(decide(order, report, START), order)
    again = order.fulfilment.parcels[ParcelId("p")].booking.retry_at
    assert again is not None
    assert task not in due(order, again - timedelta(microseconds=1))
    assert task in due(order, again)
    by_hand = changed(order, terms=Terms())
    assert task not in due(by_hand, again)


def test_an_order_that_is_paid_at_once_captures() -> None:
    """Capture at placement: the intent comes with the confirmation, not before."""
    shop = Shop()
    shop.receive("tea", 5)
    order = shop.place(line("tea", 1), terms=Terms(payment=AT_ONCE))
    assert [Operation.AUTHORISE, Operation.CAPTURE] == [
        known.intent.operation for known in order.payment.operations.values()
    ]
