"""
Lots: the lines of an order while they are being priced, and what discounts do to them.

Behind `ordercore.pricing.totals`. A kit is several lots, one per component; everything else is
one. Amounts are counts of minor units.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import Factory, define

from ordercore.ids import ItemId, LineId
from ordercore.money import (
    Currency,
    Money,
    Rounding,
    apportion_minor,
    checked_amount,
    round_ratio,
)
from ordercore.pricing._fields import within_limits
from ordercore.pricing.discounts import Discount, Discountable, OrderDiscount, apportion_capped
from ordercore.pricing.draft import Draft, DraftLine, KitComponent, QuantityRule
from ordercore.pricing.model import PricedDiscount, PricedTax
from ordercore.pricing.policy import Percents, PricingPolicy
from ordercore.pricing.values import (
    DiscountExceedsLineError,
    LineKind,
    QuantityRuleError,
    Tax,
    UnitPrice,
)

__all__ = [
    "Lot",
    "amount_taken",
    "check_quantities",
    "discount_lines",
    "discount_order",
    "open_lots",
    "priced_tax",
]


@define
class Lot:
    """One future line: where it comes from, and what is left of its amount."""

    line: DraftLine
    part: KitComponent | None
    quantity: int
    listed: int
    lowest: int
    """What offers leave at least."""
    left: int
    basis: int
    """What percentages are taken of where they are parallel."""
    discounts: list[PricedDiscount] = Factory(list[PricedDiscount])

    @property
    def goods(self) -> DraftLine | KitComponent:
        """What says how the line is called and what it is."""
        return self.part or self.line

    @property
    def is_gift_card(self) -> bool:
        """Whether it is a liability, which no discount touches that does not name it (P-1)."""
        return self.line.kind is LineKind.GIFT_CARD

    @property
    def taxes(self) -> tuple[Tax, ...]:
        """The component's own taxes, or those of the line."""
        own = None if self.part is None else self.part.taxes
        return self.line.taxes if own is None else own


def open_lots(draft: Draft) -> dict[LineId, list[Lot]]:
    """The lots of each line, at their list amounts (RULES P-1, P-10)."""
    lots = {line.id: _lots_of(line, draft.policy) for line in draft.lines}
    within_limits(sum(lot.listed for own in lots.values() for lot in own), draft.currency)
    return lots


def _lots_of(line: DraftLine, policy: PricingPolicy) -> list[Lot]:
    listed = _priced(line.price, line.quantity, policy.price_rounding)
    lowest = _lowest(line, listed, policy)
    if not line.components:
        return [_lot(line, None, listed, lowest)]
    lists = apportion_minor(listed, [part.value for part in line.components])
    floors = apportion_minor(lowest, lists) if lowest else (0,) * len(lists)
    return [
        _lot(line, part, amount, floor)
        for part, amount, floor in zip(line.components, lists, floors, strict=True)
    ]


def _lot(line: DraftLine, part: KitComponent | None, listed: int, lowest: int) -> Lot:
    return Lot(
        line=line,
        part=part,
        quantity=line.quantity if part is None else line.quantity * part.quantity,
        listed=listed,
        lowest=lowest,
        left=listed,
        basis=listed,
    )


def _priced(price: UnitPrice, quantity: int, rounding: Rounding) -> int:
    if price.per == 1:
        return price.amount.minor * quantity
    return round_ratio(price.amount.minor * quantity, price.per, rounding)


def _lowest(line: DraftLine, listed: int, policy: PricingPolicy) -> int:
    """What offers must leave: nothing may be taken off what is not discountable."""
    if not line.takes_offers:
        return listed
    least = line.minimum_unit_price
    if least is None:
        if policy.minimum_unit_price is None:
            return 0
        least = UnitPrice(policy.minimum_unit_price)
    return min(listed, _priced(least, line.quantity, Rounding.UP))


def check_quantities(draft: Draft) -> None:
    """
    Hold the draft against its rules of quantity, per item over all lines (RULES P-9).

    Raises:
        QuantityRuleError: Too few, too many, or no multiple of the step.
    """
    if not draft.quantity_rules:
        return
    sold: dict[ItemId, int] = {}
    in_kits: dict[ItemId, int] = {}
    for line in draft.lines:
        sold[line.item] = sold.get(line.item, 0) + line.quantity
        for part in line.components:
            in_kits[part.item] = in_kits.get(part.item, 0) + part.quantity * line.quantity
    for rule in draft.quantity_rules:
        alone = sold.get(rule.item, 0)
        problem = _problem(rule, alone, alone + in_kits.get(rule.item, 0))
        if problem:
            raise QuantityRuleError(rule.item, alone or in_kits[rule.item], problem)


