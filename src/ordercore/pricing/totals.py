"""
From a draft to a priced order: discounts, charges, taxes, and who bears what.

The order of work is RULES P-2: line discounts, order discounts on what these left, shipping and
surcharges with their own discounts, and tax on all of them. All arithmetic is on integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ordercore.moment import utc
from ordercore.money import Currency, Money
from ordercore.pricing._charges import Spread, priced_charge, spread_charges
from ordercore.pricing._fields import instance_of, within_limits
from ordercore.pricing._lots import (
    Lot,
    check_quantities,
    discount_lines,
    discount_order,
    open_lots,
    priced_tax,
)
from ordercore.pricing.draft import Draft
from ordercore.pricing.model import PricedCharge, PricedLine, PricedOrder, UnitPrice
from ordercore.pricing.policy import TaxBase
from ordercore.pricing.taxes import Taxable, taxes_of
from ordercore.pricing.values import (
    EvidenceExpiredError,
    NegativeTotalError,
    QuotationExpiredError,
)

__all__ = ["check_still_valid", "price"]


def price(draft: Draft) -> PricedOrder:
    """
    The draft with every amount exact and frozen; linear in its lines.

    Raises:
        QuantityRuleError: Too few or too many of an item, or no multiple of its step.
        DiscountExceedsLineError: A verbatim discount takes more than there is.
        NegativeAmountError: A discount says an amount below zero.
        InvalidTaxError: Stated taxes are more than the amount that contains them.
        NegativeTotalError: An adjustment takes the total below zero.
        LimitExceededError: An amount beyond 64 bits.

    Source:
        RULES P-2 to P-10; the policy of the draft decides what P-3 to P-6 leave open.

    >>> from fractions import Fraction
    >>> from ordercore.ids import ItemId, LineId, Sku
    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.model import DraftLine, Tax
    >>> tea = DraftLine(
    ...     id=LineId("1"),
    ...     item=ItemId("tea"),
    ...     sku=Sku("TEA"),
    ...     quantity=2,
    ...     unit_price=Money(1970, EUR),
    ...     taxes=(Tax(code="VAT", rate=Fraction(20, 100)),),
    ...     tax_included=True,
    ... )
    >>> priced = price(Draft(currency=EUR, lines=(tea,)))
    >>> str(priced.total), str(priced.tax), str(priced.net)
    ('39.40 EUR', '6.57 EUR', '32.83 EUR')
    """
    instance_of(draft, Draft, "the draft")
    check_quantities(draft)
    by_line = open_lots(draft)
    discount_lines(by_line, draft)
    discount_order(by_line, draft)
    lots = [lot for own in by_line.values() for lot in own]
    spreads = spread_charges(draft, by_line)
    lines, charges = _taxed(lots, spreads, draft)
    _check_total(lines, charges, draft.currency)
    return PricedOrder(
        currency=draft.currency,
        lines=lines,
        charges=charges,
        valid_until=draft.valid_until,
        policy=draft.policy,
    )


def check_still_valid(priced: PricedOrder, now: datetime) -> None:
    """
    Refuse prices that were promised until a moment before *now*.

    Raises:
        QuotationExpiredError: The quotation has expired (RULES O-1).
        EvidenceExpiredError: The certificate behind a tax exemption has expired (RULES P-4).
        NaiveDatetimeError: *now* has no time zone.
        InvalidDraftError: No priced order.
    """
    instance_of(priced, PricedOrder, "the priced order")
    now = utc(now)
    if priced.valid_until is not None and now > priced.valid_until:
        raise QuotationExpiredError(priced.valid_until)
    for part in priced.parts:
        for tax in part.taxes:
            if tax.valid_until is not None and now > tax.valid_until:
                raise EvidenceExpiredError(tax.code, tax.valid_until)


def _taxed(
    lots: Sequence[Lot], spreads: Sequence[Spread], draft: Draft
) -> tuple[tuple[PricedLine, ...], tuple[PricedCharge, ...]]:
    """Tax everything at once, so that a group spans goods, shipping and charges (RULES P-5)."""
    before = draft.policy.tax_base is TaxBase.BEFORE_DISCOUNTS
    things = [_taxable(lot, before=before) for lot in lots]
    for spread in spreads:
        things += spread.taxables()
    amounts = taxes_of(things, draft.policy)
    lines = tuple(
        [_priced_line(lot, own, draft.currency) for lot, own in zip(lots, amounts, strict=False)]
    )
    charges: list[PricedCharge] = []
    place = len(lots)
    for spread in spreads:
        upto = place + len(spread.parts)
        charges.append(priced_charge(spread, amounts[place:upto], draft.currency))
        place = upto
    return lines, tuple(charges)


def _taxable(lot: Lot, *, before: bool) -> Taxable:
    """What is taxed of a line; prices for several units at once are not taxed per unit."""
    return Taxable(
        base=lot.listed if before else lot.left,
        charged=lot.left,
        units=lot.quantity if lot.part is None and lot.line.price.per == 1 else 1,
        taxes=lot.taxes,
        included=lot.line.tax_included,
    )


def _priced_line(lot: Lot, taxes: Sequence[int], currency: Currency) -> PricedLine:
    goods, line = lot.goods, lot.line
    listed = Money(lot.listed, currency)
    is_part = lot.part is not None
    return PricedLine(
        id=goods.id,
        item=goods.item,
        sku=goods.sku,
        title=goods.title,
        quantity=lot.quantity,
        unit_price=UnitPrice(listed, lot.quantity) if is_part else line.price,
        list_amount=listed,
        discounts=tuple(lot.discounts),
        charged=Money(lot.left, currency),
        taxes=tuple(
            [priced_tax(tax, minor, currency) for tax, minor in zip(lot.taxes, taxes, strict=True)]
        ),
        tax_included=line.tax_included,
        kind=goods.kind,
        category=goods.category,
        needs_fulfilment=goods.needs_fulfilment,
        tracks_stock=goods.tracks_stock,
        returnable=goods.returnable,
        discountable=line.discountable,
        minimum_age=goods.minimum_age,
        weight_g=goods.weight_g,
        kit=line.id if is_part else None,
        extends=line.extends,
        override=line.override,
        regular_price=None if line.override is None else line.unit_price,
    )


def _check_total(
    lines: Sequence[PricedLine], charges: Sequence[PricedCharge], currency: Currency
) -> None:
    """Refuse a total below zero or beyond 64 bits."""
    parts: list[PricedLine | PricedCharge] = [*lines, *charges]
    total = sum(part.charged.minor for part in parts)
    for part in parts:
        if not part.tax_included:
            total += sum(tax.amount.minor for tax in part.taxes)
    if total < 0:
        raise NegativeTotalError(total)
    within_limits(total, currency)
