"""
The taxes of a Shopify order: stated amounts, kept as they are, and what their rates would give.

Newer payloads state a tax on each line; older ones once for the whole order, and then it is
apportioned over the taxable lines (RULES M-4), so that every line knows its own tax.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial

from attrs import evolve

from ordercore.codec.strict_json import Reader
from ordercore.integrations.imports import Check, Discrepancy, made_at
from ordercore.integrations.people import plain
from ordercore.integrations.taxes import TaxParts, percent_text, rate_discrepancies, tax_parts
from ordercore.money import Currency, Money
from ordercore.pricing.model import PricedOrder, Tax

__all__ = ["check_taxes", "taxes_at"]


def taxes_at(owner: Reader, currency: Currency) -> tuple[Tax, ...]:
    """The tax lines of an object, with the amounts that the platform states."""
    found: dict[str, Tax] = {}
    for line in owner.optional_items("tax_lines"):
        amount = line.money("price", currency)
        tax = made_at(line.path, partial(_tax, line, amount))
        before = found.get(tax.code)
        if before is not None and before.amount is not None:
            tax = evolve(tax, amount=before.amount + amount)
        found[tax.code] = tax
    return tuple(found.values())


def _tax(line: Reader, amount: Money) -> Tax:
    rate = Fraction(line.optional_decimal("rate") or 0)
    title = plain(line.optional_text("title"), longest=100) or "tax"
    return Tax(code=f"{title} {percent_text(rate)}", title=title, rate=rate, amount=amount)


def check_taxes(order: Reader, stated: Iterable[Tax], priced: PricedOrder) -> Iterator[Discrepancy]:
    """
    Where a tax of the whole order is not the sum of its parts, or not what its rate gives.

    A platform may round a rate per line or once for the order: both are accepted.
    """
    zero = Money.zero(priced.currency)
    parts = dict(tax_parts(priced))
    for place, tax in enumerate(stated):
        claimed = tax.amount or zero
        part = parts.pop(tax.code, TaxParts(zero, ()))
        where = f"{order.at('tax_lines')}[{place}].price"
        if claimed != part.amount:
            yield Discrepancy(
                field=where, check=Check.TAX_LINE, claimed=claimed, computed=part.amount
            )
        yield from rate_discrepancies(where, claimed, part)
    for part in parts.values():
        yield from rate_discrepancies(order.at("line_items"), part.amount, part)
