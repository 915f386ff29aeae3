"""
A part of a priced order as a priced order of its own: sums over slots, nothing computed anew.

Every amount of a part is a sum over the slots that it takes (RULES M-7), so the parts of any
partition sum to the whole: list amounts, discounts, taxes, charges, each to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve

from ordercore.ids import LineId
from ordercore.money import Money, follow, sum_money
from ordercore.pricing.figures import ChargeFigure, Figures, line_figures
from ordercore.pricing.model import (
    ChargeShare,
    PricedCharge,
    PricedDiscount,
    PricedLine,
    PricedOrder,
    PricedTax,
)
from ordercore.pricing.slots import NO_SLOTS, InvalidSlotsError, SlotSet

__all__ = ["part_of", "parts_of"]


def part_of(priced: PricedOrder, slots: Mapping[LineId, SlotSet]) -> PricedOrder:
    """
    The part of an order that these slots are, with what they bear of its charges.

    Raises:
        UnknownLineError: The order has no such line.
        InvalidSlotsError: No slots at all, or a line has not so many.

    Source:
        RULES O-7, M-7.

    >>> from ordercore.ids import ItemId, Sku
    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.model import Draft, DraftLine
    >>> from ordercore.pricing.totals import price
    >>> tea = DraftLine(
    ...     id=LineId("1"),
    ...     item=ItemId("tea"),
    ...     sku=Sku("TEA"),
    ...     quantity=3,
    ...     unit_price=Money(333, EUR),
    ... )
    >>> priced = price(Draft(currency=EUR, lines=(tea,)))
    >>> part_of(priced, {tea.id: SlotSet.of(0, 2)}).total
    Money(666, EUR)
    """
    taken = {line: wanted for line, wanted in slots.items() if wanted}
    if not taken:
        raise InvalidSlotsError("a part of an order has at least one of them")
    figures = {line: line_figures(priced, line, wanted) for line, wanted in taken.items()}
    lines = tuple(
        _line(line, figures[line.id], taken) for line in priced.lines if line.id in figures
    )
    charges = tuple(_charges(priced, taken, figures))
    return evolve(priced, lines=lines, charges=charges, valid_until=None)


def parts_of(
    priced: PricedOrder, parts: Iterable[Mapping[LineId, SlotSet]]
) -> tuple[PricedOrder, ...]:
    """
    The parts of an order that is divided wholly, such as a basket of several sellers.

    Raises:
        InvalidSlotsError: A slot stands in two parts, or in none.

    Source:
        RULES O-7: money, tax and discount of the parts sum exactly to the original.
    """
    wanted = tuple(parts)
    for line in priced.lines:
        own = [part[line.id] for part in wanted if line.id in part]
        together = SlotSet.union(own)
        if together != line.slots or sum(len(slots) for slots in own) != line.quantity:
            raise InvalidSlotsError(f"each of line {line.id} must stand in exactly one part")
    return tuple(part_of(priced, part) for part in wanted)


def _line(line: PricedLine, figures: Figures, taken: Mapping[LineId, SlotSet]) -> PricedLine:
    return evolve(
        line,
        quantity=len(taken[line.id]),
        list_amount=figures.list_amount,
        discounts=_discounts(line.discounts, [amount for _, amount in figures.discounts]),
        charged=figures.goods,
        taxes=_taxes(line.taxes, [amount for _, amount in figures.taxes]),
        extends=line.extends if line.extends in taken else None,
    )


def _discounts(
    known: Sequence[PricedDiscount], amounts: Sequence[Money]
) -> tuple[PricedDiscount, ...]:
    return tuple(
        evolve(discount, amount=amount) for discount, amount in zip(known, amounts, strict=True)
    )


def _taxes(known: Sequence[PricedTax], amounts: Sequence[Money]) -> tuple[PricedTax, ...]:
    return tuple(evolve(tax, amount=amount) for tax, amount in zip(known, amounts, strict=True))


def _charges(
    priced: PricedOrder, taken: Mapping[LineId, SlotSet], figures: Mapping[LineId, Figures]
) -> Iterator[PricedCharge]:
    """The charges that the slots bear a part of, even one of zero."""
    for charge in priced.charges:
        borne = {
            line: own
            for line, known in figures.items()
            for own in known.charges
            if own.charge == charge.id
        }
        if borne:
            off = [_discount_of(priced, charge, one, taken) for one in charge.discounts]
            yield _charge(charge, borne, off)


def _charge(
    charge: PricedCharge, borne: Mapping[LineId, ChargeFigure], off: Sequence[Money]
) -> PricedCharge:
    currency = charge.charged.currency
    shares = tuple(_share(charge, line, own) for line, own in borne.items())
    charged = sum_money([share.charged for share in shares], currency)
    taxes = [
        sum_money([share.taxes[place] for share in shares], currency)
        for place in range(len(charge.taxes))
    ]
    return evolve(
        charge,
        list_amount=charged + sum_money(off, currency),
        discounts=_discounts(charge.discounts, off),
        charged=charged,
        taxes=_taxes(charge.taxes, taxes),
        shares=shares,
    )


def _share(charge: PricedCharge, line: LineId, own: ChargeFigure) -> ChargeShare:
    return ChargeShare(
        line=line,
        charged=own.gross if charge.tax_included else own.net,
        taxes=tuple(amount for _, amount in own.taxes),
    )


def _discount_of(
    priced: PricedOrder,
    charge: PricedCharge,
    discount: PricedDiscount,
    taken: Mapping[LineId, SlotSet],
) -> Money:
    """What of a charge's discount belongs to these slots: it follows the lines that bear it."""
    weights = [share.charged.minor for share in charge.shares]
    if min(weights) < 0 or sum(weights) == 0:
        weights = [1] * len(weights)
    total, upto, whole = 0, 0, sum(weights)
    for share, weight in zip(charge.shares, weights, strict=True):
        before = follow(discount.amount.minor, upto, whole)
        upto += weight
        of_line = follow(discount.amount.minor, upto, whole) - before
        of = priced.line(share.line).quantity
        for start, stop in taken.get(share.line, NO_SLOTS).spans:
            total += follow(of_line, stop, of) - follow(of_line, start, of)
    return Money(total, charge.charged.currency)
