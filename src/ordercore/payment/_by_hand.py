"""
What a person says about an order's money: what moved outside, and what became of an operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import define

from ordercore.errors import ConflictError, NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.ids import Key, Reference
from ordercore.money import Money
from ordercore.payment._case import LASTING, Case
from ordercore.payment._fields import InvalidPaymentError
from ordercore.payment.commands import (
    BY_HAND,
    Outcome,
    RecordPayment,
    RecordRefund,
    ResolveOperation,
)
from ordercore.payment.events import (
    OperationNeverHappened,
    OperationSucceeded,
    PaymentRecorded,
    RefundRecorded,
)
from ordercore.payment.model import OperationState

__all__ = [
    "OperationSettledError",
    "ReferenceReusedError",
    "RefundExceedsCapturedError",
    "StillSendingError",
    "UnknownOperationError",
    "record",
    "resolve",
]


@define
class UnknownOperationError(NotFoundError):
    """The order has no such payment operation."""

    sentence = "There is no payment operation {key} on this order."
    key: Key


@define
class OperationSettledError(RefusedError):
    """A person's word on an operation that is not open."""

    sentence = "The operation {key} is {status} and needs no word of yours."
    key: Key
    status: str


@define
class ReferenceReusedError(ConflictError):
    """The reference of a payment by hand belongs to another payment."""

    sentence = "The reference {reference} was used for another payment; give this one its own."
    reference: Reference


@define
class StillSendingError(RefusedError):
    """The operation may still be sent, so nobody can say that it never happened."""

    sentence = "The operation {key} may still be sent until {until}; look again after that."
    key: Key
    until: datetime


@define
class RefundExceedsCapturedError(RefusedError):
    """More would be given back than was taken and is still held."""

    sentence = "{asked} cannot be given back: {possible} is held of this tender."
    asked: Money
    possible: Money


def record(case: Case, command: RecordPayment | RecordRefund) -> Iterator[Event]:
    """
    Money that moved without our asking; it counts once by its reference.

    Raises:
        UnknownTenderError, CurrencyMismatchError: The order has no such tender, or another
            currency.
        ReferenceReusedError: The reference belongs to another payment.
        RefundExceedsCapturedError: More would be given back than the tender holds.
    """
    case.tender(command.tender)
    case.in_currency(command.amount)
    is_refund = isinstance(command, RecordRefund)
    known = case.state.recorded.get(command.reference)
    if known is not None:
        again = command.tender, command.amount, is_refund
        if (known.tender, known.amount, known.is_refund) != again:
            raise ReferenceReusedError(command.reference)
        return
    book, named = case.state.book, (command.tender, command.reference)
    told = book.moved(*named, is_refund=is_refund)
    if told or book.is_taken_back(*named, is_refund=is_refund):
        if told != command.amount.minor:
            raise ReferenceReusedError(command.reference)
        return
    kind = RefundRecorded if is_refund else PaymentRecorded
    possible = case.refundable(command.tender)
    if is_refund and command.amount > possible:
        raise RefundExceedsCapturedError(command.amount, possible)
    yield kind(
        tender=command.tender, amount=command.amount, reference=command.reference, at=case.now
    )


def resolve(case: Case, command: ResolveOperation) -> Iterator[Event]:
    """
    What became of an open operation; that it never happened, once it cannot be sent any more.

    An authorisation ends as the gateway told the person. Without that it lasts the declared time
    from when it was asked for, not from now: nobody knows when it began, and of all the times that
    may be only the earliest makes sure that nothing is captured after its end.

    Raises:
        UnknownOperationError, OperationSettledError: There is none, or it is not open.
        StillSendingError: It may still be sent.
        InvalidPaymentError: It has no end, or not so early.

    Source:
        RULES PAY-2, PAY-4.
    """
    found = case.state.operations.get(command.key)
    if found is None:
        raise UnknownOperationError(command.key)
    if not found.is_open:
        raise OperationSettledError(command.key, found.status)
    if command.outcome is Outcome.NEVER_HAPPENED:
        if case.now <= found.intent.not_after:
            raise StillSendingError(command.key, found.intent.not_after)
        yield OperationNeverHappened(key=command.key, at=case.now)
        return
    _check_end(found, command.expires_at)
    amount = found.intent.amount if command.amount is None else case.in_currency(command.amount)
    reference = found.reference if command.reference == BY_HAND else command.reference
    yield OperationSucceeded(
        key=command.key,
        reference=reference or BY_HAND,
        amount=amount,
        expires_at=case.ends(found, command.expires_at, found.intent.at),
        at=case.now,
    )


def _check_end(found: OperationState, told: datetime | None) -> None:
    """Only an authorisation, or the extension of one, has an end: after it was asked for."""
    intent, is_stored = found.intent, found.tender is not None and found.tender.account is not None
    if told is not None and (is_stored or intent.operation not in LASTING):
        raise InvalidPaymentError("expires_at", "what is resolved has no end")
    if told is not None and told <= intent.at:
        problem = f"it was asked for at {intent.at.isoformat()} and cannot have ended before"
        raise InvalidPaymentError("expires_at", problem)
