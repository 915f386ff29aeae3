"""
Hypothesis strategies for host applications: amounts, drafts, priced orders, tenders and terms.

Everything that they draw is valid: a draft can be priced, tenders can pay it, terms fit the
gateway. Simple values come first, so that failing examples shrink to what a person would write.

Raises:
    LibraryMissingError: Hypothesis is not installed; nothing else of the library needs it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from attrs import evolve

from ordercore.ids import ItemId, LineId, OrderId, Sku, TenderId
from ordercore.inventory.reserve import BackorderRule
from ordercore.moment import Period
from ordercore.money import BHD, EUR, GBP, JPY, USD, Currency, Money, apportion
from ordercore.order.commands import Place
from ordercore.order.terms import InvoiceWhen, Terms
from ordercore.payment.model import DueWhen, Tender, TenderKind
from ordercore.payment.policy import Capabilities, CaptureWhen, PaymentPolicy
from ordercore.pricing.discounts import AmountOff, OrderDiscount, PercentOff
from ordercore.pricing.model import (
    Charge,
    ChargeKind,
    Draft,
    DraftLine,
    LineKind,
    PricedOrder,
    Tax,
    UnitPrice,
)
from ordercore.pricing.policy import PricingPolicy, TaxRounding
from ordercore.pricing.totals import price
from ordercore.testing._missing import LibraryMissingError

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise LibraryMissingError("strategies", "hypothesis") from error

__all__ = [
    "capabilities",
    "currencies",
    "drafts",
    "instants",
    "money",
    "placements",
    "priced_orders",
    "tenders",
    "terms",
]

_COMMON: Final = (EUR, USD, GBP, JPY, BHD)
_RATES: Final = tuple(Fraction(rate) for rate in ("0.2", "0.19", "0.07", "0.055", "0.08875"))
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = 3 * 366 * 24 * 3600
_THROUGH_GATEWAY: Final = (TenderKind.CARD, TenderKind.WALLET, TenderKind.GIFT_CARD)
_ALONE: Final = (TenderKind.CARD, TenderKind.BANK_TRANSFER, TenderKind.CASH_ON_DELIVERY)
_MOST_MINOR: Final = 1_000_000


def currencies() -> st.SearchStrategy[Currency]:
    """Currencies with two digits after the point, then with none, then with three."""
    return st.sampled_from(_COMMON)


def instants() -> st.SearchStrategy[datetime]:
    """Whole seconds of three years, in UTC; a leap day is among them."""
    return st.integers(0, _LAST_SECOND).map(lambda seconds: _START + timedelta(seconds=seconds))


@st.composite
def money(
    draw: st.DrawFn,
    *,
    currency: Currency | None = None,
    least: int = 0,
    most: int = _MOST_MINOR,
) -> Money:
    """Amounts of *least* to *most* minor units, of one currency or of several."""
    minor = draw(st.integers(least, most))
    return Money(minor, currency or draw(currencies()))


@st.composite
def _tax_sets(draw: st.DrawFn) -> tuple[Tax, ...]:
    """No tax, one, or two of which the second may be compound."""
    found: list[Tax] = []
    for rate in draw(st.lists(st.sampled_from(_RATES), max_size=2, unique=True)):
        compound = bool(found) and draw(st.booleans())
        name = f"{'C' if compound else 'T'}-{rate.numerator}-{rate.denominator}"
        found.append(Tax(code=name, rate=rate, compound=compound))
    return tuple(found)


@st.composite
def _draft_lines(draw: st.DrawFn, number: int, currency: Currency) -> DraftLine:
    kind = draw(st.sampled_from([LineKind.GOODS, LineKind.GOODS, LineKind.SERVICE]))
    unit = Money(draw(st.integers(0, _MOST_MINOR)), currency)
    found: list[AmountOff | PercentOff] = []
    if draw(st.booleans()):
        found.append(PercentOff(code="PERCENT", rate=draw(st.sampled_from(_RATES))))
    return DraftLine(
        id=LineId(str(number)),
        item=ItemId(f"item-{number}"),
        sku=Sku(f"SKU-{number}"),
        kind=kind,
        quantity=draw(st.integers(1, 20)),
        unit_price=UnitPrice(unit, draw(st.sampled_from([1, 1, 1, 100]))),
        taxes=draw(_tax_sets()),
        tax_included=draw(st.booleans()),
        discounts=tuple(found),
    )


@st.composite
def _charges(draw: st.DrawFn, currency: Currency) -> tuple[Charge, ...]:
    if not draw(st.booleans()):
        return ()
    amount = Money(draw(st.integers(0, 2000)), currency)
    shipping = Charge(id="shipping", kind=ChargeKind.SHIPPING, amount=amount)
    if draw(st.booleans()):
        return (evolve(shipping, split_by_goods_rates=True),)
    return (evolve(shipping, taxes=draw(_tax_sets()), tax_included=draw(st.booleans())),)


@st.composite
def drafts(draw: st.DrawFn, *, currency: Currency | None = None, most_lines: int = 4) -> Draft:
    """
    Drafts of one to *most_lines* lines: goods and services, discounts, taxes, shipping.

    Each can be priced.
    """
    of = currency or draw(currencies())
    count = draw(st.integers(1, most_lines))
    lines = tuple(draw(_draft_lines(number, of)) for number in range(1, count + 1))
    discounts: tuple[OrderDiscount, ...] = ()
    if draw(st.booleans()):
        off = AmountOff(code="COUPON", amount=Money(draw(st.integers(0, 5000)), of))
        discounts = (OrderDiscount(discount=off),)
    return Draft(
        currency=of,
        lines=lines,
        discounts=discounts,
        charges=draw(_charges(of)),
        policy=PricingPolicy(taxes_per=draw(st.sampled_from(TaxRounding))),
    )


def priced_orders(
    *, currency: Currency | None = None, most_lines: int = 4
) -> st.SearchStrategy[PricedOrder]:
    """Priced orders, from `drafts`."""
    return drafts(currency=currency, most_lines=most_lines).map(price)


@st.composite
def tenders(draw: st.DrawFn, total: Money) -> tuple[Tender, ...]:
    """
    One to three tenders that can pay *total* together; the last one pays what the others leave.

    A total of zero needs none. One alone may be paid later: on delivery, or by transfer.
    """
    if not total.is_positive:
        return ()
    count = draw(st.integers(1, min(3, total.minor)))
    if count == 1:
        kind = draw(st.sampled_from(_ALONE))
        due = DueWhen.DELIVERY if kind is TenderKind.CASH_ON_DELIVERY else DueWhen.PLACEMENT
        return (Tender(id=TenderId("1"), kind=kind, due=due),)
    weights = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    one = Money(1, total.currency)
    parts = [part + one for part in apportion(total - one * count, weights)[:-1]]
    fixed = [
        Tender(
            id=TenderId(str(place)),
            kind=draw(st.sampled_from(_THROUGH_GATEWAY)),
            amount=part,
            instrument=f"tok-{place}",
        )
        for place, part in enumerate(parts, start=1)
    ]
    return (*fixed, Tender(id=TenderId(str(len(fixed) + 1)), instrument="tok-rest"))


@st.composite
def capabilities(draw: st.DrawFn) -> Capabilities:
    """What gateways declare; the simplest can do most."""
    return Capabilities(
        partial_capture=draw(st.sampled_from([True, False])),
        multiple_capture=draw(st.sampled_from([True, False])),
        partial_void=draw(st.booleans()),
        look_up=draw(st.sampled_from([True, False])),
        over_capture=draw(st.sampled_from([Fraction(0), Fraction(15, 100)])),
        refund_before_settlement=draw(st.sampled_from([True, False])),
        key_lifetime=draw(st.sampled_from([timedelta(days=1), timedelta(days=30)])),
        authorisation_lifetime=draw(st.sampled_from([timedelta(days=7), timedelta(days=1)])),
    )


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Terms that fit together: keys outlive the patience of the engine."""
    policy = PaymentPolicy(
        capture=draw(st.sampled_from([CaptureWhen.DISPATCH, CaptureWhen.PLACEMENT])),
        soft_retries=draw(st.integers(0, 3)),
        send_window=draw(st.sampled_from([timedelta(minutes=15), timedelta(minutes=1)])),
    )
    return Terms(
        capabilities=draw(capabilities()),
        payment=policy,
        backorder=draw(st.sampled_from(BackorderRule)),
        invoice=draw(st.sampled_from(InvoiceWhen)),
        confirm_within=Period(days=draw(st.integers(1, 30))),
        ship_before_paid=draw(st.booleans()),
        tolerance=draw(st.integers(0, 5)),
    )


@st.composite
def placements(draw: st.DrawFn, *, currency: Currency | None = None) -> Place:
    """Requests to place an order: priced, with tenders that can pay it and terms."""
    priced = draw(priced_orders(currency=currency))
    return Place(
        order=OrderId(f"order-{draw(st.integers(1, 999))}"),
        priced=priced,
        terms=draw(terms()),
        tenders=draw(tenders(priced.total)),
    )
