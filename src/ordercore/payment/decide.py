"""
May this happen to the money, and what is true after it: the decider of payments.

Requests are refused with a typed error; reports never are: what fits nothing is kept as
`PaymentUnmatched` for a person. `evolve_payment` is total.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import reduce
from typing import Final

from attrs import define, evolve

from ordercore.errors import RefusedError
from ordercore.facts import Event
from ordercore.ids import TenderId
from ordercore.money import Money, Rounding, checked_quantity
from ordercore.payment._by_hand import (
    OperationSettledError,
    ReferenceReusedError,
    RefundExceedsCapturedError,
    StillSendingError,
    UnknownOperationError,
    record,
    resolve,
)
from ordercore.payment._case import Case, UnknownTenderError
from ordercore.payment.answers import DeclineKind
from ordercore.payment.commands import (
    AddTender,
    CaptureNow,
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
    TenderAdded,
    TenderReplaced,
)
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.intents import Desk, PaymentBasis, Want, captures, claims, intent_of
from ordercore.payment.model import COVERING, Operation, OperationStatus
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.reports import absorb, rematched
from ordercore.payment.state import PaymentState

__all__ = [
    "AlreadyCapturedError",
    "AnotherInstrumentNeededError",
    "AuthorisationClosedError",
    "CaptureBlockedError",
    "CaptureExceedsAuthorisationError",
    "DuplicateTenderError",
    "NothingToVoidError",
    "OperationSettledError",
    "ReferenceReusedError",
    "RefundExceedsCapturedError",
    "StillSendingError",
    "UnknownOperationError",
    "UnknownTenderError",
    "WholeCaptureOnlyError",
    "decide_payment",
]

MAX_TENDERS: Final = 50
_NOT_YET: Final = "the terms capture at dispatch; dispatch goods, or amend the terms"
FOR_GOOD: Final = frozenset({DeclineKind.HARD, DeclineKind.FRAUD})


@define
class DuplicateTenderError(RefusedError):
    """The order has a tender of this id already."""

    sentence = "The order has a tender {tender} already; give the new one another id."
    tender: TenderId


@define
class AnotherInstrumentNeededError(RefusedError):
    """The instrument was declined for good (RULES PAY-5)."""

    sentence = "Tender {tender} was declined for good; ask the customer for another instrument."
    tender: TenderId


@define
class AlreadyCapturedError(RefusedError):
    """Everything that may be claimed is captured, or is being captured."""

    sentence = "All that may be claimed now is captured already, or on its way."


@define
class AuthorisationClosedError(RefusedError):
    """There is nothing to capture from: voided, expired, used up, or under way."""

    sentence = "No authorisation is open: none was made, or it is busy, used, voided or expired."


@define
class CaptureBlockedError(RefusedError):
    """It may not be claimed (yet): the order, a hold or the terms stop it (RULES PAY-4)."""

    sentence = "Nothing may be captured now: {problem}."
    problem: str = "the order is not confirmed, or a hold stops it"


@define
class CaptureExceedsAuthorisationError(RefusedError):
    """More would be captured than is owed and authorised."""

    sentence = "{asked} cannot be captured: {possible} may be taken now."
    asked: Money
    possible: Money


@define
class WholeCaptureOnlyError(RefusedError):
    """The gateway captures an authorisation as a whole or not at all (RULES PAY-2)."""

    sentence = (
        "{asked} cannot be captured: of tender {tender} the gateway takes {whole} or nothing."
    )
    asked: Money
    whole: Money
    tender: TenderId


@define
class NothingToVoidError(RefusedError):
    """No authorisation of this tender is free to be let go."""

    sentence = "Tender {tender} has no authorisation that can be voided now."
    tender: TenderId


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
    events = tuple(_events(case, command))
    after = evolve(case, state=reduce(evolve_payment, events, state))
    return events + tuple(rematched(after)) if state.waiting else events


def _events(case: Case, command: PaymentRequest | PaymentReport) -> Iterator[Event]:
    match command:
        case AddTender():
            return _add_tender(case, command)
        case RetryPayment():
            return _retry(case, command)
        case CaptureNow():
            return _capture_now(case, command)
        case VoidAuthorisation():
            return _void(case, command)
        case ResolveOperation():
            return resolve(case, command)
        case RecordPayment() | RecordRefund():
            return record(case, command)
        case _:
            return absorb(case, command)


def _add_tender(case: Case, command: AddTender) -> Iterator[Event]:
    if case.state.tender(command.tender.id) is not None:
        raise DuplicateTenderError(command.tender.id)
    if command.tender.amount is not None:
        case.in_currency(command.tender.amount)
    checked_quantity(len(case.state.tenders) + 1, "number of tenders", most=MAX_TENDERS)
    yield TenderAdded(tender=command.tender, at=case.now)


def _retry(case: Case, command: RetryPayment) -> Iterator[Event]:
    """Without another instrument, what was declined for good may not be tried again (PAY-5)."""
    tender = case.tender(command.tender)
    if command.instrument is not None:
        _check_not_sending(case, tender.id)
        tender = evolve(tender, instrument=command.instrument)
    elif any(
        found.decline in FOR_GOOD and not found.is_forgiven
        for found in case.state.operations.values()
        if found.intent.tender == tender.id
        and found.intent.operation in COVERING
        and found.status is OperationStatus.DECLINED
    ):
        raise AnotherInstrumentNeededError(tender.id)
    yield TenderReplaced(tender=tender, at=case.now)


def _check_not_sending(case: Case, tender: TenderId) -> None:
    """A call that may be sent again must keep its body, and so its instrument (PAY-2)."""
    for key, found in case.state.operations.items():
        resends = found.status in {OperationStatus.INTENDED, OperationStatus.IN_DOUBT}
        if resends and found.intent.tender == tender and case.now <= found.intent.not_after:
            raise StillSendingError(key, found.intent.not_after)


def _capture_now(case: Case, command: CaptureNow) -> Iterator[Event]:
    if not case.basis.may_capture:
        raise CaptureBlockedError
    desk = case.desk
    wants = tuple(captures(desk))
    possible = sum((want.amount for want in wants), Money.zero(case.basis.currency))
    left = possible if command.amount is None else case.in_currency(command.amount)
    if wants and left > possible:
        wants, possible = _over_captured(desk, wants, left, possible)
    if not possible.is_positive:
        raise _nothing_to_capture(desk)
    if left > possible:
        raise CaptureExceedsAuthorisationError(left, possible)
    state = case.state
    for want in wants:
        if left.is_positive:
            taken = evolve(want, amount=min(left, want.amount))
            _check_whole(desk, taken)
            event = _intended(evolve(case, state=state), taken)
            state = evolve_payment(state, event)
            left -= taken.amount
            yield event


def _check_whole(desk: Desk, want: Want) -> None:
    """What the gateway has not declared is not asked: a part of an authorisation (PAY-2)."""
    if want.target is None or desk.can(want.tender).partial_capture:
        return
    whole = desk.book.live(desk.state.operations[want.target])
    if want.amount.minor < whole:
        raise WholeCaptureOnlyError(want.amount, Money(whole, want.amount.currency), want.tender)


def _over_captured(
    desk: Desk, wants: tuple[Want, ...], asked: Money, possible: Money
) -> tuple[tuple[Want, ...], Money]:
    """The last capture takes more than its authorisation, as far as that is declared and owed."""
    last = wants[-1]
    assert last.target is not None  # noqa: S101 - a capture has one
    approved = Money(desk.book.granted(desk.state.operations[last.target]), possible.currency)
    over = approved.times(desk.can(last.tender).over_capture, Rounding.FLOOR)
    total = desk.book.total
    owed = desk.basis.owed.minor - total.taken - total.captures_in_flight + total.refunds_in_flight
    claim = min(owed, desk.basis.claimable.minor - desk.basis.owed.minor + owed)
    more = min(over.minor, claim - possible.minor, (asked - possible).minor)
    if more <= 0:
        return wants, possible
    extra = Money(more, possible.currency)
    return (*wants[:-1], evolve(last, amount=last.amount + extra)), possible + extra


def _nothing_to_capture(desk: Desk) -> RefusedError:
    """Why nothing can be captured: taken, not owed, not to be claimed yet, or not authorised."""
    total = desk.book.total
    if any(True for _ in claims(desk)):
        return AuthorisationClosedError()
    if total.taken + total.captures_in_flight > 0:
        return AlreadyCapturedError()
    if not desk.basis.owed.is_positive:
        return CaptureBlockedError("nothing is owed")
    if desk.basis.claimable.is_positive or not any(
        desk.book.live(found) for found in desk.state.of(Operation.AUTHORISE)
    ):
        return AuthorisationClosedError()
    return CaptureBlockedError(_NOT_YET)


def _intended(case: Case, want: Want) -> OperationIntended:
    intent = intent_of(
        case.state, case.basis, case.now, case.policy, capabilities=case.capabilities, want=want
    )
    return OperationIntended(intent=intent, at=case.now)


def _void(case: Case, command: VoidAuthorisation) -> Iterator[Event]:
    tender, book, state = case.tender(command.tender), case.state.book, case.state
    for found in case.state.of(Operation.AUTHORISE):
        left = Money(book.live(found), case.basis.currency)
        is_free = not book.is_busy(found) and book.changing(found) is None
        if found.intent.tender == tender.id and left.is_positive and is_free:
            want = Want(Operation.VOID, tender.id, left, found.intent.key, withdraws=True)
            event = _intended(evolve(case, state=state), want)
            state = evolve_payment(state, event)
            yield event
    if state is case.state:
        raise NothingToVoidError(tender.id)
