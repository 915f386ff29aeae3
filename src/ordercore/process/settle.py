"""
Settling local tasks: the facts that follow from the order, or from one read of the stock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, assert_never

from ordercore.facts import Event
from ordercore.fulfilment.commands import ReleaseFulfilment
from ordercore.fulfilment.planning import locations_to_plan, plan_fulfilment
from ordercore.ids import FulfilmentId
from ordercore.inventory._fold import added
from ordercore.inventory.decide import learn_stock
from ordercore.inventory.events import HoldTransferred, ReservationRefused, UnitsReserved
from ordercore.inventory.model import Allocation, Counters, OutOfStockError, StockPlace
from ordercore.inventory.reserve import (
    BackorderRule,
    Circumstances,
    freed,
    handed_over,
    plan_allotments,
    plan_reservation,
)
from ordercore.inventory.sourcing import Constraints
from ordercore.moment import after
from ordercore.order import events as ev
from ordercore.order._allotted import newly_sold, release
from ordercore.order.decide import decide
from ordercore.order.documents import credit_note, invoice
from ordercore.order.grouping import planned_by_group
from ordercore.order.holds import why_ended
from ordercore.order.model import Order
from ordercore.order.quote import closing_credit
from ordercore.order.rules import dispatch_by, holdings, untracked_lines
from ordercore.payment.events import AuthorisationExpired, OperationIntended, OperationParked
from ordercore.process.tasks import (
    CompleteOrder,
    ConfirmOrder,
    EndHold,
    ExpireAuthorisation,
    ExpireOrder,
    IntendPayment,
    IssueCreditNote,
    IssueInvoiceDocument,
    LocalTask,
    ParkOperation,
    PlanFulfilment,
    ReleaseStock,
    ReleaseWork,
    ReserveStock,
)
from ordercore.refund.model import CreditCause

__all__ = ["settle", "settle_queue", "settle_reservation"]

PARTS: Final = frozenset({BackorderRule.PARTIAL, BackorderRule.PARTIAL_ALLOW})
"""Rules that take what is there and leave the rest for later."""


def settle(order: Order, task: LocalTask, now: datetime) -> tuple[Event, ...]:
    """The facts that a task adds; read off the order alone."""
    return tuple(_settled(order, task, now))


def _settled(order: Order, task: LocalTask, now: datetime) -> Iterator[Event]:
    match task:
        case IntendPayment(intent=intent):
            yield OperationIntended(intent=intent, at=now)
        case ParkOperation(key=key):
            yield OperationParked(key=key, reason="nobody can be asked about it", at=now)
        case ExpireAuthorisation(key=key):
            yield AuthorisationExpired(key=key, at=now)
        case ConfirmOrder():
            yield ev.OrderConfirmed(at=now)
        case CompleteOrder():
            yield ev.OrderCompleted(at=now)
        case EndHold(kind=kind):
            hold = next(hold for hold in order.holds if hold.kind == kind)
            yield ev.HoldReleased(kind=kind, reason=why_ended(order, hold, now), at=now)
        case _:
            yield from _worked(order, task, now)


def _worked(
    order: Order,
    task: ExpireOrder
    | ReleaseStock
    | PlanFulfilment
    | ReleaseWork
    | IssueInvoiceDocument
    | IssueCreditNote,
    now: datetime,
) -> Iterator[Event]:
    match task:
        case ExpireOrder():
            yield from _expired(order, now)
        case ReleaseStock():
            yield from release(order, order.stock.allocations, now)
        case PlanFulfilment():
            yield from _planned(order, now)
        case ReleaseWork(fulfilment=fulfilment):
            yield from decide(order, ReleaseFulfilment(fulfilment=fulfilment), now)
        case IssueInvoiceDocument():
            yield from invoice(order, now, order.terms.invoice)
        case IssueCreditNote():
            yield from credit_note(order, now)
        case _ as never:
            assert_never(never)


def _expired(order: Order, now: datetime) -> Iterator[Event]:
    open_slots = ((line.id, order.open_slots(line)) for line in order.priced.lines)
    items = tuple((line, slots) for line, slots in open_slots if slots)
    credit = closing_credit(order, items, CreditCause.EXPIRED, "not confirmed in time")
    yield ev.OrderExpired(credit=credit, at=now)


def _planned(order: Order, now: datetime) -> Iterator[Event]:
    if order.groups:
        yield from planned_by_group(order, now)
        return
    allocations = holdings(order)
    count = len(locations_to_plan(order.fulfilment, allocations))
    first = len(order.fulfilment.orders) + 1
    ids = [FulfilmentId(f"{order.id}-F{number}") for number in range(first, first + count)]
    event = plan_fulfilment(
        order.fulfilment,
        allocations,
        ids=ids,
        now=now,
        untracked=untracked_lines(order),
        dispatch_by=dispatch_by(order, now),
    )
    if event is not None:
        yield event


def settle_reservation(
    order: Order,
    task: ReserveStock,
    counters: Mapping[StockPlace, Counters],
    now: datetime,
    *,
    may_refuse: bool,
    cart: HoldTransferred | None = None,
) -> tuple[Event, ...]:
    """
    Take stock for what is wanted, as the terms want it; first what a cart hands over.

    Raises:
        OutOfStockError: It cannot be had, and *may_refuse*: a request for it is being served. In
            a worker, and where the terms take what is there, the fact is recorded with a time to
            retry instead.
    """
    try:
        allocations = _allocated(order, task, counters, now, cart=cart)
        sold = newly_sold(order, allocations)
        given = () if cart is None else cart.allotments
        allotments = plan_allotments(sold, freed(counters, given), order.terms.bound_by)
    except OutOfStockError as error:
        if may_refuse and not _has_its_part(order):
            raise
        lines = tuple(dict.fromkeys(line.line for line in task.wanted))
        retry_at = after(now, order.terms.retry_stock_after)
        return (ReservationRefused(lines, retry_at, error.lines, at=now),)
    if not allocations:
        return ()
    return (UnitsReserved(order.stream, allocations, allotments, at=now),)


def _allocated(
    order: Order,
    task: ReserveStock,
    counters: Mapping[StockPlace, Counters],
    now: datetime,
    *,
    cart: HoldTransferred | None,
) -> tuple[Allocation, ...]:
    """What the cart hands over, and from where the rest comes."""
    own, rest = handed_over(task.wanted, () if cart is None else cart.allocations)
    if not rest:
        return own
    try:
        found = plan_reservation(
            rest,
            counters,
            strategy=order.terms.sourcing,
            rule=order.terms.backorder,
            given=_circumstances(order, now),
        )
    except OutOfStockError:
        if not own or order.terms.backorder not in PARTS:
            raise
        found = ()
    return added(own, found)


def _circumstances(order: Order, now: datetime) -> Circumstances:
    """A shelf that was just found short is not asked again before the time to retry (F-3)."""
    banned = frozenset(
        StockPlace(shelf.item, shelf.location)
        for shelf in order.fulfilment.short_shelves
        if after(shelf.at, order.terms.retry_stock_after) > now
    )
    return Circumstances(constraints=Constraints(banned=banned))


def _has_its_part(order: Order) -> bool:
    """Whether the order holds something, and its terms are content with a part."""
    return order.terms.backorder in PARTS and bool(order.stock.allocations)


def settle_queue(order: Order, truth: Iterable[Allocation], now: datetime) -> tuple[Event, ...]:
    """Learn what other commits did to what the order holds and waits for."""
    return learn_stock(order.stock, truth, now)
