"""
Every balance of an order's money, derived anew from the operations (RULES PAY-1, PAY-3).

`Book` goes over the facts once and keeps whole minor units; `totals` is its face for others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from attrs import define, field, frozen

from ordercore.ids import Key, TenderId
from ordercore.money import Currency, CurrencyMismatchError, Money
from ordercore.payment.model import (
    DisputeStatus,
    Operation,
    OperationState,
    OperationStatus,
    PaymentState,
    Tender,
)

__all__ = ["Book", "PaymentTotals", "Sums", "is_dead", "live", "planned", "refundable", "totals"]


@frozen(kw_only=True)
class PaymentTotals:
    """
    The letters of RULES S and what is still on its way; all of one currency, none below zero.

    ``in_flight`` figures are operations that may still turn out to have happened.
    """

    authorised: Money
    captured: Money
    refunded: Money
    disputes_open: Money
    disputes_lost: Money
    authorisations_in_flight: Money
    captures_in_flight: Money
    refunds_in_flight: Money

    @property
    def taken(self) -> Money:
        """C − F: a lost dispute does not lower it, so it never causes a new charge."""
        return self.captured - self.refunded

    @property
    def held(self) -> Money:
        """H = C − F − K."""
        return self.taken - self.disputes_lost

    @property
    def refundable(self) -> Money:
        """C − F − refunds in flight − disputes open or lost, at least zero (RULES PAY-3)."""
        rest = self.held - self.disputes_open - self.refunds_in_flight
        return max(rest, Money.zero(rest.currency))


@define
class Sums:
    """The same figures in minor units, while they are added up."""

    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    disputes_open: int = 0
    disputes_lost: int = 0
    authorisations_in_flight: int = 0
    captures_in_flight: int = 0
    refunds_in_flight: int = 0

    @property
    def taken(self) -> int:
        """C − F."""
        return self.captured - self.refunded

    @property
    def refundable(self) -> int:
        """C − F − refunds in flight − disputes open or lost, at least zero."""
        gone = self.refunds_in_flight + self.disputes_open + self.disputes_lost
        return max(0, self.taken - gone)

    def add(self, operation: OperationState) -> None:
        """Add what an operation moved, and what it may still move."""
        moved, open_ = operation.moved.minor, operation.in_flight.minor
        match operation.intent.operation:
            case Operation.AUTHORISE:
                self.authorisations_in_flight += open_
            case Operation.CAPTURE:
                self.captured += moved
                self.captures_in_flight += open_
            case Operation.REFUND:
                self.refunded += moved
                self.refunds_in_flight += open_
            case Operation.VOID:
                pass


@define
class Aimed:
    """What was done about one operation: captures and voids of it, refunds of it."""

    used: int = 0
    capturing: int = 0
    refunds: int = 0
    is_busy: bool = False


@define
class Book:
    """All balances of one state, in minor units of one currency."""

    state: PaymentState
    total: Sums = field(factory=Sums, init=False)
    tenders: Mapping[TenderId, Sums] = field(init=False)
    _aimed: Mapping[Key, Aimed] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Add everything up, once."""
        tenders: dict[TenderId, Sums] = defaultdict(Sums)
        aimed: dict[Key, Aimed] = defaultdict(Aimed)
        for operation in self.state.operations.values():
            self.total.add(operation)
            tenders[operation.intent.tender].add(operation)
            if operation.intent.target is not None:
                _aim(aimed[operation.intent.target], operation)
        self._aimed = aimed
        self._add_outside(tenders)
        for operation in self.state.of(Operation.AUTHORISE):
            left = self.live(operation)
            self.total.authorised += left
            tenders[operation.intent.tender].authorised += left
        self.tenders = tenders

    def _add_outside(self, tenders: dict[TenderId, Sums]) -> None:
        for entry in self.state.recorded.values():
            for sums in (self.total, tenders[entry.tender]):
                if entry.is_refund:
                    sums.refunded += entry.amount.minor
                else:
                    sums.captured += entry.amount.minor
        for dispute in self.state.disputes.values():
            for sums in (self.total, tenders[dispute.tender]):
                if dispute.status is DisputeStatus.OPENED:
                    sums.disputes_open += dispute.amount.minor
                elif dispute.status is DisputeStatus.LOST:
                    sums.disputes_lost += dispute.amount.minor

    def of(self, tender: TenderId) -> Sums:
        """The sums of one tender."""
        return self.tenders.get(tender, Sums())

    def live(self, authorisation: OperationState) -> int:
        """What can still be captured from an authorisation, captures on their way included."""
        if authorisation.is_closed or authorisation.status is not OperationStatus.SUCCEEDED:
            return 0
        key = authorisation.intent.key
        used = self._aimed[key].used if key in self._aimed else 0
        return max(0, authorisation.moved.minor - used)

    def refundable(self, capture: OperationState) -> int:
        """What can still be refunded of a capture: neither refunded nor on its way back."""
        key = capture.intent.key
        back = self._aimed[key].refunds if key in self._aimed else 0
        return max(0, capture.moved.minor - back)

    def capturing(self, authorisation: OperationState) -> int:
        """How much of it is being captured."""
        key = authorisation.intent.key
        return self._aimed[key].capturing if key in self._aimed else 0

    def is_busy(self, authorisation: OperationState) -> bool:
        """Whether a capture or a void of it is under way."""
        key = authorisation.intent.key
        return key in self._aimed and self._aimed[key].is_busy


