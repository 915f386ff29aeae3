"""
The lines of a draft, and the components of kits; behind `ordercore.pricing.draft`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from ordercore.ids import ItemId, LineId, Sku
from ordercore.money import Money, checked_quantity
from ordercore.pricing._fields import (
    InvalidDraftError,
    checked_flag,
    checked_text,
    instance_of,
    item_id,
    line_id,
    line_id_or_none,
    sku,
    tuple_of,
)
from ordercore.pricing.discounts import Discount
from ordercore.pricing.values import (
    InvalidTaxError,
    LineKind,
    PriceChangedError,
    PriceOverride,
    Tax,
    UnitPrice,
)

__all__ = ["DraftLine", "KitComponent", "discounts_of", "taxes_of_draft"]

OLDEST: Final = 150


def _unit_price(value: UnitPrice | Money) -> UnitPrice:
    if isinstance(value, Money):
        return UnitPrice(value)
    return instance_of(value, UnitPrice, "price", hint="Money or UnitPrice, as in Money(1099, EUR)")


def _unit_price_or_none(value: UnitPrice | Money | None) -> UnitPrice | None:
    return None if value is None else _unit_price(value)


def discounts_of(value: Sequence[Discount]) -> tuple[Discount, ...]:
    return tuple_of(value, Discount, "discounts")


def taxes_of_draft(value: Sequence[Tax]) -> tuple[Tax, ...]:
    taxes = tuple_of(value, Tax, "taxes")
    if len(taxes) > 1 and len({tax.code for tax in taxes}) < len(taxes):
        raise InvalidTaxError(taxes[0].code, "one thing has a tax code only once")
    return taxes


def _taxes_or_none(value: Sequence[Tax] | None) -> tuple[Tax, ...] | None:
    return None if value is None else taxes_of_draft(value)


@frozen(kw_only=True)
class _Goods:
    """What lines and components of kits have in common."""

    id: LineId = field(converter=line_id)
    item: ItemId = field(converter=item_id)
    sku: Sku = field(converter=sku)
    title: str = ""
    quantity: int = 1
    kind: LineKind = LineKind.GOODS
    category: str = ""
    needs_fulfilment: bool = True
    tracks_stock: bool = True
    returnable: bool = True
    minimum_age: int | None = None
    weight_g: int = 0

    def check_goods(self) -> None:
        """Check what they have in common."""
        checked_quantity(self.quantity)
        instance_of(self.kind, LineKind, "kind")
        checked_text(self.title, "title")
        checked_text(self.category, "category")
        flags = (self.needs_fulfilment, self.tracks_stock, self.returnable)
        if not all(type(flag) is bool for flag in flags):
            raise InvalidDraftError(f"line {self.id}", "its flags must be true or false")
        if self.minimum_age is not None:
            checked_quantity(self.minimum_age, "minimum age", least=0, most=OLDEST)
        if type(self.weight_g) is not int or self.weight_g != 0:
            checked_quantity(self.weight_g, "weight_g", least=0)


@frozen(kw_only=True)
class KitComponent(_Goods):
    """
    A part of a kit, priced and taxed as a line of its own (RULES P-10).

    Args:
        id: The id of the line that it becomes; unique in the draft.
        quantity: How many of it are in one kit.
        value: Its weight in the kit's price, for all its units in one kit: what they cost singly,
            in minor units.
        taxes: Its own taxes; those of the kit when not given.
    """

    value: int
    taxes: tuple[Tax, ...] | None = field(default=None, converter=_taxes_or_none)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        self.check_goods()
        checked_quantity(self.value, "value", least=0)
        if self.kind is LineKind.GIFT_CARD:
            raise InvalidDraftError(f"line {self.id}", "a gift card is sold by itself")


def _components(value: Sequence[KitComponent]) -> tuple[KitComponent, ...]:
    return tuple_of(value, KitComponent, "components")


@frozen(kw_only=True)
class DraftLine(_Goods):
    """
    One thing that somebody wants, in some quantity of its stock-keeping unit.

    Args:
        id: Unique in the draft.
        unit_price: The shop's price, with tax where *tax_included*. Plain `Money` is the price of
            one unit.
        discounts: Taken off this line, in this order, before those of the order.
        discountable: False keeps all discounts away that are no verbatim ones.
        minimum_unit_price: Discounts do not go below it; the policy's when not given.
        claimed_price: What the buyer's client says it has shown; refused if it is another one.
        override: Another price instead, with actor and reason (RULES P-9).
        components: Of a kit: each becomes a line of its own (RULES P-10).
        extends: The line of a placed order that these units add to.

    Raises:
        InvalidQuantityError: The quantity is no int of at least 1.
        InvalidPriceError: A price is below zero.
        InvalidTaxError: A tax on a gift card, which is a liability (RULES P-1).
        InvalidDraftError: A field is of another type; a discount on what cannot be discounted.
        PriceChangedError: The claimed price is not the shop's, and there is no override.
    """

    unit_price: UnitPrice = field(converter=_unit_price)
    discounts: tuple[Discount, ...] = field(default=(), converter=discounts_of)
    taxes: tuple[Tax, ...] = field(default=(), converter=taxes_of_draft)
    tax_included: bool = False
    discountable: bool = True
    minimum_unit_price: UnitPrice | None = field(default=None, converter=_unit_price_or_none)
    claimed_price: UnitPrice | None = field(default=None, converter=_unit_price_or_none)
    override: PriceOverride | None = None
    components: tuple[KitComponent, ...] = field(default=(), converter=_components)
    extends: LineId | None = field(default=None, converter=line_id_or_none)

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        self.check_goods()
        checked_flag(self.tax_included, "tax_included")
        checked_flag(self.discountable, "discountable")
        if self.override is not None:
            instance_of(self.override, PriceOverride, "override")
        elif self.claimed_price is not None and self.claimed_price != self.unit_price:
            raise PriceChangedError(self.id)
        if self.kind is LineKind.GIFT_CARD:
            self._check_gift_card()
        if self.discounts and not self.takes_offers:
            self._check_verbatim()
        if self.components:
            self._check_kit()

    @property
    def price(self) -> UnitPrice:
        """The price that counts: the overriding one, or the shop's."""
        return self.unit_price if self.override is None else self.override.price

    @property
    def takes_offers(self) -> bool:
        """Whether a discount that is no verbatim one may touch it."""
        return self.discountable and self.kind is not LineKind.GIFT_CARD

    def _check_gift_card(self) -> None:
        if self.taxes:
            raise InvalidTaxError(self.taxes[0].code, "a gift card is a liability, it has no tax")
        if self.components:
            raise InvalidDraftError(f"kit {self.id}", "a gift card has no components")

    def _check_kit(self) -> None:
        if not any(part.value for part in self.components):
            raise InvalidDraftError(f"kit {self.id}", "one component must have a value")
        for tax in self.taxes:
            if tax.amount is not None:
                raise InvalidTaxError(tax.code, "state a kit's tax on its components")

    def _check_verbatim(self) -> None:
        for discount in self.discounts:
            if not discount.verbatim:
                raise InvalidDraftError(
                    f"discount {discount.code}", "this line is not discountable"
                )
