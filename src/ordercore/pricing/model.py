"""
What is sold, before and after pricing: ``Draft`` may change freely, ``PricedOrder`` is frozen.

Every component of a `PricedOrder` is an exact amount; nothing is later recomputed from a rate
(RULES P-8). ``charged`` is the amount after all discounts: it contains the taxes where
``tax_included``, and they come on top of it where not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from attrs import field, frozen

from ordercore.ids import ItemId, LineId, Sku, checked_id
from ordercore.money import (
    Currency,
    CurrencyMismatchError,
    Money,
    checked_quantity,
    sum_money,
)
from ordercore.pricing._fields import charge_id, instant, item_id, line_id, sku
from ordercore.pricing.draft import Charge, Draft, DraftLine, KitComponent, QuantityRule
from ordercore.pricing.policy import STANDARD_PRICING, PricingPolicy
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.values import (
    ChargeKind,
    DuplicateLineError,
    InvalidPriceError,
    InvalidTaxError,
    LineKind,
    PriceOverride,
    Tax,
    TaxCategory,
    UnitPrice,
    UnknownLineError,
)

__all__ = [
    "Charge",
    "ChargeKind",
    "ChargeShare",
    "Draft",
    "DraftLine",
    "KitComponent",
    "LineKind",
    "PriceOverride",
    "PricedCharge",
    "PricedDiscount",
    "PricedLine",
    "PricedOrder",
    "PricedTax",
    "QuantityRule",
    "Tax",
    "TaxCategory",
    "UnitPrice",
]


@frozen(kw_only=True)
class PricedDiscount:
    """What one discount took off a line or charge: an amount of zero or more."""

    code: str
    amount: Money
    title: str = ""
    order_level: bool = False


@frozen(kw_only=True)
class PricedTax:
    """One tax of a line or charge: its amount, and all that a document must say about it."""

    code: str
    rate: Fraction
    amount: Money
    category: TaxCategory = TaxCategory.STANDARD
    title: str = ""
    jurisdiction: str = ""
    evidence: str | None = None
    verbatim: bool = False
    compound: bool = False
    valid_until: datetime | None = field(default=None, converter=instant)


@frozen(kw_only=True)
class PricedLine:
    """
    One line, priced: ``list_amount`` − discounts = ``charged``, and the taxes in or on top of it.

    A line is one block of slots for life. An increase of quantity or a change of price is a new
    line that ``extends`` this one (RULES M-7).

    Args:
        unit_price: The price that counts; where somebody overrode it, *override* says who and why,
            and *regular_price* what it would have been (RULES P-9).
        kit: The id of the kit that this line is a component of (RULES P-10).

    Raises:
        InvalidPriceError: The parts do not add up, or one of them is below zero.
        InvalidQuantityError: The quantity is no int of at least 1.
        InvalidTaxError: A tax code stands twice.
        CurrencyMismatchError: Two currencies.
    """

    id: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    sku: Sku = field(converter=sku)
    title: str = ""
    quantity: int
    unit_price: UnitPrice
    list_amount: Money
    discounts: tuple[PricedDiscount, ...] = ()
    charged: Money
    taxes: tuple[PricedTax, ...] = ()
    tax_included: bool = False
    kind: LineKind = LineKind.GOODS
    category: str = ""
    needs_fulfilment: bool = True
    tracks_stock: bool = True
    returnable: bool = True
    discountable: bool = True
    minimum_age: int | None = None
    weight_g: int = 0
    kit: str | None = None
    extends: LineId | None = None
    override: PriceOverride | None = None
    regular_price: UnitPrice | None = None

    def __attrs_post_init__(self) -> None:
        """Check that the parts add up."""
        checked_quantity(self.quantity)
        _check_parts(self)
        if self.charged.minor < 0 or any(tax.amount.minor < 0 for tax in self.taxes):
            raise InvalidPriceError(f"line {self.id}", "nothing of it may be below zero")

    @property
    def tax(self) -> Money:
        """The sum of the line's taxes."""
        return _tax(self)

    @property
    def net(self) -> Money:
        """The line without tax."""
        return self.charged - self.tax if self.tax_included else self.charged

    @property
    def gross(self) -> Money:
        """The line with tax: what the customer owes for it."""
        return self.charged if self.tax_included else self.charged + self.tax

    @property
    def slots(self) -> SlotSet:
        """All slots of the line."""
        return SlotSet.of(0, self.quantity)


@frozen(kw_only=True)
class ChargeShare:
    """The part of a charge that one line bears (RULES M-4); ``taxes`` in the charge's order."""

    line: LineId
    charged: Money
    taxes: tuple[Money, ...] = ()


@frozen(kw_only=True)
class PricedCharge:
    """
    Shipping or a surcharge, priced, and spread over the lines; the shares sum to it.

    Raises:
        InvalidPriceError: The parts or the shares do not add up.
        CurrencyMismatchError: Two currencies.
    """

    id: str = field(converter=charge_id)
    kind: ChargeKind = ChargeKind.SHIPPING
    title: str = ""
    list_amount: Money
    discounts: tuple[PricedDiscount, ...] = ()
    charged: Money
    taxes: tuple[PricedTax, ...] = ()
    tax_included: bool = False
    shares: tuple[ChargeShare, ...]

    def __attrs_post_init__(self) -> None:
        """Check that the parts and the shares add up."""
        _check_parts(self)
        _check_shares(self)

    @property
    def tax(self) -> Money:
        """The sum of the charge's taxes."""
        return _tax(self)

    @property
    def net(self) -> Money:
        """The charge without tax."""
        return self.charged - self.tax if self.tax_included else self.charged

    @property
    def gross(self) -> Money:
        """The charge with tax."""
        return self.charged if self.tax_included else self.charged + self.tax


