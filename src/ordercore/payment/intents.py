"""
What should be covered, captured, voided or refunded now (RULES PAY-4, RF-1, RF-5).

Pure arithmetic on balances: the caller gives the few numbers of its two ledgers, and gets intents
whose keys follow from order, operation, tender and attempt alone.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from attrs import evolve

from ordercore.ids import Key, OrderId, TenderId
from ordercore.payment._cover import authorisations
from ordercore.payment._desk import Desk, PaymentBasis, Want, fades_at
from ordercore.payment.balance import in_turn
from ordercore.payment.model import Intent, Operation, OperationState
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.payment.state import PaymentState

__all__ = [
    "Desk",
    "PaymentBasis",
    "Want",
    "authorisations",
    "captures",
    "claims",
    "fades_at",
    "intent_of",
    "is_operation_key",
    "next_intents",
    "operation_key",
    "refunds",
    "voids",
]

_OF_ORDER: Final = re.compile(rf"({'|'.join(Operation)})-[0-9]+-[0-9a-f]{{40}}")


def operation_key(order: OrderId, operation: Operation, tender: TenderId, attempt: int) -> Key:
    """
    The idempotency key of one attempt: the same for the same four, another for any other.

    At most 64 characters from ``a-z0-9-``, which every gateway takes, however long the ids are.

    >>> operation_key(OrderId("4711"), Operation.CAPTURE, TenderId("card"), 2)[:10]
    'capture-2-'
    """
    named = "".join(f"{len(part)}:{part}," for part in (order, operation.value, tender))
    digest = sha256(f"{named}{attempt}".encode()).hexdigest()
    return Key(f"{operation.value}-{attempt}-{digest[:40]}")


def is_operation_key(key: Key) -> bool:
    """
    Whether a key has the form of those that `operation_key` makes.

    >>> is_operation_key(operation_key(OrderId("4711"), Operation.VOID, TenderId("card"), 1))
    True
    """
    return _OF_ORDER.fullmatch(key) is not None


def intent_of(
    state: PaymentState,
    basis: PaymentBasis,
    now: datetime,
    policy: PaymentPolicy,
    *,
    capabilities: Capabilities,
    want: Want,
) -> Intent:
    """
    The intent of *want* with its key and its window, as the next attempt of its kind.

    The window of what captures or changes an authorisation ends with it: nothing is captured,
    raised or extended after expiry.
    """
    operation, tender = want.operation, want.tender
    attempt = 1 + sum(found.intent.tender == tender for found in state.of(operation))
    able = state.able(tender, capabilities)
    not_after = now + policy.send_window
    target = state.operations.get(want.target) if want.target is not None else None
    extension = None
    if target is not None and target.intent.operation is Operation.AUTHORISE:
        term = state.book.term(target)
        extension = term.extension
        if operation is not Operation.VOID and term.ends is not None:
            not_after = max(now, min(not_after, term.ends))
    return Intent(
        key=operation_key(basis.order, operation, tender, attempt),
        operation=operation,
        tender=tender,
        amount=want.amount,
        at=now,
        not_after=not_after,
        attempt=attempt,
        target=want.target,
        party=basis.party if operation is Operation.AUTHORISE else None,
        closes=operation is Operation.CAPTURE and not able.multiple_capture,
        withdraws=want.withdraws,
        extension=extension,
    )


def next_intents(
    state: PaymentState,
    now: datetime,
    *,
    basis: PaymentBasis,
    policy: PaymentPolicy,
    capabilities: Capabilities,
) -> tuple[Intent, ...]:
    """
    The operations that should be under way and are not; at most one of a kind per tender.

    Nothing is asked for twice: what is under way counts as if it had happened, and a kind of
    operation that is in doubt for some money is not begun again for it. What is captured now is
    neither raised nor extended. What a person asked for and what never reached the gateway is asked
    for again.

    Source:
        RULES PAY-3, PAY-4, RF-1.
    """
    desk = Desk(state, now, basis, policy, capabilities)
    taken = tuple(_captured_now(desk)) if basis.may_capture else ()
    touched = {want.target for want in taken}
    wanted = (
        *(want for want in authorisations(desk) if want.target not in touched),
        *taken,
        *voids(desk, but=touched),
        *(refunds(desk) if basis.may_refund else ()),
    )
    first = {(want.operation, want.tender): want for want in reversed(wanted)}
    return tuple(
        intent_of(state, basis, now, policy, capabilities=capabilities, want=want)
        for want in wanted
        if first[want.operation, want.tender] is want
    )


def _captured_now(desk: Desk) -> Iterator[Want]:
    """All that may be captured; where a person decides when, only what was lost of their wishes."""
    for want in captures(desk):
        if desk.policy.capture is not CaptureWhen.MANUAL:
            yield want
        elif want.target is not None:
            lost = desk.lost(Operation.CAPTURE, desk.state.operations[want.target])
            if lost is not None:
                yield evolve(want, amount=min(want.amount, lost.intent.amount))


def captures(desk: Desk) -> Iterator[Want]:
    """
    Capture what may be claimed and is neither taken nor on its way (RULES PAY-4).

    A lost dispute does not count as given back, so it never causes a new charge.
    """
    for tender, want in claims(desk):
        left = want
        for found in desk.state.authorisations(tender):
            amount = _capturable(desk, found, left)
            if amount > 0:
                yield desk.want(Operation.CAPTURE, tender, amount, found.intent.key)
                left -= amount


def claims(desk: Desk) -> Iterator[tuple[TenderId, int]]:
    """
    What each tender of a gateway is to bring now, in minor units, where that is above zero.

    Each brings its share (`Desk.shares`) of what may be claimed, prepaid kinds first.
    """
    basis, total = desk.basis, desk.book.total
    if basis.is_ended:
        return
    claim = min(basis.claimable.minor, basis.owed.minor)
    going_back = total.refunds_in_flight - desk.maybe_back
    left = claim - total.taken - total.captures_in_flight + going_back
    if left <= 0:
        return
    shares = desk.shares()
    for tender in in_turn(desk.state):
        part = min(max(0, claim), shares[tender.id])
        claim -= part
        own = desk.book.of(tender.id)
        want = min(left, part - own.brought - own.captures_in_flight + own.refunds_in_flight)
        if tender.uses_gateway and want > 0:
            yield tender.id, want
            left -= want


def _capturable(desk: Desk, found: OperationState, want: int) -> int:
    """How much of *want* one authorisation gives now."""
    room = desk.book.live(found)
    if want <= 0 or desk.is_over(found) or desk.book.is_busy(found) or desk.awaits_change(found):
        return 0
    if desk.is_withdrawn(found):
        return 0
    if not desk.can(found.intent.tender).partial_capture and want < room:
        return 0
    if desk.must_wait_for(Operation.CAPTURE, found):
        return 0
    return min(want, room)


def voids(desk: Desk, *, but: Container[Key | None] = ()) -> Iterator[Want]:
    """
    Let go of authorisations that nothing will be captured from any more, the latest first.

    Of a tender only what is beyond its share, so that nothing is let go that another tender would
    have to be asked for. What fades goes once the others cover all. Those in *but* are left alone:
    something is about to be captured from them. What is being let go already counts as gone here,
    and as cover for `authorisations`; so what one asks for is never undone by the other. What a
    person wanted to be let go goes, whatever is covered.
    """
    surplus = desk.firm() - desk.needed
    shares: Mapping[TenderId, int] = desk.shares() if surplus > 0 else {}
    for tender in reversed(desk.state.tenders):
        own = desk.book.of(tender.id)
        brought = max(0, own.brought - own.refunds_in_flight)
        spare = brought + desk.firm(tender.id) - shares.get(tender.id, 0)
        for found in reversed(tuple(desk.state.authorisations(tender.id))):
            most = surplus if desk.fades(found) else min(surplus, spare)
            amount = _voidable(desk, found, most) if found.intent.key not in but else 0
            if amount > 0:
                want = desk.want(Operation.VOID, tender.id, amount, found.intent.key)
                yield evolve(want, withdraws=desk.is_withdrawn(found))
                gone = 0 if desk.fades(found) else amount
                surplus, spare = surplus - gone, spare - gone


def _voidable(desk: Desk, found: OperationState, surplus: int) -> int:
    """How much of one authorisation is to be let go, when there is so much cover too much."""
    room = desk.book.live(found)
    if not room or desk.book.is_busy(found) or desk.is_over(found):
        return 0
    if desk.book.changing(found) is not None:
        return 0
    if desk.must_wait_for(Operation.VOID, found):
        return 0
    if desk.is_withdrawn(found):
        return room
    if desk.fades(found):
        return room if surplus >= 0 else 0
    able = desk.can(found.intent.tender)
    stuck = not able.partial_capture and not desk.basis.has_open_units
    if surplus > 0 and (room <= surplus or stuck):
        return room
    return max(0, surplus) if able.partial_void else 0


def refunds(desk: Desk) -> Iterator[Want]:
    """
    Send back what the plan gives to each tender, capture by capture, the oldest first.

    Never more than the tender, and all tenders together, took and still hold (RULES PAY-3).
    """
    ceiling = desk.book.total.refundable
    for tender, part in desk.basis.refund_plan:
        left = min(part.minor, desk.book.of(tender).refundable, ceiling)
        for found in desk.state.of(Operation.CAPTURE):
            if found.intent.tender != tender or left <= 0 or not desk.is_settled(found):
                continue
            attempts = desk.state.aimed_at(found.intent.key, Operation.REFUND)
            if any(attempt.is_open for attempt in attempts):
                continue
            if desk.must_wait_for(Operation.REFUND, found):
                continue
            amount = min(left, desk.book.refundable(found))
            if amount > 0:
                yield desk.want(Operation.REFUND, tender, amount, found.intent.key)
                left -= amount
                ceiling -= amount
