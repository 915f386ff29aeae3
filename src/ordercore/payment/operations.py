"""
What each operation under way needs next, and when: send, ask, expire or park it (RULES PAY-2).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum, unique

from attrs import frozen

from ordercore.ids import Key
from ordercore.payment.balance import live
from ordercore.payment.model import (
    Operation,
    OperationState,
    OperationStatus,
    PaymentState,
)
from ordercore.payment.policy import Capabilities

__all__ = ["NextStep", "StepKind", "operation_steps", "wake_payment"]


@unique
class StepKind(StrEnum):
    """What an operation needs."""

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
    """The steps that are due now, oldest operation first."""
    for key, found in state.operations.items():
        kind = _step(state, found, now, capabilities)
        if kind is not None:
            yield NextStep(kind, key)


def _step(
    state: PaymentState, found: OperationState, now: datetime, capabilities: Capabilities
) -> StepKind | None:
    may_send = now <= found.intent.not_after
    match found.status:
        case OperationStatus.INTENDED:
            if may_send:
                return StepKind.SEND
            return StepKind.ASK if capabilities.look_up else StepKind.PARK
        case OperationStatus.IN_DOUBT if _is_due(found, now):
            if may_send:
                return StepKind.SEND
            return StepKind.ASK if capabilities.look_up else StepKind.PARK
        case OperationStatus.PENDING | OperationStatus.ACTION_REQUIRED if _is_due(found, now):
            return StepKind.ASK if capabilities.look_up else StepKind.PARK
        case OperationStatus.SUCCEEDED if _has_lapsed(state, found, now):
            return StepKind.EXPIRE
        case _:
            return None


def _is_due(found: OperationState, now: datetime) -> bool:
    return found.ask_at is None or found.ask_at <= now


def _has_lapsed(state: PaymentState, found: OperationState, now: datetime) -> bool:
    return (
        found.intent.operation is Operation.AUTHORISE
        and found.expires_at is not None
        and found.expires_at <= now
        and live(state, found).is_positive
        and not any(
            capture.is_open for capture in state.aimed_at(found.intent.key, Operation.CAPTURE)
        )
    )


def wake_payment(state: PaymentState) -> Iterator[datetime]:
    """The instants at which some operation may need a step, or a new attempt is allowed."""
    for found in state.operations.values():
        if found.is_open and found.ask_at is not None:
            yield found.ask_at
        if found.status is OperationStatus.DECLINED and found.retry_at is not None:
            yield found.retry_at
        if found.status is OperationStatus.SUCCEEDED and found.expires_at is not None:
            yield found.expires_at
