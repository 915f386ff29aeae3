"""
What should be authorised, captured, voided or refunded now (RULES PAY-4, RF-1, RF-5).

Pure arithmetic on balances: the caller gives the few numbers of its two ledgers, and gets intents
whose keys follow from order, operation, tender and attempt alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import frozen

from ordercore.ids import Key, OrderId, PartyId, TenderId
from ordercore.money import Currency, Money
from ordercore.payment.balance import live, refundable, totals
from ordercore.payment.model import (
    Intent,
    Operation,
    OperationState,
    OperationStatus,
    PaymentState,
    Tender,
)
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy

__all__ = [
    "PaymentBasis",
    "Want",
    "captures",
    "intent_of",
    "is_covered",
    "next_intents",
    "operation_key",
    "voids",
]


@frozen(kw_only=True)
class PaymentBasis:
    """
    What payments must know of the order; amounts of zero or more, of one currency.

    ``refund_plan`` says how what is to be paid back goes over the tenders. ``is_ended``: nothing
    will be claimed any more. ``may_authorise``, ``may_capture``, ``may_refund``: no hold forbids.
    """

    order: OrderId
    currency: Currency
    owed: Money
    claimable: Money
    deferred: Money
    refund_plan: tuple[tuple[TenderId, Money], ...] = ()
    is_ended: bool = False
    has_open_units: bool = True
    may_authorise: bool = True
    may_capture: bool = True
    may_refund: bool = True
    party: tuple[PartyId, int] | None = None


def operation_key(order: OrderId, operation: Operation, tender: TenderId, attempt: int) -> Key:
    """The idempotency key of one attempt: a pure function of what it is about."""
    return Key(f"{order}:{tender}:{operation}:{attempt}")


@frozen
class Want:
    """An operation that should be under way."""

    operation: Operation
    tender: TenderId
    amount: Money
    target: Key | None = None


def intent_of(
    state: PaymentState,
    basis: PaymentBasis,
    now: datetime,
    policy: PaymentPolicy,
    *,
    capabilities: Capabilities,
    want: Want,
) -> Intent:
    """The intent of *want* with its key and its window, as the next attempt of its kind."""
    operation, tender = want.operation, want.tender
    attempt = 1 + sum(found.intent.tender == tender for found in state.of(operation))
    return Intent(
        key=operation_key(basis.order, operation, tender, attempt),
        operation=operation,
        tender=tender,
        amount=want.amount,
        at=now,
        not_after=now + policy.send_window,
        attempt=attempt,
        target=want.target,
        party=basis.party if operation is Operation.AUTHORISE else None,
        closes=operation is Operation.CAPTURE and not capabilities.multiple_capture,
    )


def next_intents(
    state: PaymentState,
    now: datetime,
    *,
    basis: PaymentBasis,
    policy: PaymentPolicy,
    capabilities: Capabilities,
) -> tuple[Intent, ...]:
    """The operations that should be under way and are not; at most one for each kind at a time."""
    may_capture = policy.capture is not CaptureWhen.MANUAL and basis.may_capture
    wanted = (
        *_authorisations(state, basis, now),
        *(captures(state, basis, capabilities, now=now) if may_capture else ()),
        *voids(state, basis, capabilities, now=now),
        *(_refunds(state, basis, now) if basis.may_refund else ()),
    )
    first = {(want.operation, want.tender): want for want in reversed(wanted)}
    return tuple(
        intent_of(state, basis, now, policy, capabilities=capabilities, want=want)
        for want in wanted
        if first[want.operation, want.tender] is want
    )


def is_covered(state: PaymentState, basis: PaymentBasis) -> bool:
    """Whether held money, live authorisations and deferred tenders cover what is owed."""
    sums = totals(state, basis.currency)
    return sums.held + sums.authorised + basis.deferred >= basis.owed


def _authorisations(state: PaymentState, basis: PaymentBasis, now: datetime) -> Iterator[Want]:
    """Authorise what nothing covers yet, tender by tender, each up to its own amount."""
    if basis.is_ended or not basis.may_authorise:
        return
    sums = totals(state, basis.currency)
    gap = basis.owed - basis.deferred - sums.covered
    for tender in state.tenders:
        if not gap.is_positive:
            return
        if not tender.uses_gateway or tender.is_deferred or _is_spent(state, tender, now):
            continue
        own = totals(state, basis.currency, tender=tender.id)
        room = gap if tender.amount is None else tender.amount - own.covered
        amount = min(gap, room)
        if amount.is_positive:
            yield Want(Operation.AUTHORISE, tender.id, amount)
            gap -= amount


def _is_spent(state: PaymentState, tender: Tender, now: datetime) -> bool:
    """Whether the tender may not be tried now: an attempt is open, or the last was declined."""
    attempts = [
        found for found in state.of(Operation.AUTHORISE) if found.intent.tender == tender.id
    ]
    return any(found.is_open for found in attempts) or _must_wait(attempts[-1:], now)


def _must_wait(attempts: Iterable[OperationState], now: datetime) -> bool:
    """Whether one of these was declined for good, or is not to be tried again before a time."""
    return any(
        found.status is OperationStatus.DECLINED
        and (found.is_final or (found.retry_at is not None and now < found.retry_at))
        for found in attempts
    )


def captures(
    state: PaymentState, basis: PaymentBasis, capabilities: Capabilities, *, now: datetime
) -> Iterator[Want]:
    """
    Capture what may be claimed and is neither held nor on its way (RULES PAY-4).

    Nothing is captured from an authorisation that has expired, or while a capture of it is open.
    """
    sums = totals(state, basis.currency)
    want = basis.claimable - sums.held - sums.captures_in_flight + sums.refunds_in_flight
    if basis.is_ended:
        return
    for found in state.of(Operation.AUTHORISE):
        if not want.is_positive:
            return
        room = live(state, found)
        if found.expires_at is not None and found.expires_at <= now:
            continue
        if not room.is_positive or _is_busy(state, found):
            continue
        if _must_wait(state.aimed_at(found.intent.key, Operation.CAPTURE), now):
            continue
        if not capabilities.partial_capture and want < room:
            continue
        amount = min(want, room)
        yield Want(Operation.CAPTURE, found.intent.tender, amount, found.intent.key)
        want -= amount


def _is_busy(state: PaymentState, authorisation: OperationState) -> bool:
    key = authorisation.intent.key
    return any(
        found.is_open
        for operation in (Operation.CAPTURE, Operation.VOID)
        for found in state.aimed_at(key, operation)
    )


def voids(
    state: PaymentState, basis: PaymentBasis, capabilities: Capabilities, *, now: datetime
) -> Iterator[Want]:
    """Let go of authorisations that nothing will be captured from any more, the latest first."""
    sums = totals(state, basis.currency)
    needed = basis.owed - basis.deferred - sums.held + sums.refunds_in_flight
    if basis.is_ended or not needed.is_positive:
        needed = Money.zero(basis.currency)
    surplus = sums.authorised - sums.captures_in_flight - needed
    for found in reversed(tuple(state.of(Operation.AUTHORISE))):
        room = live(state, found)
        if not surplus.is_positive or not room.is_positive or _is_busy(state, found):
            continue
        if _must_wait(state.aimed_at(found.intent.key, Operation.VOID), now):
            continue
        stuck = not capabilities.partial_capture and not basis.has_open_units
        if room <= surplus or stuck:
            yield Want(Operation.VOID, found.intent.tender, room, found.intent.key)
            surplus -= room
        elif capabilities.partial_void:
            yield Want(Operation.VOID, found.intent.tender, surplus, found.intent.key)
            surplus = Money.zero(basis.currency)


def _refunds(state: PaymentState, basis: PaymentBasis, now: datetime) -> Iterator[Want]:
    """Send back what the plan gives to each tender, capture by capture, the oldest first."""
    for tender, planned in basis.refund_plan:
        left = planned
        for found in state.of(Operation.CAPTURE):
            if found.intent.tender != tender or not left.is_positive:
                continue
            attempts = list(state.aimed_at(found.intent.key, Operation.REFUND))
            amount = min(left, refundable(state, found))
            if any(attempt.is_open for attempt in attempts) or _must_wait(attempts, now):
                continue
            if amount.is_positive:
                yield Want(Operation.REFUND, tender, amount, found.intent.key)
                left -= amount
