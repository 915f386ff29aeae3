"""
What each operation under way needs next, and when: send, ask, expire or park it (RULES PAY-2).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum, unique

from attrs import frozen

from ordercore.ids import Key
from ordercore.payment._book import Book
from ordercore.payment._desk import arrived_by, fades_at
from ordercore.payment.model import (
    ADJUSTING,
    FAILURES,
    Operation,
    OperationState,
    OperationStatus,
)
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState

__all__ = ["NextStep", "StepKind", "operation_steps", "wake_payment"]


@unique
class StepKind(StrEnum):
    """What an operation needs."""

    MOVE = "move"
    """The account of store value that pays is asked at once, in the same commit."""
    SEND = "send"
    ASK = "ask"
    PARK = "park"
    EXPIRE = "expire"


@frozen
class NextStep:
    """One step for one operation."""

    kind: StepKind
    key: Key


def operation_steps(
    state: PaymentState, now: datetime, *, capabilities: Capabilities
) -> Iterator[NextStep]:
    """
    The steps that are due now, oldest operation first.

    Source:
        docs/how-it-works.md, Money effects.
    """
    book = state.book
    for key, found in state.operations.items():
        kind = _lapse(book, found, now) or _step(found, now, capabilities)
        if kind is not None:
            yield NextStep(kind, key)


def _step(found: OperationState, now: datetime, capabilities: Capabilities) -> StepKind | None:
    """Send while it may be sent; after that only ask, or give up where nobody can be asked."""
    if found.tender is not None and found.tender.account is not None:
        waits = found.status is OperationStatus.PARKED
        return StepKind.MOVE if found.is_open and not waits else None
    ask = StepKind.ASK if capabilities.look_up else StepKind.PARK
    may_send = now <= found.intent.not_after
    match found.status:
        case OperationStatus.INTENDED:
            return StepKind.SEND if may_send else ask
        case OperationStatus.IN_DOUBT if _is_due(found, now):
            return StepKind.SEND if may_send else ask
        case OperationStatus.PENDING | OperationStatus.ACTION_REQUIRED if _is_due(found, now):
            return ask
        case _:
            return None


def _is_due(found: OperationState, now: datetime) -> bool:
    return found.ask_at is None or found.ask_at <= now


def _lapse(book: Book, found: OperationState, now: datetime) -> StepKind | None:
    """An authorisation ends with its time; what may still lengthen or take it is waited for."""
    if found.intent.operation is not Operation.AUTHORISE or not book.live(found):
        return None
    ends = book.term(found).ends
    if ends is None or now < ends:
        return None
    if book.is_busy(found) or book.changing(found, Operation.EXTEND) is not None:
        return None
    return StepKind.EXPIRE


def wake_payment(
    state: PaymentState,
    *,
    policy: PaymentPolicy | None = None,
    capabilities: Capabilities | None = None,
) -> Iterator[datetime]:
    """
    The instants at which some operation may need a step, or a new attempt is allowed.

    With *policy* and *capabilities* also those at which an authorisation is to be replaced, and at
    which a capture can be refunded.
    """
    for found in state.operations.values():
        if found.is_open and found.intent.operation in ADJUSTING and policy is not None:
            yield arrived_by(found, policy, capabilities or Capabilities())
        if found.status is OperationStatus.PARKED:
            continue
        if found.is_open:
            yield found.intent.not_after + timedelta(microseconds=1)
            if found.ask_at is not None:
                yield found.ask_at
        elif found.status in FAILURES and found.retry_at is not None:
            yield found.retry_at
        elif found.status is OperationStatus.SUCCEEDED:
            yield from _wakes_of_success(state.book, found, policy, capabilities)


def _wakes_of_success(
    book: Book,
    found: OperationState,
    policy: PaymentPolicy | None,
    capabilities: Capabilities | None,
) -> Iterator[datetime]:
    term = book.term(found)
    is_standing = found.intent.operation is Operation.AUTHORISE and book.live(found) > 0
    if is_standing and term.ends is not None:
        yield term.ends
        fades = fades_at(term, policy) if policy is not None else None
        if fades is not None:
            yield fades
    if capabilities is None or capabilities.refund_before_settlement or found.settled_at is None:
        return
    if found.intent.operation is Operation.CAPTURE:
        yield found.settled_at + capabilities.settlement_delay
