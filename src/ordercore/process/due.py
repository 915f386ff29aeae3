"""
Due: what an order owes next, as a list of rules, each "when these facts, this task".

The rules stand in the order in which they are worked off. `wake_at` names the next instant at
which some rule may begin to hold without a new fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Final, TypeAlias

from attrs import frozen

from ordercore.fulfilment.model import WorkStatus
from ordercore.ids import Key
from ordercore.inventory.model import WantedLine
from ordercore.order.balance import (
    Balance,
    balance,
    cover_missing,
    has_open_slots,
    payment_basis,
    refund_plan,
)
from ordercore.order.completion import (
    completes_at,
    confirm_by,
    has_open_operations,
    not_complete,
)
from ordercore.order.documents import owes_credit_note, owes_invoice
from ordercore.order.grouping import needs_work
from ordercore.order.holds import ended_holds
from ordercore.order.link import CREDIT
from ordercore.order.model import Order
from ordercore.order.rules import is_ended, is_stock_ready, keeps_stock, unallocated
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
    MoveValue,
    ParkOperation,
    PassBack,
    PlanFulfilment,
    ReleaseStock,
    ReleaseWork,
    ReserveStock,
    SendPayment,
    Task,
)

__all__ = ["RULES", "Agenda", "Scene", "due", "tasks", "wake_at"]


@frozen
class Scene:
    """An order at one instant, with what several rules read off it: worked out when asked, once."""

    order: Order
    now: datetime

    @cached_property
    def sums(self) -> Balance:
        """Both ledgers."""
        return balance(self.order)

    @cached_property
    def wanted(self) -> tuple[WantedLine, ...]:
        """Units that keep stock and have none."""
        return unallocated(self.order)

    @cached_property
    def has_stock(self) -> bool:
        """Whether every unit is held or, by the terms, awaited."""
        return is_stock_ready(self.order)


_Rule: TypeAlias = Callable[[Scene], Iterator[Task]]


def due(order: Order, now: datetime) -> tuple[Task, ...]:
    """Everything that the order owes now, in the order in which it is worked off."""
    return tuple(tasks(order, now))


def tasks(order: Order, now: datetime) -> Iterator[Task]:
    """The same, one by one: who needs the first only, asks no more rules."""
    at = Scene(order, now)
    for rule in RULES:
        yield from rule(at)


def _holds_end(at: Scene) -> Iterator[Task]:
    """When a hold's own time has come, or the fact that it waits for: end it."""
    for hold in ended_holds(at.order, at.now):
        yield EndHold(hold.kind)


def _expires(at: Scene) -> Iterator[Task]:
    """When the deadline for confirmation is over, nothing was sent and nothing is open: expire."""
    deadline = confirm_by(at.order)
    if deadline is None or at.now < deadline or at.order.fulfilment.totals.dispatched:
        return
    if at.sums.held.is_positive and not at.sums.to_collect.is_positive:
        return
    if not has_open_operations(at.order):
        yield ExpireOrder()


def _releases_stock(at: Scene) -> Iterator[Task]:
    """When an ended order still holds stock: give it back."""
    if not keeps_stock(at.order) and at.order.stock.allocations:
        yield ReleaseStock()


def _reserves(at: Scene) -> Iterator[Task]:
    """When open units have no stock: take it, but not before the time to retry."""
    retry_at = at.order.stock.retry_at
    if at.wanted and (retry_at is None or retry_at <= at.now):
        yield ReserveStock(at.wanted)


def _checks_queue(at: Scene) -> Iterator[Task]:
    """When stock is held or awaited: learn what others did to it (asked once a run)."""
    if at.order.stock.allocations:
        yield CheckQueue()


def _pays(at: Scene) -> Iterator[Task]:
    """When the two ledgers say so: authorise, capture, void, refund."""
    intents = next_intents(
        at.order.payment,
        at.now,
        basis=payment_basis(at.order, at.sums, has_stock=at.has_stock),
        policy=at.order.terms.payment,
        capabilities=at.order.terms.capabilities,
    )
    for intent in intents:
        yield IntendPayment(intent)


