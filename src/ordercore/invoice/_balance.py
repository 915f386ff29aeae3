"""What all documents of an order come to; `ordercore.invoice.build` is the door."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from attrs import evolve, frozen

from ordercore.invoice.model import Document, DocumentKind
from ordercore.money import Money
from ordercore.pricing.model import TaxCategory

__all__ = ["TaxBalance", "balance"]


@frozen(kw_only=True)
class TaxBalance:
    """What all documents together say about one group of tax."""

    category: TaxCategory
    rate: Fraction
    jurisdiction: str
    base: Money
    tax: Money


def balance(documents: Iterable[Document]) -> tuple[TaxBalance, ...]:
    """
    Invoices less credit notes, by group of tax; groups that have come to nothing are left out.

    Source:
        RULES D-3.
    """
    found: dict[tuple[TaxCategory, Fraction, str], TaxBalance] = {}
    for document in documents:
        for group in document.groups:
            key = group.category, group.rate, group.jurisdiction
            zero = Money.zero(document.currency)
            old = found.get(
                key,
                TaxBalance(category=key[0], rate=key[1], jurisdiction=key[2], base=zero, tax=zero),
            )
            is_credit = document.kind is DocumentKind.CREDIT_NOTE
            base, tax = (-group.base, -group.tax) if is_credit else (group.base, group.tax)
            found[key] = evolve(old, base=old.base + base, tax=old.tax + tax)
    return tuple(one for one in found.values() if one.base or one.tax)