@frozen(kw_only=True)
class PricedOrder:
    """
    Everything that is charged, exact and frozen; the only thing that can be placed.

    Args:
        policy: How it was priced (RULES P-8).

    Raises:
        DuplicateLineError: Two lines, or two charges, have one id.
        UnknownLineError: A charge is borne by a line that is not there.
        CurrencyMismatchError: A line or charge in another currency.
    """

    currency: Currency
    lines: tuple[PricedLine, ...]
    charges: tuple[PricedCharge, ...] = ()
    valid_until: datetime | None = field(default=None, converter=instant)
    policy: PricingPolicy = STANDARD_PRICING

    def __attrs_post_init__(self) -> None:
        """Check that all parts belong together."""
        for part in self.parts:
            if part.charged.currency is not self.currency:
                raise CurrencyMismatchError(self.currency.code, part.charged.currency.code)
        _check_unique([line.id for line in self.lines])
        _check_unique([charge.id for charge in self.charges])
        known = {line.id for line in self.lines} if self.charges else set[LineId]()
        for charge in self.charges:
            for share in charge.shares:
                if share.line not in known:
                    raise UnknownLineError(share.line)

    @property
    def parts(self) -> tuple[PricedLine | PricedCharge, ...]:
        """The lines, and then the charges."""
        return (*self.lines, *self.charges)

    @cached_property
    def by_id(self) -> Mapping[LineId, PricedLine]:
        """The lines by their ids."""
        return {line.id: line for line in self.lines}

    @cached_property
    def borne(self) -> Mapping[LineId, tuple[tuple[PricedCharge, ChargeShare], ...]]:
        """What each line bears of the charges; no entry where it bears none."""
        found: dict[LineId, list[tuple[PricedCharge, ChargeShare]]] = {}
        for charge in self.charges:
            for share in charge.shares:
                found.setdefault(share.line, []).append((charge, share))
        return {line: tuple(shares) for line, shares in found.items()}

    @cached_property
    def net(self) -> Money:
        """The sum of all nets."""
        return sum_money([part.net for part in self.parts], self.currency)

    @cached_property
    def tax(self) -> Money:
        """The sum of all taxes."""
        return sum_money([part.tax for part in self.parts], self.currency)

    @cached_property
    def total(self) -> Money:
        """The grand total: the sum of the printed parts (RULES P-7)."""
        return self.net + self.tax

    def line(self, line_id: LineId) -> PricedLine:
        """
        The line with this id, found at once.

        Raises:
            UnknownLineError: There is none.
            InvalidIdentifierError: It is no id at all.
        """
        found = self.by_id.get(line_id) if type(line_id) is str else None
        if found is None:
            raise UnknownLineError(checked_id(line_id, "line id"))
        return found


def _tax(part: PricedLine | PricedCharge) -> Money:
    if len(part.taxes) == 1:
        return part.taxes[0].amount
    return sum_money([tax.amount for tax in part.taxes], part.charged.currency)


def _check_parts(part: PricedLine | PricedCharge) -> None:
    """The list amount less the discounts is what is charged; all in one currency."""
    currency, left = part.charged.currency, part.list_amount.minor
    amounts = [part.list_amount, *[tax.amount for tax in part.taxes]]
    if len(part.taxes) > 1 and len({tax.code for tax in part.taxes}) < len(part.taxes):
        raise InvalidTaxError(part.taxes[0].code, "one thing has a tax code only once")
    for discount in part.discounts:
        if discount.amount.minor < 0:
            raise InvalidPriceError(part.id, "a discount must not be below zero")
        left -= discount.amount.minor
        amounts.append(discount.amount)
    for amount in amounts:
        if amount.currency is not currency:
            raise CurrencyMismatchError(currency.code, amount.currency.code)
    if left != part.charged.minor:
        raise InvalidPriceError(part.id, "list amount less discounts is not what is charged")


def _check_shares(charge: PricedCharge) -> None:
    """The shares sum to the charge, and their taxes to its taxes."""
    charged = 0
    taxes = [0] * len(charge.taxes)
    for share in charge.shares:
        if len(share.taxes) != len(taxes):
            raise InvalidPriceError(charge.id, "each share has one amount per tax")
        charged += share.charged.minor
        for place, tax in enumerate(share.taxes):
            taxes[place] += tax.minor
    if charged != charge.charged.minor or taxes != [tax.amount.minor for tax in charge.taxes]:
        raise InvalidPriceError(charge.id, "its shares do not sum to it")
    _check_unique([share.line for share in charge.shares])


def _check_unique(names: list[LineId] | list[str]) -> None:
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DuplicateLineError(name)
        seen.add(name)
