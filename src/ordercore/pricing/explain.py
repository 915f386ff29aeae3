"""
How the totals of an order come about, as rows that a bookkeeper can add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum, unique
from fractions import Fraction

from attrs import frozen

from ordercore.money import Money, sum_money
from ordercore.pricing._fields import instance_of
from ordercore.pricing.model import PricedCharge, PricedLine, PricedOrder, PricedTax

__all__ = ["ExplainedRow", "RowKind", "explain", "explained"]


@unique
class RowKind(StrEnum):
    """What a row does in the sum."""

    ADD = "add"
    """It is added to the total; negative ones are taken off."""
    CONTAINED = "contained"
    """It says what the rows before it contain, and is not added."""
    SUBTOTAL = "subtotal"
    """The sum of the added rows since the last subtotal."""
    TOTAL = "total"
    """The sum of all subtotals, and how it divides into net and taxes."""


@frozen
class ExplainedRow:
    """One row: where it belongs (a line or charge id), what it says, and the amount."""

    of: str
    text: str
    amount: Money
    kind: RowKind = RowKind.ADD


def explained(priced: PricedOrder) -> tuple[ExplainedRow, ...]:
    """
    The rows: each line and charge from its list amount to its gross, then net, taxes, total.

    Added rows sum to the subtotal below them, subtotals to the total, and so do net and taxes.

    Source:
        RULES P-7: every total is the sum of its printed parts, with no tolerance.
    """
    instance_of(priced, PricedOrder, "what is explained", hint="a PricedOrder, as price(draft) is")
    rows = [row for part in priced.parts for row in _rows(part)]
    rows.append(ExplainedRow("", "Net", priced.net, RowKind.CONTAINED))
    rows += _tax_rows(priced)
    rows.append(ExplainedRow("", "Total", priced.total, RowKind.TOTAL))
    return tuple(rows)


def explain(priced: PricedOrder) -> str:
    """
    The rows of `explained` as text.

    >>> from ordercore.ids import ItemId, LineId, Sku
    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.model import Draft, DraftLine, Tax
    >>> from ordercore.pricing.totals import price
    >>> tea = DraftLine(
    ...     id=LineId("1"),
    ...     item=ItemId("tea"),
    ...     sku=Sku("TEA"),
    ...     quantity=2,
    ...     unit_price=Money(1970, EUR),
    ...     taxes=(Tax(code="VAT", rate=Fraction(20, 100)),),
    ...     tax_included=True,
    ... )
    >>> print(explain(price(Draft(currency=EUR, lines=(tea,)))))
      39.40 EUR  2 × TEA at 19.70 EUR
    = 39.40 EUR  line 1
       6.57 EUR  of which VAT 20 %
      32.83 EUR  of which Net
       6.57 EUR  of which VAT 20 % on 32.83 EUR
    = 39.40 EUR  Total
    """
    rows = explained(priced)
    width = max(len(str(row.amount)) for row in rows)
    return "\n".join(_line(row, width) for row in rows)


def _line(row: ExplainedRow, width: int) -> str:
    sign = "=" if row.kind in {RowKind.SUBTOTAL, RowKind.TOTAL} else " "
    prefix = "of which " if row.kind is RowKind.CONTAINED else ""
    return f"{sign} {row.amount!s:>{width}}  {prefix}{row.text}"


def _rows(part: PricedLine | PricedCharge) -> Iterator[ExplainedRow]:
    yield ExplainedRow(part.id, _what(part), part.list_amount)
    for discount in part.discounts:
        name = discount.title or discount.code
        yield ExplainedRow(part.id, f"discount {name}", -discount.amount)
    if not part.tax_included:
        for tax in part.taxes:
            yield ExplainedRow(part.id, f"plus {_tax_name(tax)}", tax.amount)
    kind = "line" if isinstance(part, PricedLine) else "charge"
    yield ExplainedRow(part.id, f"{kind} {part.id}", part.gross, RowKind.SUBTOTAL)
    if part.tax_included:
        for tax in part.taxes:
            yield ExplainedRow(part.id, _tax_name(tax), tax.amount, RowKind.CONTAINED)


def _what(part: PricedLine | PricedCharge) -> str:
    if isinstance(part, PricedCharge):
        return part.title or part.kind.value
    price = part.unit_price
    if part.kit is not None:
        return f"{part.quantity} × {part.sku}, its part of kit {part.kit}"
    per = "" if price.per == 1 else f" per {price.per}"
    text = f"{part.quantity} × {part.sku} at {price.amount}{per}"
    if part.override is not None:
        text += f" (by {part.override.actor}: {part.override.reason})"
    return text


def _tax_name(tax: PricedTax) -> str:
    rate = "as stated" if tax.verbatim else f"{_percent(tax.rate)} %"
    return f"{tax.title or tax.code} {rate}"


def _percent(rate: Fraction) -> str:
    """A rate in percent, in decimals where it has an end and as a fraction where not."""
    percent = rate * 100
    if percent.denominator == 1:
        return str(percent.numerator)
    rest = percent.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return str(percent)
    digits = 1
    while (percent * 10**digits).denominator != 1:
        digits += 1
    whole, part = divmod(percent.numerator * 10**digits // percent.denominator, 10**digits)
    return f"{whole}.{part:0{digits}d}"


def _tax_rows(priced: PricedOrder) -> Iterator[ExplainedRow]:
    """One row per tax code, with the net that it was taken of."""
    found: dict[str, list[tuple[PricedLine | PricedCharge, PricedTax]]] = {}
    for part in priced.parts:
        for tax in part.taxes:
            found.setdefault(tax.code, []).append((part, tax))
    for members in found.values():
        net = _sum((part.net for part, _ in members), priced)
        amount = _sum((tax.amount for _, tax in members), priced)
        text = f"{_tax_name(members[0][1])} on {net}"
        yield ExplainedRow("", text, amount, RowKind.CONTAINED)


def _sum(amounts: Iterable[Money], priced: PricedOrder) -> Money:
    return sum_money(amounts, priced.currency)
