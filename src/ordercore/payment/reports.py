"""
Reports about an order's money: absorbed or kept for a person, never refused (RULES PAY-6).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from ordercore.facts import Event
from ordercore.ids import Reference
from ordercore.payment._case import Case
from ordercore.payment.answers import (
    ActionRequired,
    Declined,
    DeclineKind,
    LookUpAnswer,
    NotFound,
    PartiallyApproved,
    Pending,
    Succeeded,
    Unknown,
)
from ordercore.payment.commands import (
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
    OperationActionRequired,
    OperationDeclined,
    OperationFailed,
    OperationInDoubt,
    OperationNeverHappened,
    OperationParked,
    OperationPending,
    OperationSucceeded,
    PaymentRecorded,
    PaymentUnmatched,
)
from ordercore.payment.model import DisputeStatus, Operation, OperationState, OperationStatus

__all__ = ["absorb"]


def absorb(case: Case, report: PaymentReport) -> Iterator[Event]:
    """The facts that a report adds; none where it says nothing new."""
    match report:
        case ReportAnswer():
            return _answer(case, report)
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


def _answer(case: Case, command: ReportAnswer) -> Iterator[Event]:
    found = case.state.operations.get(command.key)
    if found is None:
        yield PaymentUnmatched(reference=command.key, about="answer", at=command.at)
    elif found.is_open or isinstance(command.answer, Succeeded | PartiallyApproved):
        yield from _settled(case, found, command.answer, command.at)


def _settled(
    case: Case, found: OperationState, answer: LookUpAnswer, at: datetime
) -> Iterator[Event]:
    key = found.intent.key
    match answer:
        case Succeeded() | PartiallyApproved():
            yield from _success(found, answer, at)
        case Pending(reference=reference):
            if found.status is not OperationStatus.PENDING or case.now >= (found.ask_at or at):
                yield _ask_later(case, found, at, reference=reference)
        case ActionRequired(reference=reference):
            yield OperationActionRequired(
                key=key, reference=reference, ask_at=case.now + case.policy.schedule[0], at=at
            )
        case Declined():
            yield _declined(case, found, answer, at)
        case Unknown(reason=reason):
            yield _ask_later(case, found, at, reason=reason)
        case NotFound():
            yield _not_found(case, found, at)
        case _ as never:
            assert_never(never)


def _success(
    found: OperationState, answer: Succeeded | PartiallyApproved, at: datetime
) -> Iterator[Event]:
    intent = found.intent
    if found.status is OperationStatus.SUCCEEDED and found.settled == answer.amount:
        return
    exact = isinstance(answer, Succeeded) and answer.amount == intent.amount
    less = (
        isinstance(answer, PartiallyApproved)
        and answer.amount.currency == intent.amount.currency
        and answer.amount < intent.amount
    )
    if not (exact or less):
        yield OperationParked(key=intent.key, reason="reply mismatch: another amount", at=at)
        return
    yield OperationSucceeded(
        key=intent.key,
        reference=answer.reference,
        amount=answer.amount,
        expires_at=answer.expires_at,
        at=at,
    )


def _ask_later(
    case: Case,
    found: OperationState,
    at: datetime,
    *,
    reference: Reference | None = None,
    reason: str = "",
) -> Event:
    """Ask again after the next wait of the schedule; after the last one a person must."""
    key = found.intent.key
    if found.asks >= len(case.policy.schedule):
        return OperationParked(key=key, reason="unresolved after the whole schedule", at=at)
    ask_at = case.now + case.policy.schedule[found.asks]
    if reference is not None:
        return OperationPending(key=key, reference=reference, ask_at=ask_at, at=at)
    return OperationInDoubt(key=key, reason=reason, ask_at=ask_at, at=at)


def _not_found(case: Case, found: OperationState, at: datetime) -> Event:
    """ "Not found" means "never happened" only after the horizon (RULES PAY-2)."""
    horizon = found.intent.at + case.policy.horizon
    if case.now >= horizon:
        return OperationNeverHappened(key=found.intent.key, at=at)
    return OperationInDoubt(key=found.intent.key, reason="not found yet", ask_at=horizon, at=at)


def _declined(case: Case, found: OperationState, answer: Declined, at: datetime) -> Event:
    retry_at = None
    if answer.kind is DeclineKind.SOFT and _soft_declines(case, found) < case.policy.soft_retries:
        wait = answer.retry_after or case.policy.soft_retry_after
        retry_at = case.now + max(wait, case.policy.soft_retry_after)
    return OperationDeclined(
        key=found.intent.key, kind=answer.kind, code=answer.code[:200], retry_at=retry_at, at=at
    )


def _soft_declines(case: Case, found: OperationState) -> int:
    return sum(
        other.status is OperationStatus.DECLINED
        and other.intent.tender == found.intent.tender
        and other.intent.target == found.intent.target
        for other in case.state.of(found.intent.operation)
    )


def _find(case: Case, reference: Reference, operation: Operation) -> OperationState | None:
    return next((found for found in case.state.of(operation) if found.reference == reference), None)


def _operation(case: Case, command: ReportOperation) -> Iterator[Event]:
    found = case.state.operations.get(command.key) if command.key is not None else None
    found = found or _find(case, command.reference, command.operation)
    if found is None or found.intent.operation is not command.operation:
        yield PaymentUnmatched(
            reference=command.reference,
            about=command.operation,
            amount=command.amount,
            at=command.at,
        )
        return
    known = found.settled if found.status is OperationStatus.SUCCEEDED else None
    if known is not None and command.amount <= known:
        return
    answer: Succeeded | PartiallyApproved = Succeeded(
        reference=command.reference, amount=command.amount
    )
    if command.amount < found.intent.amount:
        answer = PartiallyApproved(reference=command.reference, amount=command.amount)
    yield from _success(found, answer, command.at)


def _failure(case: Case, command: ReportFailure) -> Iterator[Event]:
    found = _find(case, command.reference, command.operation)
    if found is None:
        yield PaymentUnmatched(
            reference=command.reference, about=f"failed {command.operation}", at=command.at
        )
    elif found.status is OperationStatus.SUCCEEDED:
        yield OperationFailed(key=found.intent.key, reason=command.reason, at=command.at)


def _expired(case: Case, command: ReportAuthorisationExpired) -> Iterator[Event]:
    found = _find(case, command.reference, Operation.AUTHORISE)
    if found is None:
        yield PaymentUnmatched(reference=command.reference, about="expiry", at=command.at)
    elif found.status is OperationStatus.SUCCEEDED:
        yield AuthorisationExpired(key=found.intent.key, at=command.at)


def _collected(case: Case, command: ReportCollected) -> Iterator[Event]:
    fits = (
        case.state.tender(command.tender) is not None
        and command.amount.currency == case.basis.currency
    )
    if not fits:
        yield PaymentUnmatched(
            reference=command.reference, about="collection", amount=command.amount, at=command.at
        )
    elif command.reference not in case.state.recorded:
        yield PaymentRecorded(
            tender=command.tender,
            amount=command.amount,
            reference=command.reference,
            at=command.at,
        )


_DISPUTE_RANK: Final = {
    DisputeStatus.OPENED: 0,
    DisputeStatus.WON: 1,
    DisputeStatus.LOST: 1,
}


def _dispute(case: Case, command: ReportDispute) -> Iterator[Event]:
    known = case.state.disputes.get(command.reference)
    if command.amount.currency != case.basis.currency:
        yield PaymentUnmatched(
            reference=command.reference, about="dispute", amount=command.amount, at=command.at
        )
        return
    if known is not None and _DISPUTE_RANK[known.status] >= _DISPUTE_RANK[command.status]:
        return
    yield DisputeReported(
        reference=command.reference,
        tender=command.tender,
        amount=command.amount,
        status=command.status,
        at=command.at,
    )
