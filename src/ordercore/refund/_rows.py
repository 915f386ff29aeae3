"""
Rows that explain a credit; behind `ordercore.refund.calculate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ordercore.money import Currency, Money
from ordercore.pricing.figures import Figures
from ordercore.pricing.model import PricedCharge, PricedLine
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import RefundRow
from ordercore.refund.worth import Key

__all__ = ["charge_row", "rows_of_charge", "rows_of_units"]


def rows_of_units(
    line: PricedLine, slots: SlotSet, figures: Figures, left: Mapping[Key, int]
) -> Iterator[RefundRow]:
    """List price, discounts, taxes on top, what earlier credits changed; and the taxes in it."""
    rule = "value of the units (M-7)"
    yield RefundRow(text=f"{len(slots)} × {line.sku}", amount=figures.list_amount, rule=rule)
    for code, amount in figures.discounts:
        if amount:
            yield RefundRow(text=f"discount {code}", amount=-amount, rule=rule)
    if not line.tax_included:
        for code, amount in figures.taxes:
            yield RefundRow(text=f"tax {code}", amount=amount, rule=rule)
    changed = Money(sum(left.values()), figures.gross.currency) - figures.gross
    if changed:
        yield RefundRow(text="Earlier adjustments", amount=changed, rule="a slot is credited once")
    yield from _taxes(left, figures.gross.currency, rule)


def rows_of_charge(charge: PricedCharge, left: Mapping[Key, int], rule: str) -> Iterator[RefundRow]:
    """What comes back of a charge, with its tax; and the taxes in it."""
    currency = charge.charged.currency
    amount = Money(sum(left.values()), currency)
    yield RefundRow(text=charge.title or charge.id, amount=amount, rule=rule)
    yield from _taxes(left, currency, rule)


def charge_row(charge: PricedCharge, amount: Money, rule: str) -> RefundRow:
    """What comes back of a charge, with its tax."""
    return RefundRow(text=charge.title or charge.id, amount=amount, rule=rule)


def _taxes(left: Mapping[Key, int], currency: Currency, rule: str) -> Iterator[RefundRow]:
    for (_, code), minor in left.items():
        if code:
            tax = Money(minor, currency)
            yield RefundRow(text=f"of which tax {code}", amount=tax, rule=rule, counts=False)