def _aim(about: Aimed, operation: OperationState) -> None:
    match operation.intent.operation:
        case Operation.CAPTURE | Operation.VOID:
            about.used += operation.moved.minor
            about.is_busy = about.is_busy or operation.is_open
            if operation.intent.operation is Operation.CAPTURE:
                about.capturing += operation.in_flight.minor
        case Operation.REFUND:
            about.refunds += operation.moved.minor + operation.in_flight.minor
        case Operation.AUTHORISE:
            pass


def totals(
    state: PaymentState, currency: Currency, *, tender: TenderId | None = None
) -> PaymentTotals:
    """
    The balances over all tenders, or of one.

    Source:
        RULES PAY-1, S.
    """
    book = Book(state)
    sums = book.total if tender is None else book.of(tender)

    def money(minor: int) -> Money:
        return Money(minor, currency)

    return PaymentTotals(
        authorised=money(sums.authorised),
        captured=money(sums.captured),
        refunded=money(sums.refunded),
        disputes_open=money(sums.disputes_open),
        disputes_lost=money(sums.disputes_lost),
        authorisations_in_flight=money(sums.authorisations_in_flight),
        captures_in_flight=money(sums.captures_in_flight),
        refunds_in_flight=money(sums.refunds_in_flight),
    )


def live(state: PaymentState, authorisation: OperationState) -> Money:
    """What can still be captured from an authorisation, captures on their way included."""
    return Money(Book(state).live(authorisation), authorisation.intent.amount.currency)


def refundable(state: PaymentState, capture: OperationState) -> Money:
    """What can still be refunded of a capture: neither refunded nor on its way back."""
    return Money(Book(state).refundable(capture), capture.intent.amount.currency)


def planned(state: PaymentState, owed: Money) -> Mapping[TenderId, Money]:
    """
    How much of *owed* each tender is to pay.

    Fixed amounts are taken in the order of the tenders while something is left. The last open
    tender takes the rest. A tender that was declined for good, and an open one that is not the
    last, keep to what they brought already.

    Raises:
        CurrencyMismatchError: A tender is in another currency.

    >>> from ordercore.money import EUR
    >>> card, gift = Tender(id=TenderId("card")), Tender(id=TenderId("gift"), amount=Money(3, EUR))
    >>> planned(PaymentState(tenders=(card, gift)), Money(10, EUR))
    {'card': Money(7, EUR), 'gift': Money(3, EUR)}
    """
    book = Book(state)
    parts = dict.fromkeys((tender.id for tender in state.tenders), 0)
    rest = owed.minor
    for tender in state.tenders:
        limit = _limit(state, book, tender)
        if limit is not None:
            if tender.amount is not None and tender.amount.currency is not owed.currency:
                raise CurrencyMismatchError(tender.amount.currency.code, owed.currency.code)
            parts[tender.id] = min(limit, max(0, rest))
            rest -= parts[tender.id]
    for tender in state.tenders:
        if _limit(state, book, tender) is None:
            parts[tender.id] = max(0, rest)
    return {tender: Money(minor, owed.currency) for tender, minor in parts.items()}


def _limit(state: PaymentState, book: Book, tender: Tender) -> int | None:
    """The most that a tender is to pay; None: whatever is left."""
    sums = book.of(tender.id)
    brought = max(0, sums.taken + sums.authorised + sums.authorisations_in_flight)
    if is_dead(state, tender):
        return brought
    if tender.amount is not None:
        return tender.amount.minor
    later = [other for other in state.tenders if other.amount is None and not is_dead(state, other)]
    return None if later[-1] is tender else brought


def is_dead(state: PaymentState, tender: Tender) -> bool:
    """Whether the last authorisation was declined for good, and nobody gave it another chance."""
    tried = [found for found in state.of(Operation.AUTHORISE) if found.intent.tender == tender.id]
    return bool(tried) and tried[-1].status is OperationStatus.DECLINED and tried[-1].is_final