def _problem(rule: QuantityRule, alone: int, everything: int) -> str:
    if rule.most is not None and everything > rule.most:
        return f"at most {rule.most}"
    if 0 < alone < rule.least:
        return f"at least {rule.least}"
    if alone % rule.step:
        return f"only multiples of {rule.step}"
    return ""


def discount_lines(lots: Mapping[LineId, list[Lot]], draft: Draft) -> None:
    """Take off the lines' own discounts, in their order (RULES P-2)."""
    for own in lots.values():
        line = own[0].line
        for discount in line.discounts:
            on = _discountable(own, line.quantity, draft)
            _take_off(own, discount, on)


def discount_order(lots: Mapping[LineId, list[Lot]], draft: Draft) -> None:
    """Take off the order's discounts, each on what the earlier ones left (RULES P-2)."""
    if not draft.discounts:
        return
    everything = [lot for own in lots.values() for lot in own]
    by_name = {lot.goods.id: [lot] for lot in everything} | dict(lots)
    for lot in everything:
        lot.basis = lot.left
    for discount in draft.discounts:
        named = everything
        if discount.lines is not None:
            wanted = {lot.goods.id: lot for name in discount.lines for lot in by_name[name]}
            named = list(wanted.values())
        _apply(discount, named, draft)


def _apply(order: OrderDiscount, named: list[Lot], draft: Draft) -> None:
    """Take one discount of the order off the lots that it is for."""
    if order.discount.verbatim:
        pool = [lot for lot in named if order.lines is not None or not lot.is_gift_card] or named
    else:
        pool = [lot for lot in named if lot.line.takes_offers]
    if not pool:
        return
    on = _discountable(pool, sum(lot.quantity for lot in pool), draft)
    if order.minimum_spend is None or on.amount >= order.minimum_spend:
        _take_off(pool, order.discount, on, order_level=True)


def _discountable(pool: list[Lot], quantity: int, draft: Draft) -> Discountable:
    left = Money(sum(lot.left for lot in pool), draft.currency)
    parallel = draft.policy.percents is Percents.PARALLEL
    basis = Money(sum(lot.basis for lot in pool), draft.currency) if parallel else left
    return Discountable(amount=left, basis=basis, quantity=quantity, policy=draft.policy)


def amount_taken(discount: Discount, on: Discountable, name: str) -> Money:
    """
    What a discount says, checked, and as much of it as there is.

    Raises:
        NegativeAmountError: It says an amount below zero.
        CurrencyMismatchError: It speaks another currency.
        DiscountExceedsLineError: It is verbatim, and takes more than there is.
    """
    said = checked_amount(discount.amount_off(on), f"discount {discount.code}")
    if said <= on.amount:
        return said
    if discount.verbatim:
        raise DiscountExceedsLineError(discount.code, name, said, on.amount)
    return on.amount


def _take_off(
    pool: list[Lot], discount: Discount, on: Discountable, *, order_level: bool = False
) -> None:
    """Divide what the discount takes over the lots, by what they have left (RULES P-3)."""
    taken = amount_taken(discount, on, "the order" if order_level else pool[0].line.id)
    weights = [lot.left for lot in pool]
    room = weights if discount.verbatim else [max(lot.left - lot.lowest, 0) for lot in pool]
    parts = apportion_capped(min(taken.minor, sum(room)), weights, room)
    for lot, part in zip(pool, parts, strict=True):
        if part:
            lot.left -= part
            lot.discounts.append(
                PricedDiscount(
                    code=discount.code,
                    amount=Money(part, taken.currency),
                    title=discount.title,
                    order_level=order_level,
                )
            )


def priced_tax(tax: Tax, minor: int, currency: Currency) -> PricedTax:
    """The tax with its amount, and all that a document must say about it."""
    return PricedTax(
        code=tax.code,
        rate=tax.rate,
        amount=within_limits(minor, currency),
        category=tax.category,
        title=tax.title,
        jurisdiction=tax.jurisdiction,
        evidence=tax.evidence,
        verbatim=tax.amount is not None,
        compound=tax.compound,
        valid_until=tax.valid_until,
    )
