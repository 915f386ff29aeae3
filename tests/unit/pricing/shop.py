"""
Short ways to write drafts, for the tests of pricing and refunds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from ordercore.ids import ItemId, LineId, Sku
from ordercore.money import EUR, Money
from ordercore.pricing.discounts import Discount, OrderDiscount
from ordercore.pricing.figures import line_figures
from ordercore.pricing.model import (
    Charge,
    ChargeKind,
    Draft,
    DraftLine,
    KitComponent,
    PricedOrder,
    Tax,
    UnitPrice,
)
from ordercore.pricing.policy import STANDARD_PRICING, PricingPolicy
from ordercore.pricing.slots import SlotSet
from ordercore.pricing.totals import price

__all__ = ["component", "draft", "eur", "line", "loose", "priced", "shipping", "slot_minors", "vat"]


def loose(call: Callable[..., object], *given: Any, **values: Any) -> object:  # noqa: ANN401 - it is bad on purpose
    """Call without types, as hostile code would."""
    return call(*given, **values)


def eur(minor: int) -> Money:
    """An amount in cents."""
    return Money(minor, EUR)


def vat(percent: str | int | Fraction = 20, code: str = "", *, compound: bool = False) -> Tax:
    """A tax of so many percent; its code says how many."""
    rate = Fraction(percent) / 100
    return Tax(code=code or f"VAT{percent}", rate=rate, compound=compound)


def line(
    name: str,
    unit: Money | UnitPrice | int,
    quantity: int = 1,
    *,
    taxes: Sequence[Tax] = (),
    included: bool = False,
    discounts: Sequence[Discount] = (),
) -> DraftLine:
    """A line of goods."""
    return DraftLine(
        id=LineId(name),
        item=ItemId(f"item-{name}"),
        sku=Sku(name.upper()),
        quantity=quantity,
        unit_price=eur(unit) if isinstance(unit, int) else unit,
        taxes=tuple(taxes),
        tax_included=included,
        discounts=tuple(discounts),
    )


def component(
    name: str, value: int, quantity: int = 1, taxes: tuple[Tax, ...] | None = None
) -> KitComponent:
    """A component of a kit."""
    return KitComponent(
        id=LineId(name),
        item=ItemId(f"item-{name}"),
        sku=Sku(name.upper()),
        quantity=quantity,
        value=value,
        taxes=taxes,
    )


def shipping(
    minor: int,
    *,
    kind: ChargeKind = ChargeKind.SHIPPING,
    taxes: Sequence[Tax] = (),
    included: bool = False,
    split: bool = False,
) -> Charge:
    """A charge, shipping unless another kind is named."""
    return Charge(
        id=kind.value,
        kind=kind,
        amount=eur(minor),
        taxes=tuple(taxes),
        tax_included=included,
        split_by_goods_rates=split,
    )


def draft(
    *lines: DraftLine,
    discounts: Sequence[OrderDiscount] = (),
    charges: Sequence[Charge] = (),
    policy: PricingPolicy = STANDARD_PRICING,
) -> Draft:
    """A draft in euros."""
    return Draft(
        currency=EUR,
        lines=lines,
        discounts=tuple(discounts),
        charges=tuple(charges),
        policy=policy,
    )


def priced(
    *lines: DraftLine,
    discounts: Sequence[OrderDiscount] = (),
    charges: Sequence[Charge] = (),
    policy: PricingPolicy = STANDARD_PRICING,
) -> PricedOrder:
    """The order of these lines."""
    return price(draft(*lines, discounts=discounts, charges=charges, policy=policy))


def slot_minors(order: PricedOrder, name: str) -> list[int]:
    """What each slot of a line is charged, in cents."""
    source = order.line(LineId(name))
    return [
        line_figures(order, source.id, SlotSet.of(slot, slot + 1)).goods.minor
        for slot in source.slots
    ]
