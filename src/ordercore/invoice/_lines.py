"""
Rows of documents, from what slots are still worth; `ordercore.invoice.build` is the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ordercore.ids import LineId, OrderId
from ordercore.invoice.model import DocumentCharge, DocumentLine, DocumentTax
from ordercore.money import Money
from ordercore.pricing.figures import line_figures
from ordercore.pricing.model import PricedCharge, PricedLine, PricedOrder, PricedTax, Tax
from ordercore.pricing.slots import SlotSet

__all__ = ["Amounts", "added", "charge_rows", "invoice_line", "slip_line", "tax_of", "taxes_of"]

Amounts: TypeAlias = Mapping[tuple[str, str], int]
"""Minor units by charge (or nothing) and tax code (or nothing)."""


def tax_of(tax: PricedTax | Tax, amount: Money) -> DocumentTax:
    """A tax with another amount: that of some slots."""
    return DocumentTax(
        code=tax.code,
        category=tax.category,
        rate=tax.rate,
        jurisdiction=tax.jurisdiction,
        amount=amount,
        evidence=tax.evidence,
    )


def taxes_of(
    part: PricedLine | PricedCharge, amounts: Amounts, charge: str
) -> tuple[DocumentTax, ...]:
    """The taxes of a line or charge with these amounts."""
    currency = part.charged.currency
    return tuple(
        tax_of(tax, Money(amounts.get((charge, tax.code), 0), currency)) for tax in part.taxes
    )


def invoice_line(
    priced: PricedOrder, line: LineId, slots: SlotSet, amounts: Amounts, *, order: OrderId
) -> DocumentLine:
    """The row of some slots, with what they are worth now."""
    source = priced.line(line)
    figures = line_figures(priced, line, slots)
    net = Money(amounts.get(("", ""), 0), priced.currency)
    taxes = taxes_of(source, amounts, "")
    charged = sum((tax.amount for tax in taxes), net) if source.tax_included else net
    reduced = figures.goods - charged
    discounts = figures.discounts
    if reduced:
        discounts = (*discounts, ("reduction", reduced))
    return DocumentLine(
        order=order,
        line=line,
        slots=slots,
        item=source.item,
        sku=source.sku,
        title=source.title,
        quantity=len(slots),
        list_amount=figures.list_amount,
        discounts=discounts,
        tax_included=source.tax_included,
        net=net,
        taxes=taxes,
    )


def slip_line(
    priced: PricedOrder,
    line: LineId,
    slots: SlotSet,
    serials: tuple[str, ...],
    *,
    order: OrderId,
) -> DocumentLine:
    """The row of some slots without amounts."""
    source, nothing = priced.line(line), Money.zero(priced.currency)
    return DocumentLine(
        order=order,
        line=line,
        slots=slots,
        item=source.item,
        sku=source.sku,
        title=source.title,
        quantity=len(slots),
        list_amount=nothing,
        net=nothing,
        serials=serials,
    )


def added(target: dict[tuple[str, str], int], amounts: Amounts, sign: int = 1) -> None:
    """Add amounts to others."""
    for key, minor in amounts.items():
        target[key] = target.get(key, 0) + sign * minor


def charge_rows(priced: PricedOrder, amounts: Amounts) -> tuple[DocumentCharge, ...]:
    """The rows of charges of which something is stated."""
    rows: list[DocumentCharge] = []
    for charge in priced.charges:
        taxes = taxes_of(charge, amounts, charge.id)
        net = Money(amounts.get((charge.id, ""), 0), priced.currency)
        if net or any(tax.amount for tax in taxes):
            row = DocumentCharge(
                code=charge.id, kind=charge.kind.value, title=charge.title, net=net, taxes=taxes
            )
            rows.append(row)
    return tuple(rows)
