"""
What the slots of a line are worth: the one mechanism behind every later amount (RULES M-7).

A line's amounts are running amounts over its slots: list, what each discount leaves, the taxes,
and what the line bears of each charge. The figure of some slots is a difference of running
amounts, so the figures of any partition of the slots sum to the line's, to the cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from ordercore.ids import LineId
from ordercore.money import Currency, Money, follow
from ordercore.pricing._fields import instance_of
from ordercore.pricing.model import ChargeKind, ChargeShare, PricedCharge, PricedLine, PricedOrder
from ordercore.pricing.slots import InvalidSlotsError, SlotSet

__all__ = [
    "ChargeFigure",
    "Figures",
    "amount_keys",
    "amounts_upto",
    "line_figures",
    "slot_value",
]

_Borne: TypeAlias = Sequence[tuple[PricedCharge, ChargeShare]]


@frozen(kw_only=True)
class ChargeFigure:
    """What some slots bear of one charge."""

    charge: str
    kind: ChargeKind
    net: Money
    taxes: tuple[tuple[str, Money], ...]
    """Tax code and amount, in the charge's order."""
    gross: Money


@frozen(kw_only=True)
class Figures:
    """
    The amounts of some slots of one line.

    Args:
        list_amount: Before discounts.
        goods: What is charged for them: with tax where the line includes it, and else without.
        discounts: Code and amount of each discount, in the order they were taken.
        taxes: Code and amount of each tax of the line.
        charges: What the slots bear of each charge that the line has a share of.
    """

    list_amount: Money
    goods: Money
    discounts: tuple[tuple[str, Money], ...]
    taxes: tuple[tuple[str, Money], ...]
    net: Money
    gross: Money
    charges: tuple[ChargeFigure, ...]

    @property
    def value(self) -> Money:
        """What the slots are worth in the ledger of debts: gross, with all charges."""
        return sum((charge.gross for charge in self.charges), self.gross)


def line_figures(priced: PricedOrder, line: LineId, slots: SlotSet) -> Figures:
    """
    The amounts of these slots: a sum over spans, whatever the number of units.

    Raises:
        UnknownLineError: The order has no such line.
        InvalidSlotsError: The line has not so many slots.

    Source:
        RULES M-7.

    >>> from fractions import Fraction
    >>> from ordercore.ids import ItemId, Sku
    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.model import Draft, DraftLine, Tax
    >>> from ordercore.pricing.totals import price
    >>> tea = DraftLine(
    ...     id=LineId("1"),
    ...     item=ItemId("tea"),
    ...     sku=Sku("TEA"),
    ...     quantity=2,
    ...     unit_price=Money(500, EUR),
    ...     taxes=(Tax(code="VAT", rate=Fraction(10, 100)),),
    ...     tax_included=True,
    ... )
    >>> priced = price(Draft(currency=EUR, lines=(tea,)))
    >>> [line_figures(priced, tea.id, SlotSet.of(n, n + 1)).taxes[0][1].minor for n in (0, 1)]
    [46, 45]
    """
    source, borne = _source(priced, line, slots)
    amounts = _sums(source, borne, slots)
    return _figures(source, borne, amounts)


def slot_value(priced: PricedOrder, line: LineId, slots: SlotSet) -> Money:
    """
    What these slots are worth in the ledger of debts: gross, with the charges they bear.

    Raises:
        UnknownLineError: The order has no such line.
        InvalidSlotsError: The line has not so many slots.

    Source:
        RULES M-7, RF-1.
    """
    source, borne = _source(priced, line, slots)
    amounts = _sums(source, borne, slots)
    place = len(source.discounts)
    worth = amounts[place]
    place += 1
    if not source.tax_included:
        worth += sum(amounts[place : place + len(source.taxes)])
    place += len(source.taxes)
    for charge, share in borne:
        upto = place + 1 + len(share.taxes)
        worth += amounts[place] if charge.tax_included else sum(amounts[place:upto])
        place = upto
    return Money(worth, priced.currency)


def _source(priced: PricedOrder, line: LineId, slots: SlotSet) -> tuple[PricedLine, _Borne]:
    """The line and what it bears of the charges, once all three are what they must be."""
    instance_of(priced, PricedOrder, "the priced order")
    instance_of(slots, SlotSet, "the slots")
    return priced.line(line), priced.borne.get(line, ())


