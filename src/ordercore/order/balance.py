"""
The balance of an order: debt and money as two ledgers, and what follows from both (RULES RF-1).
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from ordercore.ids import TenderId
from ordercore.money import Money, sum_money
from ordercore.order.model import Order, checked_order
from ordercore.order.rules import is_ended, is_stock_ready
from ordercore.order.terms import Blocks
from ordercore.payment.balance import PaymentTotals, planned, shares, totals
from ordercore.payment.intents import PaymentBasis
from ordercore.payment.model import TenderKind
from ordercore.payment.policy import CaptureWhen
from ordercore.refund.calculate import dispatched_worth
from ordercore.refund.ledger import claimable, owed, to_pay_back
from ordercore.refund.tenders import TenderBalance, TenderOrder, destinations

__all__ = [
    "Balance",
    "balance",
    "cover_missing",
    "due_earlier",
    "has_open_slots",
    "payment_basis",
    "refund_plan",
    "tender_balances",
    "waits_for_dispatch",
]

TAKEN_WHEN_DUE: Final = frozenset(
    {
        TenderKind.BANK_TRANSFER,
        TenderKind.CASH,
        TenderKind.EXCHANGE_CREDIT,
        TenderKind.GIFT_CARD,
        TenderKind.MANUAL,
        TenderKind.POINTS,
        TenderKind.STORE_CREDIT,
    }
)
"""Tenders that are taken when they are due, whatever has been sent."""


@frozen(kw_only=True)
class Balance:
    """
    What is owed, what may be claimed now, what is held, and what goes back; none below zero.

    ``owed``, ``claimable`` and ``to_pay_back`` are those of RULES RF-1. ``deferred`` is the part
    of the debt that tenders of later days cover. What differs by no more than the ``tolerance`` of
    the terms, in minor units, counts as equal (RULES PAY-7).
    """

    owed: Money
    claimable: Money
    deferred: Money
    totals: PaymentTotals
    tolerance: int = 0

    @property
    def held(self) -> Money:
        """H = C − F − K; below zero after a refund and a lost dispute."""
        return self.totals.held

    @property
    def to_collect(self) -> Money:
        """What is still to come in: owed less held."""
        return self.counted(self.owed - self.held)

    @property
    def to_pay_back(self) -> Money:
        """max(0, held − claimable − refunds in flight − disputes open)."""
        return self.counted(
            to_pay_back(
                self.held,
                claim=self.claimable,
                in_flight=self.totals.refunds_in_flight,
                disputed=self.totals.disputes_open,
            )
        )

    def counted(self, difference: Money) -> Money:
        """A difference that is more than the tolerance; zero for any other."""
        if difference.minor > self.tolerance:
            return difference
        return Money.zero(difference.currency)


def balance(order: Order) -> Balance:
    """
    Both ledgers of an order, derived from its facts once: orders never change.

    Source:
        RULES RF-1, PAY-4.
    """
    return checked_order(order).once(_sums)


def _sums(order: Order) -> Balance:
    currency = order.priced.currency
    debt = owed(order.priced.total, order.credits)
    return Balance(
        owed=debt,
        claimable=_claimable(order, debt),
        deferred=_deferred(order, debt),
        totals=totals(order.payment, currency),
        tolerance=order.terms.tolerance,
    )


def _claimable(order: Order, owed_now: Money) -> Money:
    """Owed; under capture at dispatch, while a slot is open, not before the goods go."""
    if not waits_for_dispatch(order):
        return owed_now
    return claimable(
        owed_now, dispatched=_dispatched(order), earlier_due=due_earlier(order, owed_now)
    )


def waits_for_dispatch(order: Order) -> bool:
    """Whether only what has been sent may be claimed yet."""
    policy = order.terms.payment
    if policy.capture_whole and order.fulfilment.totals.dispatched:
        return False
    return policy.capture is CaptureWhen.DISPATCH and has_open_slots(order)


def _dispatched(order: Order) -> Money:
    if not order.credits:
        return order.dispatched_value
    return dispatched_worth(order.priced, order.credits, order.fulfilment.dispatched)


def has_open_slots(order: Order) -> bool:
    """Whether units that need fulfilment are neither cancelled nor dispatched."""
    units = order.units
    return units.to_fulfil - units.cancelled_to_fulfil > order.fulfilment.totals.dispatched


def due_earlier(order: Order, debt: Money) -> Money:
    """What tenders that are not taken at dispatch were to pay, or somebody has paid by hand."""
    parts = shares(order.payment, debt)
    earlier = sum(
        parts[tender.id]
        for tender in order.payment.tenders
        if tender.kind in TAKEN_WHEN_DUE and not tender.is_deferred
    )
    book, recorded = order.payment.book, order.payment.recorded.values()
    paid = sum(-book.beside(one) if one.is_refund else book.beside(one) for one in recorded)
    return Money(max(earlier, paid, 0), debt.currency)


def _deferred(order: Order, debt: Money) -> Money:
    later = [tender.id for tender in order.payment.tenders if tender.is_deferred]
    if not later:
        return Money.zero(debt.currency)
    parts = planned(order.payment, debt)
    promised = sum(parts[tender].minor for tender in later)
    sums = [order.payment.book.of(tender) for tender in later]
    paid = sum(one.held - one.passed_on for one in sums)
    return Money(min(debt.minor, max(0, promised - max(0, paid))), debt.currency)


def tender_balances(order: Order) -> tuple[TenderBalance, ...]:
    """What each tender has taken and given back or passed on, in the order they paid."""
    found: list[TenderBalance] = []
    for tender in order.payment.tenders:
        sums = totals(order.payment, order.priced.currency, tender=tender.id)
        passed_on = order.payment.book.of(tender.id).passed_on
        found.append(
            TenderBalance(
                tender=tender.id,
                kind=tender.kind,
                captured=sums.captured,
                refunded=sums.refunded + Money(passed_on, order.priced.currency),
                in_flight=sums.refunds_in_flight,
                disputed=sums.disputes_open + sums.disputes_lost,
            )
        )
    return tuple(found)


def refund_plan(
    order: Order, amount: Money, *, by: TenderOrder | None = None
) -> tuple[tuple[TenderId, Money], ...]:
    """
    How *amount*, or what the tenders can still give of it, goes over the tenders.

    What the terms send somewhere else than to the tender that paid is no work for a gateway: it
    stays to be paid back until the host has done it and records it with `RecordRefund`.

    Source:
        RULES RF-5.
    """
    if not amount.is_positive:
        return ()
    tenders = tender_balances(order)
    possible = min(amount, sum_money([tender.room for tender in tenders], amount.currency))
    shares = destinations(possible, tenders, by or order.terms.refund.tenders)
    own = (share for share in shares if share.sent_to in {None, share.tender})
    return tuple((share.tender, share.amount) for share in own)


def payment_basis(
    order: Order, sums: Balance | None = None, *, has_stock: bool | None = None
) -> PaymentBasis:
    """What the payment room must know for its decisions; what is known already can be given."""
    known = sums or balance(order)
    customer = order.customer
    return PaymentBasis(
        order=order.id,
        currency=order.priced.currency,
        owed=known.owed,
        claimable=known.claimable,
        deferred=known.deferred,
        refund_plan=refund_plan(order, known.to_pay_back),
        is_ended=is_ended(order),
        has_open_units=has_open_slots(order),
        may_authorise=is_stock_ready(order) if has_stock is None else has_stock,
        may_capture=order.confirmed_at is not None and not order.is_blocked(Blocks.CAPTURE),
        may_refund=not order.is_blocked(Blocks.REFUND),
        party=(customer.party, customer.version) if customer is not None else None,
    )


def cover_missing(sums: Balance) -> Money:
    """
    How much of the debt neither held money, nor a live authorisation, nor a later day covers.

    An authorisation that is being let go covers nothing any more.
    """
    live = sums.held + sums.totals.firm - sums.totals.refunds_in_flight
    return sums.counted(sums.owed - sums.deferred - live)