def _passes_back(at: Scene) -> Iterator[Task]:
    """When money of the order that this one was made from is owed no more: give it back."""
    order = at.order
    link = order.made_from
    if link is not None and link.credit.is_positive and not order.is_blocked(Blocks.REFUND):
        amount = dict(refund_plan(order, at.sums.to_pay_back)).get(CREDIT)
        if amount is not None and amount.is_positive:
            yield PassBack(amount)


def _confirms(at: Scene) -> Iterator[Task]:
    """When stock is ready and the debt is covered, and no hold stops it: confirm."""
    order = at.order
    if order.confirmed_at is not None or is_ended(order) or order.is_blocked(Blocks.CONFIRM):
        return
    if at.has_stock and not cover_missing(at.sums).is_positive:
        yield ConfirmOrder()


def _plans(at: Scene) -> Iterator[Task]:
    """When held units have nobody who works on them: plan it."""
    if needs_work(at.order):
        yield PlanFulfilment()


def _releases_work(at: Scene) -> Iterator[Task]:
    """When the terms say so: hand planned work to its location."""
    if at.order.terms.release_automatically and not at.order.is_blocked(Blocks.FULFIL):
        for work in at.order.fulfilment.open_orders:
            if work.status is WorkStatus.PLANNED:
                yield ReleaseWork(work.id)


def _documents(at: Scene) -> Iterator[Task]:
    """When something sent or confirmed is not invoiced, or a credit has no credit note."""
    if owes_invoice(at.order, at.order.terms.invoice):
        yield IssueInvoiceDocument()
    elif owes_credit_note(at.order):
        yield IssueCreditNote()


def _completes(at: Scene) -> Iterator[Task]:
    """When nothing is owed by anyone any more: complete."""
    if at.order.terms.complete_automatically and at.order.completed_at is None:
        units = at.order.units
        may = at.order.confirmed_at is not None and units.ordered > units.cancelled
        if may and not has_open_slots(at.order) and not not_complete(at.order, at.now):
            yield CompleteOrder()


def _operates(at: Scene) -> Iterator[Task]:
    """When a payment operation is open: send it in its window, then only ask; then park it."""
    steps = operation_steps(at.order.payment, at.now, capabilities=at.order.terms.capabilities)
    for step in steps:
        yield _STEPS[step.kind](step.key)


_STEPS: Final[Mapping[StepKind, Callable[[Key], Task]]] = {
    StepKind.MOVE: MoveValue,
    StepKind.SEND: SendPayment,
    StepKind.ASK: LookUpPayment,
    StepKind.PARK: ParkOperation,
    StepKind.EXPIRE: ExpireAuthorisation,
}


def _books(at: Scene) -> Iterator[Task]:
    """When a packed parcel names a carrier: book it."""
    if not at.order.terms.book_carrier:
        return
    for parcel in at.order.fulfilment.parcels.values():
        retry_at = parcel.booking.retry_at
        if parcel.needs_booking and (retry_at is None or retry_at <= at.now):
            yield BookParcel(parcel.id)


RULES: Final[tuple[_Rule, ...]] = (
    _holds_end,
    _expires,
    _releases_stock,
    _reserves,
    _checks_queue,
    _pays,
    _passes_back,
    _confirms,
    _plans,
    _releases_work,
    _documents,
    _completes,
    _operates,
    _books,
)
"""All rules, in the order in which they are worked off."""


class Agenda:
    """What an order owes at one instant: worked out as far as somebody asks, and only once."""

    def __init__(self, order: Order, now: datetime) -> None:
        self.order, self.now = order, now
        self._found: list[Task] = []
        self._rest = tasks(order, now)

    def __iter__(self) -> Iterator[Task]:
        yield from self._found
        try:
            for task in self._rest:
                self._found.append(task)
                yield task
        except Exception:  # a rule that failed fails whoever asks next, too
            self._found, self._rest = [], tasks(self.order, self.now)
            raise


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
