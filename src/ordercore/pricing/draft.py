"""
What a buyer wants to buy, before it is priced: a `Draft` may change freely (RULES O-1).

Import from `ordercore.pricing.model`, which is the door.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from ordercore.ids import ItemId, LineId
from ordercore.money import (
    Currency,
    CurrencyMismatchError,
    InvalidQuantityError,
    LimitExceededError,
    Money,
    checked_quantity,
)
from ordercore.pricing._draft_lines import (
    DraftLine,
    KitComponent,
    discounts_of,
    taxes_of_draft,
)
from ordercore.pricing._fields import (
    InvalidDraftError,
    charge_id,
    checked_flag,
    checked_text,
    instance_of,
    instant,
    item_id,
    tuple_of,
)
from ordercore.pricing.discounts import Discount, OrderDiscount
from ordercore.pricing.policy import STANDARD_PRICING, PricingPolicy
from ordercore.pricing.values import (
    ChargeKind,
    DuplicateLineError,
    InvalidPriceError,
    InvalidTaxError,
    Tax,
    UnknownLineError,
)

__all__ = ["Charge", "Draft", "DraftLine", "KitComponent", "QuantityRule"]


@frozen(kw_only=True)
class Charge:
    """
    Shipping or a surcharge; what the lines bear of it is frozen too (RULES P-2, M-7).

    Args:
        id: Unique among the charges of the draft.
        amount: With tax where *tax_included*; zero or more, but an adjustment may be negative.
        split_by_goods_rates: Taxed as the lines that bear it, each part at their rates (RULES
            P-4); then *taxes* are empty.
        lines: Which lines bear it, in proportion to what is charged for them. When not given:
            shipping by the lines that are shipped, if any are, and else by all.

    Raises:
        InvalidPriceError: Below zero, or a discount on an adjustment.
        InvalidTaxError: Taxes of its own beside the goods' rates.
        InvalidDraftError: A field is of another type.
    """

    id: str = field(converter=charge_id)
    kind: ChargeKind = ChargeKind.SHIPPING
    title: str = ""
    amount: Money
    discounts: tuple[Discount, ...] = field(default=(), converter=discounts_of)
    taxes: tuple[Tax, ...] = field(default=(), converter=taxes_of_draft)
    tax_included: bool = False
    split_by_goods_rates: bool = False
    lines: tuple[LineId, ...] | None = None

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        instance_of(self.kind, ChargeKind, "kind")
        checked_text(self.title, "title")
        instance_of(self.amount, Money, "amount")
        checked_flag(self.tax_included, "tax_included")
        checked_flag(self.split_by_goods_rates, "split_by_goods_rates")
        if self.kind is ChargeKind.ADJUSTMENT:
            if self.discounts:
                raise InvalidPriceError(self.id, "an adjustment is stated as it is, not discounted")
        elif self.amount.is_negative:
            raise InvalidPriceError(self.id, "it must not be below zero")
        if self.split_by_goods_rates and self.taxes:
            raise InvalidTaxError(self.taxes[0].code, "the charge is taxed at the goods' rates")
        if self.lines is not None and not tuple_of(self.lines, str, "lines"):
            raise InvalidDraftError("lines", "name at least one, or leave it out for all")


@frozen(kw_only=True)
class QuantityRule:
    """
    How many of an item one order may have, over all its lines (RULES P-9).

    Args:
        least: At least so many, if there is any of it.
        most: At most so many, those in kits too.
        step: A multiple of so many.
    """

    item: ItemId = field(converter=item_id)
    least: int = 1
    most: int | None = None
    step: int = 1

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        checked_quantity(self.least, "least")
        checked_quantity(self.step, "step")
        if self.most is not None and checked_quantity(self.most, "most") < self.least:
            raise InvalidQuantityError("most", "it must not be below the least")


def _lines(value: Sequence[DraftLine]) -> tuple[DraftLine, ...]:
    return tuple_of(value, DraftLine, "lines")


def _order_discounts(value: Sequence[OrderDiscount]) -> tuple[OrderDiscount, ...]:
    return tuple_of(value, OrderDiscount, "discounts")


def _charges(value: Sequence[Charge]) -> tuple[Charge, ...]:
    return tuple_of(value, Charge, "charges")


def _rules(value: Sequence[QuantityRule]) -> tuple[QuantityRule, ...]:
    return tuple_of(value, QuantityRule, "quantity rules")


MOST_SHARES: Final = 100_000
"""How many lines, times the discounts of the whole order that each may have a share of."""


@frozen(kw_only=True)
class Draft:
    """
    Everything that a price depends on.

    Args:
        lines: At least one, at most as many as the policy says.
        discounts: Taken off the lines together, in this order, after the lines' own.
        charges: Shipping and surcharges. A down payment is none, it is a payment term.
        valid_until: The draft serves as a quotation until then.

    Raises:
        InvalidDraftError: No line, or a field is of another type.
        LimitExceededError: More lines than the policy allows, or more than `MOST_SHARES` shares
            of discounts in lines.
        DuplicateLineError: Two lines, or two charges, have one id.
        UnknownLineError: A discount or charge names a line that is not there.
        CurrencyMismatchError: An amount in another currency.
        InvalidTaxError: One tax code stands for two rates or categories.
    """

    currency: Currency
    lines: tuple[DraftLine, ...] = field(converter=_lines)
    discounts: tuple[OrderDiscount, ...] = field(default=(), converter=_order_discounts)
    charges: tuple[Charge, ...] = field(default=(), converter=_charges)
    policy: PricingPolicy = STANDARD_PRICING
    quantity_rules: tuple[QuantityRule, ...] = field(default=(), converter=_rules)
    valid_until: datetime | None = field(default=None, converter=instant)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        instance_of(self.currency, Currency, "currency")
        instance_of(self.policy, PricingPolicy, "policy")
        if not self.lines:
            raise InvalidDraftError("the draft", "it has no line")
        if len(self.lines) > self.policy.max_lines:
            raise LimitExceededError("lines", self.policy.max_lines, len(self.lines))
        shares = len(self.lines) * len(self.discounts)
        if shares > MOST_SHARES:
            raise LimitExceededError("lines times order discounts", MOST_SHARES, shares)
        _check_names(self)
        _check_amounts(self)
        _check_tax_codes(self)


def _check_names(draft: Draft) -> None:
    """Line ids and charge ids are unique; whoever names a line names one that exists."""
    known: set[str] = set()
    parts: set[str] = set()
    for line in draft.lines:
        _add(line.id, known)
        for component in line.components:
            _add(component.id, parts)
    for part in parts:
        _add(part, known)
    if len(known) > draft.policy.max_lines:
        raise LimitExceededError("lines", draft.policy.max_lines, len(known))
    charges: set[str] = set()
    for charge in draft.charges:
        _add(charge.id, charges)
    wanted = [discount.lines for discount in draft.discounts]
    wanted += [charge.lines for charge in draft.charges]
    for lines in wanted:
        if lines is not None and not known.issuperset(lines):
            raise UnknownLineError(next(name for name in lines if name not in known))


def _add(name: str, known: set[str]) -> None:
    if name in known:
        raise DuplicateLineError(name)
    known.add(name)


def _check_amounts(draft: Draft) -> None:
    """All amounts are in the currency of the draft."""
    for line in draft.lines:
        _check(line.unit_price.amount, draft.currency)
        if line.override is not None:
            _check(line.override.price.amount, draft.currency)
        if line.minimum_unit_price is not None:
            _check(line.minimum_unit_price.amount, draft.currency)
    for charge in draft.charges:
        _check(charge.amount, draft.currency)
    for discount in draft.discounts:
        if discount.minimum_spend is not None:
            _check(discount.minimum_spend, draft.currency)
    if draft.policy.minimum_unit_price is not None:
        _check(draft.policy.minimum_unit_price, draft.currency)


def _check(amount: Money, currency: Currency) -> None:
    if amount.currency is not currency:
        raise CurrencyMismatchError(currency.code, amount.currency.code)


def _check_tax_codes(draft: Draft) -> None:
    """One code, one rate and one category; so that the code alone names a tax everywhere."""
    seen: dict[str, Tax] = {}
    sets: set[int] = set()
    for taxes in _tax_sets(draft):
        if id(taxes) in sets:
            continue
        sets.add(id(taxes))
        for tax in taxes:
            first = seen.setdefault(tax.code, tax)
            if first is not tax and (first.rate, first.category) != (tax.rate, tax.category):
                raise InvalidTaxError(tax.code, "it stands for two rates; give each its own code")
            if tax.amount is not None:
                _check(tax.amount, draft.currency)


def _tax_sets(draft: Draft) -> list[tuple[Tax, ...]]:
    found = [line.taxes for line in draft.lines]
    found += [charge.taxes for charge in draft.charges]
    found += [part.taxes for line in draft.lines for part in line.components if part.taxes]
    return found