def amount_keys(priced: PricedOrder, line: LineId) -> tuple[tuple[str, str], ...]:
    """
    The names of the line's amounts: charge (or nothing) and tax code (or nothing).

    The goods' net is ``("", "")``, their tax ``("", code)``, a charge's net ``(id, "")`` and its
    tax ``(id, code)``. Together they are all that the slots of the line are worth.
    """
    keys = [("", ""), *[("", tax.code) for tax in priced.line(line).taxes]]
    for charge, _ in priced.borne.get(line, ()):
        keys += [(charge.id, ""), *[(charge.id, tax.code) for tax in charge.taxes]]
    return tuple(keys)


def amounts_upto(priced: PricedOrder, line: LineId, upto: int) -> list[int]:
    """The running amounts of `amount_keys` up to a slot, nets without tax, in minor units."""
    source, borne = priced.line(line), priced.borne.get(line, ())
    amounts = _running(source, borne, upto)[len(source.discounts) :]
    place = 1 + len(source.taxes)
    if source.tax_included:
        amounts[0] -= sum(amounts[1:place])
    for charge, share in borne:
        after = place + 1 + len(share.taxes)
        if charge.tax_included:
            amounts[place] -= sum(amounts[place + 1 : after])
        place = after
    return amounts


def _sums(line: PricedLine, borne: _Borne, slots: SlotSet) -> list[int]:
    """The amounts of the slots, in the order of `_running`."""
    if slots.spans and slots.spans[-1][1] > line.quantity:
        raise InvalidSlotsError(f"line {line.id} has the slots 0 to {line.quantity - 1} only")
    amounts = [0] * (1 + len(line.discounts) + len(line.taxes))
    amounts += [0] * sum(1 + len(share.taxes) for _, share in borne)
    for start, stop in slots.spans:
        before, after = _running(line, borne, start), _running(line, borne, stop)
        for place in range(len(amounts)):
            amounts[place] += after[place] - before[place]
    return amounts


def _running(line: PricedLine, borne: _Borne, upto: int) -> list[int]:
    """
    All running amounts up to a slot, in minor units.

    In this order: list, what each discount leaves (the last is what is charged), the taxes, and
    for each charge that the line bears: its charged share, which follows the goods, and its
    taxes, which follow that.
    """
    of = line.quantity
    whole = line.list_amount.minor
    part = follow(whole, upto, of)
    amounts = [part]
    for discount in line.discounts:
        left = whole - discount.amount.minor
        part = follow(left, part, whole)
        whole = left
        amounts.append(part)
    if whole == 0:
        part, whole = upto, of
    amounts += [follow(tax.amount.minor, part, whole) for tax in line.taxes]
    for _, share in borne:
        charged = share.charged.minor
        upto_here = follow(charged, part, whole)
        amounts.append(upto_here)
        base = (upto_here, charged) if charged else (part, whole)
        amounts += [follow(tax.minor, *base) for tax in share.taxes]
    return amounts


def _figures(line: PricedLine, borne: _Borne, amounts: Sequence[int]) -> Figures:
    """Give the amounts their names."""
    currency = line.charged.currency
    after = len(line.discounts) + 1
    left = [Money(amount, currency) for amount in amounts[:after]]
    goods = left[-1]
    upto = after + len(line.taxes)
    taxes, tax = _named([tax.code for tax in line.taxes], amounts[after:upto], currency)
    charges: list[ChargeFigure] = []
    for charge, share in borne:
        place, upto = upto, upto + 1 + len(share.taxes)
        charges.append(_charge_figure(charge, amounts[place:upto], currency))
    return Figures(
        list_amount=left[0],
        goods=goods,
        discounts=tuple(
            (discount.code, before - later)
            for discount, before, later in zip(line.discounts, left, left[1:], strict=False)
        ),
        taxes=taxes,
        net=goods - tax if line.tax_included else goods,
        gross=goods if line.tax_included else goods + tax,
        charges=tuple(charges),
    )


def _charge_figure(
    charge: PricedCharge, amounts: Sequence[int], currency: Currency
) -> ChargeFigure:
    charged = Money(amounts[0], currency)
    taxes, tax = _named([tax.code for tax in charge.taxes], amounts[1:], currency)
    return ChargeFigure(
        charge=charge.id,
        kind=charge.kind,
        net=charged - tax if charge.tax_included else charged,
        taxes=taxes,
        gross=charged if charge.tax_included else charged + tax,
    )


def _named(
    codes: Sequence[str], amounts: Sequence[int], currency: Currency
) -> tuple[tuple[tuple[str, Money], ...], Money]:
    """Each amount with its code, and their sum."""
    named = tuple(
        (code, Money(amount, currency)) for code, amount in zip(codes, amounts, strict=True)
    )
    return named, Money(sum(amounts), currency)
