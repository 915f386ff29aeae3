"""
Every balance of an order's money, derived anew from the operations (RULES PAY-1, PAY-3).

`PaymentState.book` goes over the facts once and keeps whole minor units; `totals` is its face.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

from attrs import frozen

from ordercore.ids import TenderId
from ordercore.money import Currency, CurrencyMismatchError, Money
from ordercore.payment.answers import DeclineKind
from ordercore.payment.model import (
    ADJUSTING,
    COVERING,
    REFUSALS,
    Operation,
    OperationState,
    OperationStatus,
    Tender,
    TenderKind,
)
from ordercore.payment.state import PaymentState

__all__ = [
    "PaymentTotals",
    "in_turn",
    "is_dead",
    "planned",
    "shares",
    "totals",
    "withdrawn",
]

_PREPAID: Final = frozenset({TenderKind.GIFT_CARD, TenderKind.POINTS, TenderKind.STORE_CREDIT})


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
    voids_in_flight: Money

    @property
    def firm(self) -> Money:
        """What is authorised and not being let go."""
        return self.authorised - self.voids_in_flight

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


def totals(
    state: PaymentState, currency: Currency, *, tender: TenderId | None = None
) -> PaymentTotals:
    """
    The balances over all tenders, or of one.

    Source:
        RULES PAY-1, S.
    """
    book = state.book
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
        voids_in_flight=money(sums.voids_in_flight),
    )


def planned(state: PaymentState, owed: Money) -> Mapping[TenderId, Money]:
    """
    How much of *owed* each tender is to pay.

    Fixed amounts are taken in the order of the tenders while something is left. The last open
    tender takes the rest. A tender that was declined for good or withdrawn by hand, and an open one
    that is not the last, keep to what they brought already.

    Raises:
        CurrencyMismatchError: A tender is in another currency.

    >>> from ordercore.money import EUR
    >>> card, gift = Tender(id=TenderId("card")), Tender(id=TenderId("gift"), amount=Money(3, EUR))
    >>> planned(PaymentState(tenders=(card, gift)), Money(10, EUR))
    {'card': Money(7, EUR), 'gift': Money(3, EUR)}
    """
    dead = _dead(state)
    open_ = [one.id for one in state.tenders if one.amount is None and one.id not in dead]
    heir = open_[-1] if open_ else None
    parts = dict.fromkeys((tender.id for tender in state.tenders), 0)
    rest = owed.minor
    for tender in state.tenders:
        if tender.id == heir:
            continue
        if tender.amount is not None and tender.amount.currency is not owed.currency:
            raise CurrencyMismatchError(tender.amount.currency.code, owed.currency.code)
        parts[tender.id] = min(_limit(state, tender, dead), max(0, rest))
        rest -= parts[tender.id]
    if heir is not None:
        parts[heir] = max(0, rest)
    return {tender: Money(minor, owed.currency) for tender, minor in parts.items()}


def shares(
    state: PaymentState, owed: Money, *, standing: Mapping[TenderId, int] | None = None
) -> Mapping[TenderId, int]:
    """
    How much of *owed* each tender brings in the end, in minor units, as things stand.

    `planned` is what was agreed; this is what becomes of it. In this order, and in turn among the
    tenders, as long as something is owed: what was brought; what deferred tenders promised; what
    stands within the plan; what stands beyond it; what is still to come by the plan. So nothing
    that is covered is waited for from anybody else.

    Args:
        state: All that was done.
        owed: What the tenders are to bring together.
        standing: What is set aside, or being set aside, for each tender; None: as the book says.

    Source:
        RULES PAY-1, PAY-4.

    >>> from ordercore.money import EUR
    >>> card, gift = Tender(id=TenderId("card")), Tender(id=TenderId("gift"), amount=Money(3, EUR))
    >>> state = PaymentState(tenders=(card, gift))
    >>> shares(state, Money(10, EUR), standing={card.id: 9})
    {'card': 9, 'gift': 1}
    """
    parts = planned(state, owed)
    turn = {tender.id: tender for tender in in_turn(state)}
    found, rest = dict.fromkeys(parts, 0), owed.minor
    levels = {
        name: _levels(state, tender, parts[name].minor, standing) for name, tender in turn.items()
    }
    for level in zip(*levels.values(), strict=True):
        for name, minor in zip(turn, level, strict=True):
            more = max(0, min(rest, minor - found[name]))
            found[name] += more
            rest -= more
    return found


def _levels(
    state: PaymentState, tender: Tender, part: int, standing: Mapping[TenderId, int] | None
) -> tuple[int, ...]:
    """Up to what a tender is asked, one level after the other; see `shares`."""
    own = state.book.of(tender.id)
    brought = max(0, own.brought - own.refunds_in_flight)
    stands = own.authorised + own.authorisations_in_flight
    ready = brought + (stands if standing is None else standing.get(tender.id, 0))
    return brought, part if tender.is_deferred else 0, min(part, ready), ready, part


def in_turn(state: PaymentState) -> list[Tender]:
    """The tenders as they are taken: prepaid outside, stored value, the others, deferred."""
    return sorted(state.tenders, key=_turn)


def _turn(tender: Tender) -> int:
    if tender.is_deferred:
        return 3
    if not tender.uses_gateway:
        return 0
    return 1 if tender.kind in _PREPAID else 2


def _limit(state: PaymentState, tender: Tender, dead: Container[TenderId]) -> int:
    """The most that a tender is to pay that does not take the rest."""
    if tender.amount is not None and tender.id not in dead:
        return tender.amount.minor
    sums = state.book.of(tender.id)
    return max(0, sums.brought + sums.authorised + sums.authorisations_in_flight)


def is_dead(state: PaymentState, tender: Tender) -> bool:
    """
    Whether it pays no more by itself, as long as nobody gives it another chance.

    The last authorisation, or the last change of one, was declined for good, or a person let go
    of one. That one cannot be raised or extended (`DeclineKind.CONFIGURATION`) does not count.

    Source:
        RULES PAY-5.
    """
    return tender.id in _dead(state)


def _dead(state: PaymentState) -> frozenset[TenderId]:
    """The ids of all tenders that pay no more by themselves, in one walk."""
    last = {
        found.intent.tender: found
        for found in state.operations.values()
        if found.intent.operation in COVERING
    }
    declined = {tender for tender, found in last.items() if _is_refused(found)}
    return withdrawn(state) | declined


def _is_refused(found: OperationState) -> bool:
    """Whether the payer's bank said no for good; that one cannot be raised or extended is less."""
    is_other_way = (
        found.decline is DeclineKind.CONFIGURATION and found.intent.operation in ADJUSTING
    )
    is_final = found.status is OperationStatus.DECLINED and found.is_final
    return is_final and not is_other_way


def withdrawn(state: PaymentState) -> frozenset[TenderId]:
    """
    Of which a person voided an authorisation since they got their last chance.

    That the gateway never heard of it changes nothing: it is asked again. That it refused does.
    """
    return frozenset(
        found.intent.tender
        for found in state.of(Operation.VOID)
        if found.intent.withdraws and not found.is_forgiven and found.status not in REFUSALS
    )
