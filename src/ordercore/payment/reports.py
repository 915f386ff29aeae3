"""
Reports about an order's money: absorbed or kept for a person, never refused (RULES PAY-6).

Every report is merged with what is known: by key or by the gateway's own reference, amounts by
maximum. One that fits nothing waits; when what it fits becomes known, `rematched` absorbs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import assert_never

from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import TenderId
from ordercore.payment._case import Case
from ordercore.payment._replies import OVER, ReplyMismatchError, absorb_answer, retry_at
from ordercore.payment.commands import (
    BY_HAND,
    PaymentReport,
    ReportAnswer,
    ReportAuthorisationExpired,
    ReportCollected,
    ReportDispute,
    ReportFailure,
    ReportOperation,
)
from ordercore.payment.events import (
    AuthorisationExpired,
    DisputeReported,
    OperationFailed,
    OperationPending,
    OperationSucceeded,
    PaymentMatched,
    PaymentRecorded,
    PaymentUnmatched,
)
from ordercore.payment.evolve import evolve_payment
from ordercore.payment.model import (
    About,
    Dispute,
    Operation,
    OperationState,
    OperationStatus,
    RecordedPayment,
    WaitingReport,
)
from ordercore.payment.state import PaymentState
from ordercore.payment.status import DISPUTE

__all__ = ["ReplyMismatchError", "absorb", "rematched"]


def absorb(case: Case, report: PaymentReport) -> Iterator[Event]:
    """The facts that a report adds; none where it says nothing new."""
    match report:
        case ReportAnswer():
            return absorb_answer(case, report)
        case ReportOperation():
            return _operation(case, report)
        case ReportFailure():
            return _failure(case, report)
        case ReportAuthorisationExpired():
            return _expired(case, report)
        case ReportCollected():
            return _collected(case, report)
        case ReportDispute():
            return _dispute(case, report)
        case _ as never:
            assert_never(never)


def rematched(case: Case) -> Iterator[Event]:
    """
    The facts that waiting reports add which fit by now, each followed by `PaymentMatched`.

    A report fits when it is absorbed: the same rule that lets it wait.
    """
    while True:
        for waiting in case.state.waiting:
            events = _absorbed(case, waiting)
            if events is not None:
                case = evolve(case, state=reduce(evolve_payment, events, case.state))
                yield from events
                break
        else:
            return


def _absorbed(case: Case, waiting: WaitingReport) -> tuple[Event, ...] | None:
    """What a report that waits adds now; None where it goes on waiting."""
    matched = PaymentMatched(report=waiting, at=case.now)
    report = _report_of(waiting)
    if report is None:
        return (matched,) if case.state.is_booked(waiting) else None
    alone = evolve(case, state=evolve(case.state, waiting=()))
    events = tuple(absorb(alone, report))
    if any(isinstance(event, PaymentUnmatched) for event in events):
        return None
    return (*events, matched)


def _report_of(waiting: WaitingReport) -> PaymentReport | None:
    """The report as it first came."""
    reference, amount, at = waiting.reference, waiting.amount, waiting.at
    match waiting.about:
        case About.OPERATION if waiting.operation is not None and amount is not None:
            return ReportOperation(
                operation=waiting.operation,
                reference=reference,
                amount=amount,
                key=waiting.key,
                expires_at=waiting.expires_at,
                at=at,
            )
        case About.FAILURE if waiting.operation is not None:
            return ReportFailure(
                operation=waiting.operation, reference=reference, reason=waiting.reason, at=at
            )
        case About.EXPIRY:
            return ReportAuthorisationExpired(reference=reference, at=at)
        case About.DISPUTE if waiting.status is not None and amount is not None:
            return ReportDispute(
                reference=reference,
                tender=waiting.tender,
                capture=waiting.origin,
                amount=amount,
                status=waiting.status,
                at=at,
            )
        case About.COLLECTION if waiting.tender is not None and amount is not None:
            return ReportCollected(tender=waiting.tender, amount=amount, reference=reference, at=at)
        case _:
            return None


def _wait(case: Case, report: WaitingReport) -> Iterator[Event]:
    """Keep the report for later, unless somebody has recorded by hand what it says."""
    if not case.state.is_booked(report):
        yield from case.wait(report)


def _operation(case: Case, command: ReportOperation) -> Iterator[Event]:
    found = _meant(case.state, command)
    reason = _why_not(case, command, found)
    if found is None or reason:
        waiting = WaitingReport(
            about=About.OPERATION,
            operation=command.operation,
            reference=command.reference,
            amount=command.amount,
            reason=reason,
            key=command.key,
            expires_at=command.expires_at,
            at=command.at,
        )
        yield from _wait(case, waiting)
    elif _is_void_of(found, command):
        if found.status not in OVER:
            yield AuthorisationExpired(key=found.intent.key, at=command.at)
    elif _is_news(found, command):
        yield from _happened(case, found, command)


def _meant(state: PaymentState, command: ReportOperation) -> OperationState | None:
    """
    The operation that a report is about.

    A void that is none of ours is about the authorisation that it names: somebody let go of it at
    the gateway, where a payment often has one name, and one key, for all that is done with it.
    """
    keyed = state.operations.get(command.key) if command.key is not None else None
    if keyed is not None and keyed.intent.operation is command.operation:
        return keyed
    ours = state.called(command.reference, command.operation)
    if ours is None and command.operation is Operation.VOID and keyed is None:
        return state.authorisation(command.reference)
    return ours or keyed


def _is_void_of(found: OperationState, command: ReportOperation) -> bool:
    """Whether an authorisation is reported to be let go of, whoever did it (PAY-6)."""
    is_authorisation = found.intent.operation is Operation.AUTHORISE
    return is_authorisation and command.operation is Operation.VOID


def _why_not(case: Case, command: ReportOperation, found: OperationState | None) -> str:
    """Why a report does not fit the operation that it names, if it does not."""
    if command.amount.currency is not case.basis.currency:
        return "another currency"
    if found is None:
        return ""
    if found.intent.operation is not command.operation and not _is_void_of(found, command):
        return "another kind of operation"
    if _is_void_of(found, command) and case.state.authorisation(command.reference) is found:
        return ""
    if found.reference not in {None, BY_HAND, command.reference}:
        return "another reference"
    return ""


def _is_news(found: OperationState, command: ReportOperation) -> bool:
    """Whether a report says more than is known; what was taken back stays so."""
    if found.status in OVER:
        return False
    if found.settled is not None and command.amount <= found.settled:
        return not found.is_open and found.status is not OperationStatus.SUCCEEDED
    return True


def _happened(case: Case, found: OperationState, command: ReportOperation) -> Iterator[Event]:
    """A part of what is open is still open; all else is a success for what was told."""
    reference, amount = command.reference, command.amount
    if found.is_open and amount < found.intent.amount:
        yield OperationPending(
            key=found.intent.key,
            reference=reference,
            amount=amount,
            ask_at=found.ask_at or case.now + case.policy.schedule[0],
            at=command.at,
        )
        return
    yield OperationSucceeded(
        key=found.intent.key,
        reference=reference,
        amount=amount,
        expires_at=case.ends(found, command.expires_at, command.at),
        at=command.at,
    )


def _failure(case: Case, command: ReportFailure) -> Iterator[Event]:
    found = case.state.called(command.reference, command.operation)
    if found is None:
        waiting = WaitingReport(
            about=About.FAILURE,
            operation=command.operation,
            reference=command.reference,
            reason=command.reason,
            at=command.at,
        )
        yield from _wait(case, waiting)
    elif found.status not in OVER:
        yield OperationFailed(
            key=found.intent.key,
            reason=command.reason,
            retry_at=retry_at(case, found),
            at=command.at,
        )


def _expired(case: Case, command: ReportAuthorisationExpired) -> Iterator[Event]:
    found = case.state.authorisation(command.reference)
    if found is None:
        waiting = WaitingReport(about=About.EXPIRY, reference=command.reference, at=command.at)
        yield from _wait(case, waiting)
    elif found.status not in OVER:
        yield AuthorisationExpired(key=found.intent.key, at=command.at)


def _collected(case: Case, command: ReportCollected) -> Iterator[Event]:
    known = case.state.recorded.get(command.reference)
    tender = _payer(case.state, command, known)
    if tender is None or command.amount.currency is not case.basis.currency:
        waiting = WaitingReport(
            about=About.COLLECTION,
            reference=command.reference,
            tender=command.tender,
            amount=command.amount,
            at=command.at,
        )
        yield from _wait(case, waiting)
    elif _is_more(case.state, command, tender):
        yield PaymentRecorded(
            tender=tender, amount=command.amount, reference=command.reference, at=command.at
        )


def _is_more(state: PaymentState, command: ReportCollected, tender: TenderId) -> bool:
    """Whether it says more than an earlier report, and more than our captures of that name."""
    known, amount = state.recorded.get(command.reference), command.amount.minor
    if known is not None and amount <= known.amount.minor:
        return False
    if state.book.is_taken_back(tender, command.reference, is_refund=False):
        return False
    return amount > state.book.moved(tender, command.reference, is_refund=False)


def _payer(
    state: PaymentState, command: ReportCollected, known: RecordedPayment | None
) -> TenderId | None:
    """The tender that money came in for; of one that nobody knows, who recorded it has said it."""
    own = state.tender(command.tender)
    if known is None:
        return None if own is None else own.id
    fits = not known.is_refund and (own is None or own.id == known.tender)
    return known.tender if fits else None


def _dispute(case: Case, command: ReportDispute) -> Iterator[Event]:
    known = case.state.disputes.get(command.reference)
    capture = case.state.called(command.capture, Operation.CAPTURE) if command.capture else None
    tender = known.tender if known is not None else command.tender
    if tender is None and capture is not None:
        tender = capture.intent.tender
    is_known = tender is not None and case.state.tender(tender) is not None
    if tender is None or not is_known or command.amount.currency is not case.basis.currency:
        waiting = WaitingReport(
            about=About.DISPUTE,
            reference=command.reference,
            tender=command.tender,
            origin=command.capture,
            amount=command.amount,
            status=command.status,
            at=command.at,
        )
        yield from _wait(case, waiting)
        return
    told = Dispute(
        reference=command.reference,
        tender=tender,
        amount=command.amount,
        status=command.status,
        at=command.at,
    )
    yield from _dispute_facts(told, known)


def _dispute_facts(told: Dispute, known: Dispute | None) -> Iterator[Event]:
    """The outcome that the table of disputes lets count; the amount never shrinks."""
    if known is not None:
        counts = DISPUTE.refusal(known.status, told.status.value, (known, told)) is None
        told = evolve(told if counts else known, amount=max(known.amount, told.amount))
    if told != known:
        yield DisputeReported(
            reference=told.reference,
            tender=told.tender,
            amount=told.amount,
            status=told.status,
            at=told.at,
        )
