"""
Due: what an order owes next, as a list of rules, each "when these facts, this task".

The rules stand in the order in which they are worked off. `wake_at` names the next instant at
which some rule may begin to hold without a new fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from ordercore.fulfilment.model import WorkStatus
from ordercore.ids import Key
from ordercore.order.balance import balance as balance_of
from ordercore.order.balance import cover_missing, has_open_slots, payment_basis
from ordercore.order.completion import (
    completes_at,
    confirm_by,
    has_open_operations,
    not_complete,
)
from ordercore.order.documents import owes_credit_note, owes_invoice
from ordercore.order.model import Order
from ordercore.order.rules import is_ended, is_stock_ready, keeps_stock, needs_plan, unallocated
from ordercore.order.terms import Blocks
from ordercore.payment.intents import next_intents
from ordercore.payment.operations import StepKind, operation_steps, wake_payment
from ordercore.process.tasks import (
    BookParcel,
    CheckQueue,
    CompleteOrder,
    ConfirmOrder,
    EndHold,
    ExpireAuthorisation,
    ExpireOrder,
    IntendPayment,
    IssueCreditNote,
    IssueInvoiceDocument,
    LookUpPayment,
    ParkOperation,
    PlanFulfilment,
    ReleaseStock,
    ReleaseWork,
    ReserveStock,
    SendPayment,
    Task,
)

__all__ = ["due", "tasks", "wake_at"]

_Rule: TypeAlias = Callable[[Order, datetime], Iterator[Task]]


def due(order: Order, now: datetime) -> tuple[Task, ...]:
    """Everything that the order owes now, in the order in which it is worked off."""
    return tuple(tasks(order, now))


def tasks(order: Order, now: datetime) -> Iterator[Task]:
    """The same, one by one: who needs the first only, asks no more rules."""
    for rule in RULES:
        yield from rule(order, now)


def _holds_end(order: Order, now: datetime) -> Iterator[Task]:
    """When a hold's own time has come: end it."""
    for hold in order.holds:
        if hold.release_at is not None and hold.release_at <= now:
            yield EndHold(hold.kind)


def _expires(order: Order, now: datetime) -> Iterator[Task]:
    """When the deadline for confirmation is over, nothing was sent and nothing is open: expire."""
    deadline = confirm_by(order)
    if deadline is None or now < deadline or order.fulfilment.totals.dispatched:
        return
    sums = balance_of(order)
    if sums.held.is_positive and sums.held >= sums.owed:
        return
    if not has_open_operations(order):
        yield ExpireOrder()


def _releases_stock(order: Order, now: datetime) -> Iterator[Task]:
    """When an ended order still holds stock: give it back."""
    del now
    if not keeps_stock(order) and order.stock.allocations:
        yield ReleaseStock()


def _reserves(order: Order, now: datetime) -> Iterator[Task]:
    """When open units have no stock: take it, but not before the time to retry."""
    retry_at = order.stock.retry_at
    if retry_at is None or retry_at <= now:
        wanted = unallocated(order)
        if wanted:
            yield ReserveStock(wanted)


def _checks_queue(order: Order, now: datetime) -> Iterator[Task]:
    """When stock is held or awaited: learn what others did to it (asked once a run)."""
    del now
    if order.stock.allocations:
        yield CheckQueue()


def _pays(order: Order, now: datetime) -> Iterator[Task]:
    """When the two ledgers say so: authorise, capture, void, refund."""
    intents = next_intents(
        order.payment,
        now,
        basis=payment_basis(order),
        policy=order.terms.payment,
        capabilities=order.terms.capabilities,
    )
    for intent in intents:
        yield IntendPayment(intent)


def _confirms(order: Order, now: datetime) -> Iterator[Task]:
    """When stock is ready and the debt is covered, and no hold stops it: confirm."""
    del now
    if order.confirmed_at is not None or is_ended(order) or order.is_blocked(Blocks.CONFIRM):
        return
    if is_stock_ready(order) and not cover_missing(balance_of(order)).is_positive:
        yield ConfirmOrder()


def _plans(order: Order, now: datetime) -> Iterator[Task]:
    """When held units have nobody who works on them: plan it."""
    del now
    if needs_plan(order):
        yield PlanFulfilment()


def _releases_work(order: Order, now: datetime) -> Iterator[Task]:
    """When the terms say so: hand planned work to its location."""
    del now
    if order.terms.release_automatically and not order.is_blocked(Blocks.FULFIL):
        for work in order.fulfilment.open_orders:
            if work.status is WorkStatus.PLANNED:
                yield ReleaseWork(work.id)


def _documents(order: Order, now: datetime) -> Iterator[Task]:
    """When something sent or confirmed is not invoiced, or a credit has no credit note."""
    del now
    if owes_invoice(order, order.terms.invoice):
        yield IssueInvoiceDocument()
    elif owes_credit_note(order):
        yield IssueCreditNote()


def _completes(order: Order, now: datetime) -> Iterator[Task]:
    """When nothing is owed by anyone any more: complete."""
    if order.terms.complete_automatically and order.completed_at is None:
        units = order.units
        may = order.confirmed_at is not None and units.ordered > units.cancelled
        if may and not has_open_slots(order) and not not_complete(order, now):
            yield CompleteOrder()


def _operates(order: Order, now: datetime) -> Iterator[Task]:
    """When a payment operation is open: send it in its window, then only ask; then park it."""
    steps = operation_steps(order.payment, now, capabilities=order.terms.capabilities)
    for step in steps:
        yield _STEPS[step.kind](step.key)


_STEPS: Final[Mapping[StepKind, Callable[[Key], Task]]] = {
    StepKind.SEND: SendPayment,
    StepKind.ASK: LookUpPayment,
    StepKind.PARK: ParkOperation,
    StepKind.EXPIRE: ExpireAuthorisation,
}


def _books(order: Order, now: datetime) -> Iterator[Task]:
    """When a packed parcel names a carrier: book it."""
    if not order.terms.book_carrier:
        return
    for parcel in order.fulfilment.parcels.values():
        retry_at = parcel.booking.retry_at
        if parcel.needs_booking and (retry_at is None or retry_at <= now):
            yield BookParcel(parcel.id)


RULES: Final[tuple[_Rule, ...]] = (
    _holds_end,
    _expires,
    _releases_stock,
    _reserves,
    _checks_queue,
    _pays,
    _confirms,
    _plans,
    _releases_work,
    _documents,
    _completes,
    _operates,
    _books,
)
"""All rules, in the order in which they are worked off."""


def wake_at(order: Order, now: datetime) -> datetime | None:
    """The next instant after *now* at which a rule may begin to hold; None where none will."""
    return min((instant for instant in _instants(order) if instant > now), default=None)


def _instants(order: Order) -> Iterator[datetime]:
    candidates = (
        confirm_by(order),
        order.stock.retry_at,
        completes_at(order) if order.terms.complete_automatically else None,
        *(hold.release_at for hold in order.holds),
        *(parcel.booking.retry_at for parcel in order.fulfilment.parcels.values()),
    )
    yield from (instant for instant in candidates if instant is not None)
    yield from wake_payment(
        order.payment, policy=order.terms.payment, capabilities=order.terms.capabilities
    )
