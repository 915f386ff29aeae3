"""
What should be authorised, captured, voided or refunded now (RULES PAY-4, RF-1, RF-5).

Pure arithmetic on balances: the caller gives the few numbers of its two ledgers, and gets intents
whose keys follow from order, operation, tender and attempt alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from attrs import Factory, field, frozen

from ordercore.ids import Key, OrderId, PartyId, TenderId
from ordercore.money import Currency, Money
from ordercore.payment._book import Book
from ordercore.payment.balance import planned
from ordercore.payment.model import Intent, Operation, OperationState, Tender, TenderKind
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
    "next_intents",
    "operation_key",
    "refunds",
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
    """
    The idempotency key of one attempt: the same for the same four, another for any other.

    At most 64 characters from ``a-z0-9-``, which every gateway takes, however long the ids are.

    >>> operation_key(OrderId("4711"), Operation.CAPTURE, TenderId("card"), 2)[:10]
    'capture-2-'
    """
    named = "".join(f"{len(part)}:{part}," for part in (order, operation.value, tender))
    digest = sha256(f"{named}{attempt}".encode()).hexdigest()
    return Key(f"{operation.value}-{attempt}-{digest[:40]}")


@frozen
class Want:
    """An operation that should be under way."""

    operation: Operation
    tender: TenderId
    amount: Money
    target: Key | None = None


_PREPAID: Final = frozenset({TenderKind.GIFT_CARD, TenderKind.POINTS, TenderKind.STORE_CREDIT})


@frozen
class Desk:
    """What lies on the table when the next intents are worked out."""

    state: PaymentState
    now: datetime
    basis: PaymentBasis
    policy: PaymentPolicy
    capabilities: Capabilities
    book: Book = field(init=False, default=Factory(lambda desk: desk.state.book, takes_self=True))
    planned: Mapping[TenderId, Money] = field(
        init=False,
        default=Factory(lambda desk: planned(desk.state, desk.basis.owed), takes_self=True),
    )

    def want(
        self, operation: Operation, tender: TenderId, minor: int, target: Key | None = None
    ) -> Want:
        """An operation over so many minor units."""
        return Want(operation, tender, Money(minor, self.basis.currency), target)

    def can(self, tender: TenderId) -> Capabilities:
        """What whoever moves the money of a tender has declared."""
        return self.state.able(tender, self.capabilities)

    def in_turn(self) -> list[Tender]:
        """The tenders as they are taken: prepaid outside, stored value, the others, deferred."""
        return sorted(self.state.tenders, key=_turn)

    def is_over(self, authorisation: OperationState) -> bool:
        """Whether it has expired: nothing is captured after that."""
        return authorisation.expires_at is not None and authorisation.expires_at <= self.now

    def fades(self, authorisation: OperationState) -> bool:
        """Whether it will expire so soon that it does not count as cover any more."""
        fades = fades_at(authorisation, self.policy)
        return fades is not None and fades <= self.now

    @property
    def needed(self) -> int:
        """What has to be covered by authorisations: owed, and neither taken nor deferred."""
        if self.basis.is_ended:
            return 0
        trusted = self.book.total.taken - self.book.total.refunds_in_flight
        return max(0, self.basis.owed.minor - self.basis.deferred.minor - trusted)

    def lasting(self, tender: TenderId | None = None) -> int:
        """What authorisations cover: all of one that lasts, what is being captured of others."""
        return sum(
            self.book.capturing(found) if self.fades(found) else self.book.live(found)
            for found in self.state.authorisations(tender)
        )

    def authorising(self, tender: TenderId | None = None) -> int:
        """What is being authorised; not what the payer has abandoned, though it may still come."""
        return sum(
            found.in_flight.minor
            for found in self.state.authorisations(tender)
            if not found.is_abandoned
        )

    def is_settled(self, capture: OperationState) -> bool:
        """Whether a capture can be refunded yet (RULES PAY-2)."""
        able = self.can(capture.intent.tender)
        if able.refund_before_settlement or capture.settled_at is None:
            return True
        return capture.settled_at + able.settlement_delay <= self.now

    def must_wait_for(self, operation: Operation, target: OperationState) -> bool:
        """Whether earlier attempts of one kind at *target* forbid another one now."""
        attempts = tuple(self.state.aimed_at(target.intent.key, operation))
        return bool(attempts) and self.must_wait(attempts[-1].intent)

    def must_wait(self, like: Intent) -> bool:
        """Whether an attempt failed for good, too often, or is not to be repeated yet."""
        failed = self.state.failures_like(like)
        return len(failed) > self.policy.soft_retries or any(
            old.is_final or (old.retry_at is not None and self.now < old.retry_at) for old in failed
        )


def fades_at(authorisation: OperationState, policy: PaymentPolicy) -> datetime | None:
    """
    From when on an authorisation is replaced; None: it does not expire.

    That is ``renew_before`` its expiry, and never in the first half of its life: a replacement
    that fades at once would be replaced for ever.
    """
    ends, began = authorisation.expires_at, authorisation.settled_at
    if ends is None or began is None:
        return ends
    return ends - min(policy.renew_before, max(ends - began, timedelta(0)) / 2)


def _turn(tender: Tender) -> int:
    if tender.is_deferred:
        return 3
    if not tender.uses_gateway:
        return 0
    return 1 if tender.kind in _PREPAID else 2


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

    The window of a capture ends with its authorisation: nothing is captured after expiry.
    """
    operation, tender = want.operation, want.tender
    attempt = 1 + sum(found.intent.tender == tender for found in state.of(operation))
    able = state.able(tender, capabilities)
    not_after = now + policy.send_window
    target = state.operations.get(want.target) if want.target is not None else None
    if operation is Operation.CAPTURE and target is not None and target.expires_at is not None:
        not_after = max(now, min(not_after, target.expires_at))
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
    operation that is in doubt for some money is not begun again for it.

    Source:
        RULES PAY-3, PAY-4, RF-1.
    """
    desk = Desk(state, now, basis, policy, capabilities)
    may_capture = policy.capture is not CaptureWhen.MANUAL and basis.may_capture
    taken = tuple(captures(desk)) if may_capture else ()
    wanted = (
        *authorisations(desk),
        *taken,
        *voids(desk, but={want.target for want in taken}),
        *(refunds(desk) if basis.may_refund else ()),
    )
    first = {(want.operation, want.tender): want for want in reversed(wanted)}
    return tuple(
        intent_of(state, basis, now, policy, capabilities=capabilities, want=want)
        for want in wanted
        if first[want.operation, want.tender] is want
    )


def authorisations(desk: Desk) -> Iterator[Want]:
    """Authorise what nothing covers yet, each tender up to what it is to pay."""
    basis = desk.basis
    if basis.is_ended or not basis.may_authorise:
        return
    gap = desk.needed - desk.lasting() - desk.authorising()
    for tender, part in desk.planned.items():
        if gap <= 0:
            return
        if not _may_authorise(desk, tender):
            continue
        own = desk.book.of(tender)
        brought = own.brought + desk.lasting(tender) - own.refunds_in_flight
        amount = min(gap, part.minor - brought - desk.authorising(tender))
        if amount > 0:
            yield desk.want(Operation.AUTHORISE, tender, amount)
            gap -= amount


def _may_authorise(desk: Desk, tender: TenderId) -> bool:
    """Whether a gateway serves the tender, none of its attempts is open, and none must wait."""
    found = desk.state.tender(tender)
    if found is None or not found.uses_gateway:
        return False
    if not desk.can(tender).takes(desk.basis.currency):
        return False
    attempts = tuple(desk.state.authorisations(tender))
    if any(old.is_open and not old.is_abandoned for old in attempts):
        return False
    return not attempts or not desk.must_wait(attempts[-1].intent)


def captures(desk: Desk) -> Iterator[Want]:
    """
    Capture what may be claimed and is neither taken nor on its way (RULES PAY-4).

    Each tender brings its part of what may be claimed, prepaid kinds first. A lost dispute does
    not count as given back, so it never causes a new charge.
    """
    for tender, want in claims(desk):
        for found in desk.state.of(Operation.AUTHORISE):
            amount = _capturable(desk, found, want) if found.intent.tender == tender else 0
            if amount > 0:
                yield desk.want(Operation.CAPTURE, tender, amount, found.intent.key)
                want -= amount


def claims(desk: Desk) -> Iterator[tuple[TenderId, int]]:
    """What each tender of a gateway is to bring now, in minor units, where that is above zero."""
    basis, total = desk.basis, desk.book.total
    if basis.is_ended:
        return
    claim = min(basis.claimable.minor, basis.owed.minor)
    left = claim - total.taken - total.captures_in_flight + total.refunds_in_flight
    for tender in desk.in_turn():
        part = min(max(0, claim), desk.planned[tender.id].minor)
        claim -= part
        own = desk.book.of(tender.id)
        want = min(left, part - own.brought - own.captures_in_flight + own.refunds_in_flight)
        if tender.uses_gateway and want > 0:
            yield tender.id, want
            left -= want


def _capturable(desk: Desk, found: OperationState, want: int) -> int:
    """How much of *want* one authorisation gives now."""
    room = desk.book.live(found)
    if want <= 0 or desk.is_over(found) or desk.book.is_busy(found):
        return 0
    if not desk.can(found.intent.tender).partial_capture and want < room:
        return 0
    if desk.must_wait_for(Operation.CAPTURE, found):
        return 0
    return min(want, room)


def voids(desk: Desk, *, but: Container[Key | None] = ()) -> Iterator[Want]:
    """
    Let go of authorisations that nothing will be captured from any more, the latest first.

    What fades goes once the others cover all. Those in *but* are left alone: something is about to
    be captured from them. What is voided here is never what `authorisations` asks for: that needs
    too little cover, this too much.
    """
    surplus = desk.lasting() - desk.needed
    for found in reversed(tuple(desk.state.of(Operation.AUTHORISE))):
        amount = _voidable(desk, found, surplus) if found.intent.key not in but else 0
        if amount > 0:
            yield desk.want(Operation.VOID, found.intent.tender, amount, found.intent.key)
            surplus -= 0 if desk.fades(found) else amount


def _voidable(desk: Desk, found: OperationState, surplus: int) -> int:
    """How much of one authorisation is to be let go, when there is so much cover too much."""
    room = desk.book.live(found)
    if not room or desk.book.is_busy(found) or desk.is_over(found):
        return 0
    if desk.must_wait_for(Operation.VOID, found):
        return 0
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
