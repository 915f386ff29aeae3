"""
What is true about the money after a fact; total: it never refuses and reads nothing else.
"""

from __future__ import annotations

from attrs import evolve

from ordercore.facts import Event
from ordercore.money import Money
from ordercore.payment.events import (
    AuthorisationExpired,
    DisputeReported,
    OperationActionRequired,
    OperationDeclined,
    OperationFailed,
    OperationInDoubt,
    OperationIntended,
    OperationNeverHappened,
    OperationParked,
    OperationPending,
    OperationSucceeded,
    PaymentMatched,
    PaymentRecorded,
    PaymentUnmatched,
    RefundRecorded,
    TenderAdded,
    TenderReplaced,
)
from ordercore.payment.model import (
    COVERING,
    FAILURES,
    Dispute,
    OperationState,
    OperationStatus,
    RecordedPayment,
    Tender,
    WaitingReport,
)
from ordercore.payment.state import PaymentState
from ordercore.payment.status import OPERATION

__all__ = ["evolve_payment"]

Settling = (
    OperationSucceeded
    | OperationPending
    | OperationActionRequired
    | OperationDeclined
    | OperationInDoubt
    | OperationNeverHappened
    | OperationParked
    | OperationFailed
    | AuthorisationExpired
)


def evolve_payment(state: PaymentState, event: Event) -> PaymentState:
    """The state after *event*; facts of other rooms change nothing here."""
    match event:
        case OperationIntended(intent=intent):
            return _put(state, OperationState(intent=intent, tender=state.paid_with(intent)))
        case PaymentRecorded() | RefundRecorded():
            return _recorded(state, event)
        case DisputeReported():
            return _disputed(state, event)
        case TenderAdded(tender=tender):
            return evolve(state, tenders=(*state.tenders, tender))
        case TenderReplaced(tender=tender):
            return _replaced(state, tender)
        case PaymentUnmatched() | PaymentMatched():
            return evolve(state, waiting=_waiting(state, event))
        case _ if isinstance(event, Settling):
            return _settled(state, event)
        case _:
            return state


def _put(state: PaymentState, *operations: OperationState) -> PaymentState:
    changed = {operation.intent.key: operation for operation in operations}
    return evolve(state, operations={**state.operations, **changed})


def _settled(state: PaymentState, event: Settling) -> PaymentState:
    found = state.operations.get(event.key)
    if found is None:
        return state
    known = _informed(found, event)
    if OPERATION.refusal(found.status, type(event), not found.mismatch) is not None:
        return _put(state, known)
    known = evolve(known, status=OPERATION.next(found.status, type(event), not found.mismatch))
    if _is_left_behind(state, known):
        known = _forgiven(known)
    target = known.intent.target
    ends = known.intent.closes and known.settled is not None
    if ends and target is not None and target in state.operations:
        return _put(state, known, evolve(state.operations[target], is_closed=True))
    return _put(state, known)


def _informed(found: OperationState, event: Settling) -> OperationState:
    """What is known after *event*, whatever the status makes of it."""
    match event:
        case OperationSucceeded():
            return evolve(
                found,
                settled=_larger(found.settled, event.amount),
                settled_at=min(found.settled_at or event.at, event.at),
                reference=event.reference,
                expires_at=event.expires_at or found.expires_at,
                ask_at=None,
                retry_at=None,
            )
        case OperationPending():
            return evolve(
                found,
                settled=_larger(found.settled, event.amount),
                reference=event.reference,
                ask_at=event.ask_at,
                asks=found.asks + 1,
            )
        case OperationActionRequired():
            return evolve(
                found,
                reference=event.reference,
                action=event.action,
                ask_at=event.ask_at,
                asks=found.asks + 1,
            )
        case _:
            return _informed_without_reference(found, event)


def _informed_without_reference(found: OperationState, event: Settling) -> OperationState:
    match event:
        case OperationInDoubt():
            return evolve(found, reason=event.reason, ask_at=event.ask_at, asks=found.asks + 1)
        case OperationDeclined():
            return evolve(
                found,
                ask_at=None,
                is_final=event.retry_at is None,
                retry_at=event.retry_at,
                decline=event.kind,
                reason=event.code,
            )
        case OperationFailed():
            return evolve(
                found,
                ask_at=None,
                is_final=event.retry_at is None,
                retry_at=event.retry_at,
                reason=event.reason,
            )
        case OperationParked():
            return evolve(
                found,
                reference=found.reference or event.reference,
                ask_at=None,
                mismatch=found.mismatch or event.mismatch,
                reason=event.reason,
            )
        case _:
            return evolve(found, ask_at=None)


def _larger(left: Money | None, right: Money | None) -> Money | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


def _recorded(state: PaymentState, event: PaymentRecorded | RefundRecorded) -> PaymentState:
    entry = RecordedPayment(
        tender=event.tender,
        amount=event.amount,
        reference=event.reference,
        is_refund=isinstance(event, RefundRecorded),
    )
    recorded = {**state.recorded, event.reference: entry}
    return evolve(state, recorded=recorded)


def _disputed(state: PaymentState, event: DisputeReported) -> PaymentState:
    dispute = Dispute(
        reference=event.reference,
        tender=event.tender,
        amount=event.amount,
        status=event.status,
        at=event.at,
    )
    disputes = {**state.disputes, event.reference: dispute}
    return evolve(state, disputes=disputes)


def _waiting(
    state: PaymentState, event: PaymentUnmatched | PaymentMatched
) -> tuple[WaitingReport, ...]:
    """The reports that wait, each once, with the largest amount and the first end it stated."""
    report = event.report
    same = tuple(other for other in state.waiting if other.is_like(report))
    rest = tuple(other for other in state.waiting if other not in same)
    if isinstance(event, PaymentMatched):
        return rest
    amount, ends = report.amount, report.expires_at
    for other in same:
        amount, ends = _larger(amount, other.amount), other.expires_at or ends
    return (*rest, evolve(report, amount=amount, expires_at=ends))


def _replaced(state: PaymentState, tender: Tender) -> PaymentState:
    """Another instrument, or another chance: what failed before does not count any more."""
    operations = {
        key: _forgiven(found) if found.intent.tender == tender.id else found
        for key, found in state.operations.items()
    }
    tenders = tuple(tender if old.id == tender.id else old for old in state.tenders)
    return evolve(state, tenders=tenders, operations=operations)


def _is_left_behind(state: PaymentState, found: OperationState) -> bool:
    """
    Whether its tender has got another instrument since: that of old counts no more.

    What was under way when the instrument changed may be declined only later (RULES PAY-5).
    """
    now = state.tender(found.intent.tender)
    is_cover = found.intent.operation in COVERING
    if not is_cover or now is None or found.tender is None:
        return False
    return now.instrument != found.tender.instrument


def _forgiven(found: OperationState) -> OperationState:
    if found.status in FAILURES:
        return evolve(found, is_final=False, retry_at=None, is_forgiven=True)
    if found.status is OperationStatus.ACTION_REQUIRED or found.intent.withdraws:
        return evolve(found, is_forgiven=True)
    return found
