"""
The small words of pricing: kinds, unit prices, taxes, and what can be wrong with them.

Import from `ordercore.pricing.model`, which is the door.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique
from fractions import Fraction
from typing import Final

from attrs import define, field, frozen

from ordercore.errors import InvalidValueError, NotFoundError, RefusedError
from ordercore.ids import Actor
from ordercore.money import Money, checked_quantity
from ordercore.pricing._fields import (
    InvalidDraftError,
    actor,
    actor_or_none,
    checked_flag,
    checked_text,
    code,
    instance_of,
    instant,
)

__all__ = [
    "ChargeKind",
    "DiscountExceedsLineError",
    "DuplicateLineError",
    "EvidenceExpiredError",
    "InvalidDraftError",
    "InvalidPriceError",
    "InvalidTaxError",
    "LineKind",
    "NegativeTotalError",
    "PriceChangedError",
    "PriceOverride",
    "QuantityRuleError",
    "QuotationExpiredError",
    "Tax",
    "TaxCategory",
    "UnitPrice",
    "UnknownLineError",
]

MOST_UNITS_PER_PRICE: Final = 10**12
HIGHEST_RATE: Final = 10
"""A tax of more than a thousand percent is a mistake."""
LONGEST_RATE: Final = 10**18
"""The largest denominator of a rate: eighteen decimal places."""


@define
class InvalidPriceError(InvalidValueError):
    """A price, discount or stated amount makes no sense."""

    sentence = "The price of {name} cannot be used: {problem}."
    name: str
    problem: str


@define
class InvalidTaxError(InvalidValueError):
    """A tax makes no sense by itself, or not on this thing."""

    sentence = "The tax {tax} cannot be used: {problem}."
    tax: str
    problem: str


@define
class DuplicateLineError(InvalidValueError):
    """Two lines or charges have one id."""

    sentence = "The id {line} stands twice; give each line and charge its own."
    line: str


@define
class DiscountExceedsLineError(InvalidValueError):
    """A discount from outside is larger than what it is taken off."""

    sentence = "The discount {discount} takes {amount} off {line}, where {left} is left."
    discount: str
    line: str
    amount: Money
    left: Money


@define
class NegativeTotalError(InvalidValueError):
    """The adjustments are larger than the order."""

    sentence = "The total would be {total_minor} minor units; it must not be below zero."
    total_minor: int


@define
class UnknownLineError(NotFoundError):
    """The order has no such line."""

    sentence = "There is no line {line} in this order."
    line: str


@define
class PriceChangedError(RefusedError):
    """The buyer was shown another price (RULES P-9)."""

    sentence = "The price of line {line} is not the one that was shown; show it again."
    line: str


@define
class QuantityRuleError(RefusedError):
    """The quantity of an item breaks the shop's rule for it (RULES P-9)."""

    sentence = "{quantity} of {item} cannot be ordered: {problem}."
    item: str
    quantity: int
    problem: str


@define
class QuotationExpiredError(RefusedError):
    """The prices were promised until a moment that has passed (RULES O-1)."""

    sentence = "These prices were valid until {valid_until}; price the order again."
    valid_until: datetime


@define
class EvidenceExpiredError(RefusedError):
    """The certificate behind a tax exemption is no longer valid (RULES P-4)."""

    sentence = "The evidence for tax {tax} was valid until {valid_until}; price the order again."
    tax: str
    valid_until: datetime


@unique
class LineKind(StrEnum):
    """What a line sells (RULES P-1)."""

    GOODS = "goods"
    DIGITAL = "digital"
    SERVICE = "service"
    GIFT_CARD = "gift_card"
    DEPOSIT = "deposit"


@unique
class ChargeKind(StrEnum):
    """What is charged for besides the goods (RULES P-2)."""

    SHIPPING = "shipping"
    FEE = "fee"
    GIFT_WRAP = "gift_wrap"
    TIP = "tip"
    DUTY = "duty"
    ADJUSTMENT = "adjustment"
    """A stated difference to somebody else's total; the only kind that may be negative."""


@unique
class TaxCategory(StrEnum):
    """How a thing is taxed; the codes of EN 16931 (UNCL 5305)."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUT_OF_SCOPE = "O"


@frozen
class UnitPrice:
    """
    A price for *per* units; finer than a minor unit where ``per > 1`` (RULES P-1).

    Args:
        amount: Zero or more.
        per: How many units have this price: 1,000 for a price per kilogram of goods in grams.

    Raises:
        InvalidPriceError: The amount is no money, or below zero.
        InvalidQuantityError: *per* is no int of at least 1.
    """

    amount: Money
    per: int = 1

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if type(self.amount) is not Money:
            kind = type(self.amount).__name__
            raise InvalidPriceError("a unit", f"it must be Money, not {kind}")
        if self.amount.minor < 0:
            raise InvalidPriceError("a unit", "it must not be below zero")
        if type(self.per) is not int or self.per != 1:
            checked_quantity(self.per, "units per price", most=MOST_UNITS_PER_PRICE)


@frozen(kw_only=True)
class PriceOverride:
    """
    Another price than the shop's own, with who gave it and why (RULES P-9).

    Raises:
        InvalidDraftError: There is no reason.
    """

    price: UnitPrice
    actor: Actor = field(converter=actor)
    reason: str
    approver: Actor | None = field(default=None, converter=actor_or_none)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        instance_of(self.price, UnitPrice, "price")
        if not checked_text(self.reason, "reason").strip():
            raise InvalidDraftError("a price override", "it needs a reason")


@frozen(kw_only=True, cache_hash=True)
class Tax:
    """
    A tax that applies to a line or charge.

    Args:
        code: The tax's own name; within a draft it stands for one rate and one category.
        rate: A fraction of the base (``Fraction(19, 100)``), 0 to 10.
        compound: Computed on the base plus the taxes before it.
        evidence: The certificate behind an exemption; *valid_until* is its end.
        amount: A tax line from outside: kept verbatim, never computed anew (RULES P-6).

    Raises:
        InvalidTaxError: The rate is no fraction or outside its bounds; a rate or an amount where
            the category has none.
    """

    code: str = field(converter=code)
    rate: Fraction = Fraction(0)
    category: TaxCategory = TaxCategory.STANDARD
    compound: bool = False
    title: str = ""
    jurisdiction: str = ""
    evidence: str | None = None
    valid_until: datetime | None = field(default=None, converter=instant)
    amount: Money | None = None

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        _check_rate(self.code, self.rate)
        instance_of(self.category, TaxCategory, "tax category")
        checked_flag(self.compound, "compound")
        for name, text in (("title", self.title), ("jurisdiction", self.jurisdiction)):
            checked_text(text, name)
        if self.evidence is not None:
            checked_text(self.evidence, "evidence")
        if self.amount is not None and type(self.amount) is not Money:
            raise InvalidTaxError(self.code, "its amount must be Money")
        if self.category is not TaxCategory.STANDARD and (self.rate or self.amount):
            raise InvalidTaxError(self.code, f"category {self.category.value} has no tax")


def _check_rate(code: str, rate: object) -> None:
    if type(rate) is not Fraction:
        problem = "its rate must be a Fraction such as Fraction(19, 100)"
        raise InvalidTaxError(code, f"{problem}, not {type(rate).__name__}")
    if not 0 <= rate <= HIGHEST_RATE:
        problem = f"its rate must lie in 0..{HIGHEST_RATE}, such as Fraction(19, 100) for 19 %"
        raise InvalidTaxError(code, problem)
    if rate.denominator > LONGEST_RATE:
        raise InvalidTaxError(code, "its rate has more than 18 decimal places")
