"""
May this happen to the money, and what is true after it: the decider of payments.

Requests are refused with a typed error; reports never are: what fits nothing is kept as
`PaymentUnmatched` for a person. `evolve_payment` is total.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import define, evolve

from ordercore.errors import NotFoundError, RefusedError
from ordercore.facts import Event
from ordercore.ids import Key, TenderId
from ordercore.money import Money
from ordercore.payment._case import Case, UnknownTenderError
from ordercore.payment.balance import live, totals
from ordercore.payment.commands import (
    AddTender,
    CaptureNow,
    Outcome,
    PaymentReport,
    PaymentRequest,
    RecordPayment,
    RecordRefund,
    ResolveOperation,
    RetryPayment,
    VoidAuthorisation,
)
from ordercore.payment.events import (
    OperationIntended,
    OperationNeverHappened,
    OperationSucceeded,
    PaymentRecorded,
    RefundRecorded,
    TenderAdded,
    TenderReplaced,
)
from ordercore.payment.intents import PaymentBasis, Want, captures, intent_of
from ordercore.payment.model import (
    Operation,
    PaymentState,
)
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.reports import absorb

__all__ = [
    "DuplicateTenderError",
    "NothingToCaptureError",
    "NothingToVoidError",
    "OperationSettledError",
    "RefundExceedsCapturedError",
    "UnknownOperationError",
    "UnknownTenderError",
    "decide_payment",
]


@define
class UnknownOperationError(NotFoundError):
    """The order has no such payment operation."""

    sentence = "There is no payment operation {key} on this order."
    key: Key


@define
class DuplicateTenderError(RefusedError):
    """The order has a tender of this id already."""

    sentence = "The order has a tender {tender} already; give the new one another id."
    tender: TenderId


@define
class NothingToCaptureError(RefusedError):
    """More would be captured than is owed and authorised."""

    sentence = "{asked} cannot be captured: {possible} may be taken now."
    asked: Money
    possible: Money


@define
class NothingToVoidError(RefusedError):
    """No authorisation of this tender is free to be let go."""

    sentence = "Tender {tender} has no authorisation that can be voided now."
    tender: TenderId


@define
class OperationSettledError(RefusedError):
    """A person's word on an operation that is not open."""

    sentence = "The operation {key} is {status} and needs no word of yours."
    key: Key
    status: str


@define
class RefundExceedsCapturedError(RefusedError):
    """More would be given back than was taken and is still held."""

    sentence = "{asked} cannot be given back: {possible} is held of this tender."
    asked: Money
    possible: Money


def decide_payment(
    state: PaymentState,
    command: PaymentRequest | PaymentReport,
    now: datetime,
    *,
    basis: PaymentBasis,
    policy: PaymentPolicy,
    capabilities: Capabilities,
) -> tuple[Event, ...]:
    """
    The facts that *command* adds.

    Raises:
        RefusedError, NotFoundError, CurrencyMismatchError: A request that a rule forbids; never
            for a report.

    Source:
        RULES PAY-2, PAY-3, PAY-5, PAY-6.
    """
    case = Case(state=state, now=now, basis=basis, policy=policy, capabilities=capabilities)
    match command:
        case AddTender():
            return tuple(_add_tender(case, command))
        case RetryPayment():
            return tuple(_retry(case, command))
        case CaptureNow():
            return tuple(_capture_now(case, command))
        case VoidAuthorisation():
            return tuple(_void(case, command))
        case RecordPayment():
            return tuple(_record(case, command))
        case RecordRefund():
            return tuple(_record_refund(case, command))
        case ResolveOperation():
            return tuple(_resolve(case, command))
        case _:
            return tuple(absorb(case, command))


def _add_tender(case: Case, command: AddTender) -> Iterator[Event]:
    if case.state.tender(command.tender.id) is not None:
        raise DuplicateTenderError(command.tender.id)
    if command.tender.amount is not None:
        case.in_currency(command.tender.amount)
    yield TenderAdded(tender=command.tender, at=case.now)


def _retry(case: Case, command: RetryPayment) -> Iterator[Event]:
    tender = case.tender(command.tender)
    if command.instrument is not None:
        tender = evolve(tender, instrument=command.instrument)
    yield TenderReplaced(tender=tender, at=case.now)


def _capture_now(case: Case, command: CaptureNow) -> Iterator[Event]:
    wants = tuple(captures(case.state, case.basis, case.capabilities, now=case.now))
    possible = sum((want.amount for want in wants), Money.zero(case.basis.currency))
    left = possible if command.amount is None else case.in_currency(command.amount)
    if not left.is_positive or left > possible:
        raise NothingToCaptureError(left, possible)
    for want in wants:
        if left.is_positive:
            taken = evolve(want, amount=min(left, want.amount))
            yield _intended(case, taken)
            left -= taken.amount


def _intended(case: Case, want: Want) -> Event:
    intent = intent_of(
        case.state, case.basis, case.now, case.policy, capabilities=case.capabilities, want=want
    )
    return OperationIntended(intent=intent, at=case.now)


def _void(case: Case, command: VoidAuthorisation) -> Iterator[Event]:
    tender = case.tender(command.tender)
    for found in case.state.of(Operation.AUTHORISE):
        left = live(case.state, found)
        busy = any(
            other.is_open
            for operation in (Operation.CAPTURE, Operation.VOID)
            for other in case.state.aimed_at(found.intent.key, operation)
        )
        if found.intent.tender == tender.id and left.is_positive and not busy:
            yield _intended(case, Want(Operation.VOID, tender.id, left, found.intent.key))
            return
    raise NothingToVoidError(tender.id)


def _record(case: Case, command: RecordPayment) -> Iterator[Event]:
    case.tender(command.tender)
    case.in_currency(command.amount)
    if command.reference not in case.state.recorded:
        yield PaymentRecorded(
            tender=command.tender, amount=command.amount, reference=command.reference, at=case.now
        )


def _record_refund(case: Case, command: RecordRefund) -> Iterator[Event]:
    case.tender(command.tender)
    case.in_currency(command.amount)
    if command.reference in case.state.recorded:
        return
    own = totals(case.state, case.basis.currency, tender=command.tender)
    possible = own.held - own.refunds_in_flight - own.disputes_open
    if command.amount > possible:
        raise RefundExceedsCapturedError(command.amount, possible)
    yield RefundRecorded(
        tender=command.tender, amount=command.amount, reference=command.reference, at=case.now
    )


def _resolve(case: Case, command: ResolveOperation) -> Iterator[Event]:
    found = case.state.operations.get(command.key)
    if found is None:
        raise UnknownOperationError(command.key)
    if not found.is_open:
        raise OperationSettledError(command.key, found.status)
    if command.outcome is Outcome.NEVER_HAPPENED:
        yield OperationNeverHappened(key=command.key, at=case.now)
        return
    amount = found.intent.amount if command.amount is None else case.in_currency(command.amount)
    yield OperationSucceeded(
        key=command.key, reference=command.reference, amount=amount, at=case.now
    )
