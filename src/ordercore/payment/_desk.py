"""
What lies on the table when the next payment operations are worked out (RULES PAY-3, PAY-4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import Factory, field, frozen

from ordercore.ids import Key, OrderId, PartyId, TenderId
from ordercore.money import Currency, Money
from ordercore.payment._book import Book, Term
from ordercore.payment.balance import planned, shares
from ordercore.payment.model import Intent, Operation, OperationState, OperationStatus
from ordercore.payment.policy import Capabilities, PaymentPolicy
from ordercore.payment.state import PaymentState

__all__ = ["Desk", "PaymentBasis", "Want", "arrived_by", "fades_at"]


@frozen(kw_only=True)
class PaymentBasis:
    """
    What payments must know of the order; amounts of zero or more, of one currency.

    ``refund_plan`` says how what is to be paid back goes over the tenders. ``is_ended``: nothing
    will be claimed any more. ``may_authorise``: every unit is held or, by the terms, awaited.
    ``may_capture``: the order is confirmed, and no hold blocks captures. ``may_refund``:
    no hold blocks refunds.
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


@frozen
class Want:
    """An operation that should be under way."""

    operation: Operation
    tender: TenderId
    amount: Money
    target: Key | None = None
    withdraws: bool = False
    """A void that a person asked for; see `Intent.withdraws`."""


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

    def is_over(self, authorisation: OperationState) -> bool:
        """Whether it has expired: nothing is captured after that."""
        ends = self.book.term(authorisation).ends
        return ends is not None and ends <= self.now

    def fades(self, authorisation: OperationState) -> bool:
        """Whether it will expire so soon that it does not count as cover any more."""
        fades = fades_at(self.book.term(authorisation), self.policy)
        return fades is not None and fades <= self.now

    def awaits_change(self, authorisation: OperationState) -> bool:
        """
        Whether an increase or extension may still arrive, so that nothing is captured yet.

        After the horizon it has arrived or never will: then only a gateway that captures whole
        authorisations must be waited for, since nobody knows how much that is.
        """
        change = self.book.changing(authorisation)
        if change is None:
            return False
        able = self.can(authorisation.intent.tender)
        return not able.partial_capture or self.now < arrived_by(change, self.policy, able)

    @property
    def needed(self) -> int:
        """What has to be covered by authorisations: owed, and neither taken nor deferred."""
        if self.basis.is_ended:
            return 0
        trusted = self.book.total.taken - self.book.total.refunds_in_flight
        return max(0, self.basis.owed.minor - self.basis.deferred.minor - trusted)

    @property
    def maybe_back(self) -> int:
        """
        How much less is asked for than is needed: what may have gone back only once.

        A refund that has no name yet may be the one that somebody has recorded by hand. Until the
        gateway or a person says so, nobody pays for a second one (RULES PAY-3).
        """
        return self.book.maybe_recorded() if self.book.total.refunds_in_flight else 0

    def lasting(self, tender: TenderId | None = None) -> int:
        """What authorisations cover: all of one that lasts, what is being captured of others."""
        return sum(
            self.book.capturing(found) if self.fades(found) else self.book.live(found)
            for found in self.state.authorisations(tender)
        )

    def authorising(self, tender: TenderId | None = None) -> int:
        """What is being authorised; not what the payer has abandoned, though it may still come."""
        return sum(
            self._coming(found)
            for found in self.state.authorisations(tender)
            if not found.is_abandoned
        )

    def _coming(self, authorisation: OperationState) -> int:
        """What it may still bring: itself, its increase, or all of it by an extension."""
        book = self.book
        coming = authorisation.in_flight.minor + book.rising(authorisation)
        extending = book.changing(authorisation, Operation.EXTEND)
        if extending is None or extending.is_abandoned or not self.fades(authorisation):
            return coming
        return coming + book.live(authorisation) - book.capturing(authorisation)

    def firm(self, tender: TenderId | None = None) -> int:
        """What covers and stays: `lasting`, less what is being let go."""
        return self.lasting(tender) - sum(
            self.book.voiding(found)
            for found in self.state.authorisations(tender)
            if not self.fades(found)
        )

    def shares(self) -> Mapping[TenderId, int]:
        """What each tender brings in the end; nothing where nothing will be claimed any more."""
        standing: dict[TenderId, int] = defaultdict(int)
        for found in self.state.authorisations():
            live = self.book.capturing(found) if self.is_over(found) else self.book.live(found)
            standing[found.intent.tender] += max(0, live - self.book.voiding(found))
            if not found.is_abandoned:
                standing[found.intent.tender] += found.in_flight.minor + self.book.rising(found)
        owed = Money.zero(self.basis.currency) if self.basis.is_ended else self.basis.owed
        return shares(self.state, owed, standing=standing)

    def is_settled(self, capture: OperationState) -> bool:
        """Whether a capture can be refunded yet (RULES PAY-2)."""
        able = self.can(capture.intent.tender)
        if able.refund_before_settlement or capture.settled_at is None:
            return True
        return capture.settled_at + able.settlement_delay <= self.now

    def lost(self, operation: Operation, target: OperationState) -> OperationState | None:
        """
        What was last asked of *target*, where that never reached the gateway.

        What a person asked for is then still wanted: nobody has said no to it (RULES PAY-3).
        """
        attempts = tuple(self.state.aimed_at(target.intent.key, operation))
        if not attempts or attempts[-1].is_forgiven:
            return None
        last = attempts[-1]
        is_lost = last.status is OperationStatus.NEVER_HAPPENED
        return last if is_lost and not self.must_wait(last.intent) else None

    def is_withdrawn(self, authorisation: OperationState) -> bool:
        """Whether a person wants it to be let go, and that never reached the gateway."""
        lost = self.lost(Operation.VOID, authorisation)
        return lost is not None and lost.intent.withdraws

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


def arrived_by(
    change: OperationState, policy: PaymentPolicy, capabilities: Capabilities
) -> datetime:
    """From when on a call that has not arrived never will."""
    return change.intent.at + policy.horizon + capabilities.call_timeout


def fades_at(term: Term, policy: PaymentPolicy) -> datetime | None:
    """
    From when on an authorisation is extended or replaced; None: it does not expire.

    That is ``renew_before`` its expiry, and never in the first half of its life: a replacement
    that fades at once would be replaced for ever.
    """
    ends, began = term.ends, term.began
    if ends is None or began is None:
        return ends
    return ends - min(policy.renew_before, max(ends - began, timedelta(0)) / 2)
