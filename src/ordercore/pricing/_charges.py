"""
Shipping and surcharges: discounted, taxed, and spread over the lines that bear them.

Behind `ordercore.pricing.totals`. Who bears how much follows what is charged for the lines
(RULES M-4, M-7); a charge that is taxed at the goods' rates is divided in the same proportion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import Factory, define, evolve

from ordercore.ids import LineId
from ordercore.money import Currency, Money, apportion_minor
from ordercore.pricing._lots import Lot, amount_taken, priced_tax
from ordercore.pricing.discounts import Discountable
from ordercore.pricing.draft import Charge, Draft
from ordercore.pricing.model import ChargeKind, ChargeShare, PricedCharge, PricedDiscount
from ordercore.pricing.policy import Percents, TaxBase
from ordercore.pricing.taxes import Taxable
from ordercore.pricing.values import Tax

__all__ = ["Spread", "priced_charge", "spread_charges"]


@define
class _Part:
    """The lines that bear a charge at the same rates, and what they bear."""

    taxes: tuple[Tax, ...]
    bearers: list[int] = Factory(list[int])
    """Places in the list of all bearers."""


@define
class Spread:
    """A charge after its discounts, with who bears it; not yet taxed."""

    charge: Charge
    discounts: tuple[PricedDiscount, ...]
    charged: int
    lines: list[LineId]
    shares: Sequence[int]
    bases: Sequence[int]
    """What each share is taxed on."""
    parts: list[_Part]

    def taxables(self) -> list[Taxable]:
        """What is taxed: each part of the charge that has the same rates."""
        return [
            Taxable(
                base=sum(self.bases[place] for place in part.bearers),
                charged=sum(self.shares[place] for place in part.bearers),
                taxes=part.taxes,
                included=self.charge.tax_included,
            )
            for part in self.parts
        ]


def spread_charges(draft: Draft, lots: Mapping[LineId, list[Lot]]) -> list[Spread]:
    """The charges of the draft, spread over the lots as they are after all discounts."""
    if not draft.charges:
        return []
    everything = [lot for own in lots.values() for lot in own]
    by_name = {lot.goods.id: [lot] for lot in everything} | dict(lots)
    return [
        _spread(charge, draft, _bearers(charge, everything, by_name)) for charge in draft.charges
    ]


def _bearers(
    charge: Charge, everything: list[Lot], by_name: Mapping[LineId, list[Lot]]
) -> list[Lot]:
    """Who bears the charge: the named lines, the shipped ones, or all."""
    if charge.lines is not None:
        wanted = {lot.goods.id: lot for name in charge.lines for lot in by_name[name]}
        return list(wanted.values())
    if charge.kind is ChargeKind.SHIPPING:
        return [lot for lot in everything if lot.goods.needs_fulfilment] or everything
    return everything


def _spread(charge: Charge, draft: Draft, bearers: list[Lot]) -> Spread:
    discounts, charged = _discounted(charge, draft)
    weights = [lot.left for lot in bearers]
    if not any(weights):
        weights = [lot.quantity for lot in bearers]
    shares = apportion_minor(charged, weights)
    bases = shares
    if draft.policy.tax_base is TaxBase.BEFORE_DISCOUNTS and charge.discounts:
        bases = apportion_minor(charge.amount.minor, weights)
    return Spread(
        charge=charge,
        discounts=discounts,
        charged=charged,
        lines=[lot.goods.id for lot in bearers],
        shares=shares,
        bases=bases,
        parts=_parts(charge, bearers),
    )


def _discounted(charge: Charge, draft: Draft) -> tuple[tuple[PricedDiscount, ...], int]:
    """The charge's own discounts, as on a line of one unit."""
    taken: list[PricedDiscount] = []
    left = charge.amount
    parallel = draft.policy.percents is Percents.PARALLEL
    for discount in charge.discounts:
        basis = charge.amount if parallel else left
        on = Discountable(amount=left, basis=basis, quantity=1, policy=draft.policy)
        amount = amount_taken(discount, on, charge.id)
        if amount:
            left -= amount
            taken.append(PricedDiscount(code=discount.code, amount=amount, title=discount.title))
    return tuple(taken), left.minor


def _parts(charge: Charge, bearers: list[Lot]) -> list[_Part]:
    """One part with the charge's own rates, or one for each set of rates of the goods."""
    if not charge.split_by_goods_rates:
        return [_Part(charge.taxes, list(range(len(bearers))))]
    parts: dict[tuple[Tax, ...], _Part] = {}
    for place, lot in enumerate(bearers):
        part = parts.setdefault(lot.taxes, _Part(lot.taxes))
        part.bearers.append(place)
    merged: dict[tuple[Tax, ...], _Part] = {}
    for taxes, part in parts.items():
        computed = tuple(evolve(tax, amount=None) if tax.amount else tax for tax in taxes)
        merged.setdefault(computed, _Part(computed)).bearers.extend(part.bearers)
    return list(merged.values())


def priced_charge(
    spread: Spread, amounts: Sequence[Sequence[int]], currency: Currency
) -> PricedCharge:
    """
    The charge with its taxes; each tax is apportioned as the shares are.

    Args:
        spread: The charge and who bears it.
        amounts: The taxes of each of its `Spread.taxables`.
        currency: Of the order.
    """
    columns: dict[str, list[int]] = {}
    named: dict[str, Tax] = {}
    for part, taxes in zip(spread.parts, amounts, strict=True):
        weights = _weights(spread, part)
        for tax, amount in zip(part.taxes, taxes, strict=True):
            named.setdefault(tax.code, tax)
            column = columns.setdefault(tax.code, [0] * len(spread.shares))
            shared = apportion_minor(amount, weights)
            for place, share in zip(part.bearers, shared, strict=True):
                column[place] += share
    charge = spread.charge
    return PricedCharge(
        id=charge.id,
        kind=charge.kind,
        title=charge.title,
        list_amount=charge.amount,
        discounts=spread.discounts,
        charged=Money(spread.charged, currency),
        taxes=tuple(
            priced_tax(named[code], sum(column), currency) for code, column in columns.items()
        ),
        tax_included=charge.tax_included,
        shares=_shares(spread, list(columns.values()), currency),
    )


def _weights(spread: Spread, part: _Part) -> list[int]:
    """What a tax of this part follows: the shares, or where there is nothing, what is taxed."""
    for figures in (spread.shares, spread.bases):
        weights = [abs(figures[place]) for place in part.bearers]
        if any(weights):
            return weights
    return [1] * len(part.bearers)


def _shares(
    spread: Spread, columns: list[list[int]], currency: Currency
) -> tuple[ChargeShare, ...]:
    """What each line bears, without the lines that bear nothing."""
    rows = zip(*columns, strict=True) if columns else [()] * len(spread.shares)
    return tuple(
        ChargeShare(
            line=line,
            charged=Money(share, currency),
            taxes=tuple([Money(tax, currency) for tax in row]),
        )
        for line, share, row in zip(spread.lines, spread.shares, rows, strict=True)
        if share or any(row)
    )
