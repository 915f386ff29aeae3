"""
What is true about the money after a fact; total: it never refuses and reads nothing else.
"""

from __future__ import annotations

from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import Key, TenderId
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
    PaymentRecorded,
    PaymentUnmatched,
    RefundRecorded,
    TenderAdded,
    TenderReplaced,
)
from ordercore.payment.model import (
    Dispute,
    OperationState,
    OperationStatus,
    PaymentState,
    RecordedPayment,
    Tender,
)
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
            return _put(state, OperationState(intent=intent))
        case PaymentRecorded() | RefundRecorded():
            entry = RecordedPayment(
                tender=event.tender,
                amount=event.amount,
                reference=event.reference,
                is_refund=isinstance(event, RefundRecorded),
            )
            return evolve(state, recorded={**state.recorded, event.reference: entry})
        case DisputeReported():
            return _disputed(state, event)
        case TenderAdded(tender=tender):
            return evolve(state, tenders=(*state.tenders, tender))
        case TenderReplaced(tender=tender):
            return _replaced(state, tender)
        case PaymentUnmatched():
            return evolve(state, unmatched=state.unmatched + 1)
        case _ if isinstance(event, Settling):
            return _settled(state, event)
        case _:
            return state


def _put(state: PaymentState, *operations: OperationState) -> PaymentState:
    changed = {operation.intent.key: operation for operation in operations}
    return evolve(state, operations={**state.operations, **changed})


def _settled(state: PaymentState, event: Settling) -> PaymentState:
    found = state.operations.get(event.key)
    if found is None or OPERATION.refusal(found.status, type(event), None) is not None:
        return state
    status = OPERATION.next(found.status, type(event), None)
    match event:
        case OperationSucceeded():
            return _succeeded(state, found, event)
        case OperationPending() | OperationActionRequired():
            return _put(
                state,
                evolve(
                    found,
                    status=status,
                    reference=event.reference,
                    ask_at=event.ask_at,
                    asks=found.asks + 1,
                ),
            )
        case OperationInDoubt():
            return _put(
                state,
                evolve(
                    found,
                    status=status,
                    reason=event.reason,
                    ask_at=event.ask_at,
                    asks=found.asks + 1,
                ),
            )
        case OperationDeclined():
            return _put(
                state,
                evolve(
                    found,
                    status=status,
                    ask_at=None,
                    is_final=event.retry_at is None,
                    retry_at=event.retry_at,
                    reason=event.code,
                ),
            )
        case OperationParked() | OperationFailed():
            return _put(state, evolve(found, status=status, ask_at=None, reason=event.reason))
        case OperationNeverHappened() | AuthorisationExpired():
            return _put(state, evolve(found, status=status, ask_at=None))


def _succeeded(
    state: PaymentState, found: OperationState, event: OperationSucceeded
) -> PaymentState:
    settled = event.amount
    if found.status is OperationStatus.SUCCEEDED and found.settled is not None:
        settled = max(found.settled, settled)
    done = evolve(
        found,
        status=OperationStatus.SUCCEEDED,
        settled=settled,
        reference=event.reference,
        expires_at=event.expires_at or found.expires_at,
        ask_at=None,
        is_final=False,
        retry_at=None,
    )
    target = found.intent.target
    if found.intent.closes and target is not None and target in state.operations:
        return _put(state, done, evolve(state.operations[target], is_final=True))
    return _put(state, done)


def _disputed(state: PaymentState, event: DisputeReported) -> PaymentState:
    dispute = Dispute(
        reference=event.reference,
        tender=event.tender,
        amount=event.amount,
        status=event.status,
    )
    return evolve(state, disputes={**state.disputes, event.reference: dispute})


def _replaced(state: PaymentState, tender: Tender) -> PaymentState:
    """Another instrument: what was declined with the old one may be tried again."""
    operations: dict[Key, OperationState] = {
        key: _reopened(found, tender.id) for key, found in state.operations.items()
    }
    tenders = tuple(tender if old.id == tender.id else old for old in state.tenders)
    return evolve(state, tenders=tenders, operations=operations)


def _reopened(found: OperationState, tender: TenderId) -> OperationState:
    if found.intent.tender != tender or found.status is not OperationStatus.DECLINED:
        return found
    return evolve(found, is_final=False, retry_at=None)
