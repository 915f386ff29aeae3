"""What importers do with taxes: keep stated amounts, spread them over lines, check the rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from attrs import evolve, frozen

from ordercore.integrations.imports import Check, Discrepancy
from ordercore.money import Money, apportion, round_fraction, sum_money
from ordercore.pricing.model import DraftLine, PricedOrder, Tax

__all__ = ["TaxParts", "percent_text", "rate_discrepancies", "spread_taxes", "tax_parts"]


def percent_text(rate: Fraction) -> str:
    """
    A rate as people write it, to eight places.

    >>> percent_text(Fraction(25, 1000)), percent_text(Fraction(6, 100))
    ('2.5%', '6%')
    """
    whole, part = divmod(round_fraction(rate * 10**10), 10**8)
    digits = f"{part:08d}".rstrip("0")
    return f"{whole}.{digits}%" if digits else f"{whole}%"


def spread_taxes(
    lines: Sequence[DraftLine], taxes: Sequence[Tax], bases: Sequence[int]
) -> tuple[DraftLine, ...]:
    """
    Lines that bear taxes which are stated for the whole order only (RULES M-4).

    Args:
        lines: The lines as they are, without taxes.
        taxes: The taxes of the order, with their amounts.
        bases: What each line weighs, in minor units; 0 where it is not taxable.
    """
    weights = list(bases) if any(bases) else [1] * len(lines)
    stated = [(tax, tax.amount) for tax in taxes if tax.amount is not None]
    shares = [(tax, apportion(amount, weights)) for tax, amount in stated]
    return tuple(
        evolve(line, taxes=tuple(evolve(tax, amount=parts[place]) for tax, parts in shares))
        if weights[place]
        else line
        for place, line in enumerate(lines)
    )


@frozen
class TaxParts:
    """One tax on all lines and charges: the amounts, and what its rate gives on each, exactly."""

    amount: Money
    exact: tuple[Fraction, ...]

    def agree(self, claimed: Money) -> bool:
        """Whether the rate gives this amount, rounded per line or once for the order."""
        each = sum(round_fraction(part) for part in self.exact)
        return claimed.minor in {each, self.expected.minor}

    @property
    def expected(self) -> Money:
        """What the rate gives, rounded once."""
        return Money(round_fraction(sum(self.exact, Fraction(0))), self.amount.currency)


def tax_parts(priced: PricedOrder) -> Mapping[str, TaxParts]:
    """The taxes of an order by their codes."""
    amounts: dict[str, list[Money]] = {}
    exact: dict[str, list[Fraction]] = {}
    for part in priced.parts:
        rates = sum((tax.rate for tax in part.taxes), Fraction(0))
        base = Fraction(part.charged.minor)
        net = base / (1 + rates) if part.tax_included else base
        for tax in part.taxes:
            amounts.setdefault(tax.code, []).append(tax.amount)
            exact.setdefault(tax.code, []).append(net * tax.rate)
    return {
        code: TaxParts(sum_money(found, priced.currency), tuple(exact[code]))
        for code, found in amounts.items()
    }


def rate_discrepancies(where: str, claimed: Money, parts: TaxParts) -> Iterator[Discrepancy]:
    """Where a stated tax is not what its stated rate gives; both are kept as they are."""
    if not parts.agree(claimed):
        yield Discrepancy(
            field=where, check=Check.TAX_RATE, claimed=claimed, computed=parts.expected
        )
