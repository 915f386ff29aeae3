"""
How to price: every choice is a value, frozen in the order (RULES P-3 to P-6, P-8).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from attrs import frozen

from ordercore.money import Money, Rounding, checked_quantity
from ordercore.pricing._fields import instance_of
from ordercore.pricing.values import InvalidPriceError

__all__ = [
    "STANDARD_PRICING",
    "DiscountRounding",
    "IncludedTax",
    "Percents",
    "PricingPolicy",
    "TaxBase",
    "TaxRounding",
]

MAX_LINES: Final = 20_000
MOST_LINES: Final = 100_000
"""What a host may raise the limit to: an amount is spread over at most so many lines."""


@unique
class Percents(StrEnum):
    """What a second percentage is taken of (RULES P-3)."""

    SEQUENTIAL = "sequential"
    """What the earlier discounts left: 10 % and 10 % are 19 %."""
    PARALLEL = "parallel"
    """The amount before the discounts of this level: 10 % and 10 % are 20 %."""


@unique
class DiscountRounding(StrEnum):
    """What is rounded when a percentage is taken off (RULES P-3)."""

    DISCOUNT = "discount"
    REMAINDER = "remainder"


@unique
class TaxRounding(StrEnum):
    """Where a tax becomes a whole number of minor units (RULES P-5)."""

    UNIT = "unit"
    """Once per unit, times the quantity; prices for several units are rounded per line."""
    LINE = "line"
    GROUP = "group"
    """Once per code, category, rate and mode over goods, shipping and charges (EN 16931)."""


@unique
class TaxBase(StrEnum):
    """What a tax is taken of (RULES P-4)."""

    AFTER_DISCOUNTS = "after_discounts"
    BEFORE_DISCOUNTS = "before_discounts"


@unique
class IncludedTax(StrEnum):
    """How several rates share what an amount contains (RULES P-6)."""

    EACH = "each"
    """Each rate is rounded by itself."""
    TOTAL = "total"
    """All of them are rounded together, and the sum is apportioned to the rates."""


@frozen(kw_only=True)
class PricingPolicy:
    """
    How an order was priced.

    Args:
        minimum_unit_price: Discounts do not take the price of a unit below it; what a line cannot
            take is given to the others. A line may state its own.
        max_lines: More lines are refused; at most 100,000.

    Raises:
        InvalidDraftError: A field is of another type.
        InvalidPriceError: A minimum price below zero.
        InvalidQuantityError: *max_lines* is no int of at least 1.
        LimitExceededError: *max_lines* is above 100,000.
    """

    price_rounding: Rounding = Rounding.HALF_UP
    discount_rounding: Rounding = Rounding.HALF_UP
    tax_rounding: Rounding = Rounding.HALF_UP
    percents: Percents = Percents.SEQUENTIAL
    rounds: DiscountRounding = DiscountRounding.DISCOUNT
    taxes_per: TaxRounding = TaxRounding.LINE
    tax_base: TaxBase = TaxBase.AFTER_DISCOUNTS
    included: IncludedTax = IncludedTax.EACH
    minimum_unit_price: Money | None = None
    max_lines: int = MAX_LINES

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        for mode in (self.price_rounding, self.discount_rounding, self.tax_rounding):
            instance_of(mode, Rounding, "rounding")
        instance_of(self.percents, Percents, "percents")
        instance_of(self.rounds, DiscountRounding, "rounds")
        instance_of(self.taxes_per, TaxRounding, "taxes_per")
        instance_of(self.tax_base, TaxBase, "tax_base")
        instance_of(self.included, IncludedTax, "included")
        checked_quantity(self.max_lines, "max_lines", most=MOST_LINES)
        if self.minimum_unit_price is not None:
            lowest = instance_of(self.minimum_unit_price, Money, "minimum_unit_price")
            if lowest.is_negative:
                raise InvalidPriceError("a unit", "the minimum must not be below zero")


STANDARD_PRICING: Final = PricingPolicy()
"""Half up, percents after one another, taxes per line: what most shops do."""
