"""
Taxes: how much of an amount, or on top of it, each rate is (RULES P-4 to P-6).

Everything is a count of minor units here. A tax is ``base × factor``: on top of the base the
factor is its rate, inside an amount of several rates R it is ``rate / (1 + Σ R)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, TypeAlias

from attrs import define, field, frozen

from ordercore.money import Rounding, apportion_minor, round_fraction, round_ratio
from ordercore.pricing.policy import IncludedTax, PricingPolicy, TaxRounding
from ordercore.pricing.values import InvalidTaxError, Tax, TaxCategory

__all__ = ["Taxable", "taxes_of"]

_Group: TypeAlias = tuple[str, TaxCategory, Fraction, bool, Fraction, bool]
_Place: TypeAlias = tuple[int, int]


@frozen(kw_only=True)
class Taxable:
    """
    One thing that is taxed: a line, a charge, or the part of a charge with the same rates.

    Args:
        base: What the taxes are taken of, in minor units; below zero for an adjustment.
        charged: What is charged for it; included taxes are never more.
        units: How many units there are, for taxes that are rounded per unit.
        included: Whether the base contains the taxes.
    """

    base: int
    charged: int
    units: int = 1
    taxes: tuple[Tax, ...]
    included: bool = False


@define
class _Plan:
    """What one set of rates makes of any base; worked out once per set."""

    taxes: tuple[Tax, ...]
    included: bool
    multiples: tuple[Fraction, ...] = field(init=False)
    """Each tax as a multiple of the net amount."""
    whole: Fraction = field(init=False)
    """The gross amount as a multiple of the net amount."""
    factors: tuple[Fraction, ...] = field(init=False)
    is_compound: bool = field(init=False)
    is_stated: bool = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Work out the factors."""
        multiples: list[Fraction] = []
        for tax in self.taxes:
            multiples.append(tax.rate * (1 + sum(multiples)) if tax.compound else tax.rate)
        self.multiples = tuple(multiples)
        self.whole = 1 + sum(multiples, Fraction(0))
        inside = self.whole if self.included else Fraction(1)
        self.factors = tuple(multiple / inside for multiple in multiples)
        self.is_compound = any(tax.compound for tax in self.taxes)
        self.is_stated = any(tax.amount is not None for tax in self.taxes)

    def amounts(self, base: int, units: int, policy: PricingPolicy) -> list[int]:
        """The taxes of a base of *units* units, each unit's tax rounded by itself."""
        rounding = policy.tax_rounding
        if self.included and policy.included is IncludedTax.TOTAL:
            return self._together(base, units, rounding)
        if not self.is_compound:
            return [
                round_ratio(base * factor.numerator, factor.denominator * units, rounding) * units
                for factor in self.factors
            ]
        if self.included:
            return self._inside_compound(base, units, rounding)
        return self._on_top_compound(base, units, rounding)

    def _together(self, base: int, units: int, rounding: Rounding) -> list[int]:
        """All included taxes rounded as one, and the sum apportioned to the rates."""
        if self.whole == 1:
            return [0] * len(self.taxes)
        total = round_fraction(base * (self.whole - 1) / (self.whole * units), rounding) * units
        return list(apportion_minor(total, self.multiples))

    def _on_top_compound(self, base: int, units: int, rounding: Rounding) -> list[int]:
        """A compound tax is taken of the base and of the rounded taxes before it."""
        result: list[int] = []
        for tax in self.taxes:
            basis = base + sum(result) if tax.compound else base
            part = round_ratio(basis * tax.rate.numerator, tax.rate.denominator * units, rounding)
            result.append(part * units)
        return result

    def _inside_compound(self, base: int, units: int, rounding: Rounding) -> list[int]:
        """The difference of the amounts after and before a compound tax, both rounded."""
        result: list[int] = []
        for place, tax in enumerate(self.taxes):
            leads = place == 0 and all(other.compound for other in self.taxes[1:])
            if tax.compound or leads:
                upto = sum(self.multiples[: place + 1], Fraction(1)) / self.whole
                before = sum(self.multiples[:place], Fraction(1)) / self.whole
                part = round_fraction(base * upto / units, rounding)
                part -= round_fraction(base * before / units, rounding)
            else:
                part = round_fraction(base * self.factors[place] / units, rounding)
            result.append(part * units)
        return result


def taxes_of(things: Sequence[Taxable], policy: PricingPolicy) -> list[tuple[int, ...]]:
    """
    The taxes of each thing, in minor units and in the order that the thing names them.

    Raises:
        InvalidTaxError: Stated included taxes are more than the amount that contains them.

    Source:
        RULES P-4 (base), P-5 (where it is rounded), P-6 (included); stated amounts are kept.

    >>> from ordercore.pricing.policy import STANDARD_PRICING
    >>> vat = Tax(code="VAT", rate=Fraction(20, 100))
    >>> things = [Taxable(base=x, charged=x, taxes=(vat,), included=True) for x in (10200, 3)]
    >>> taxes_of(things, STANDARD_PRICING)
    [(1700,), (1,)]
    """
    plans: dict[tuple[tuple[Tax, ...], bool], _Plan] = {}
    found: list[_Plan] = []
    for thing in things:
        key = (thing.taxes, thing.included)
        plan = plans.get(key)
        if plan is None:
            plan = plans[key] = _Plan(*key)
        found.append(plan)
    if policy.taxes_per is TaxRounding.GROUP:
        raw = _grouped(things, found, policy)
    else:
        per_unit = policy.taxes_per is TaxRounding.UNIT
        raw = [
            plan.amounts(thing.base, thing.units if per_unit else 1, policy) if plan.taxes else []
            for thing, plan in zip(things, found, strict=True)
        ]
    return [
        _settled(thing, plan, amounts)
        for thing, plan, amounts in zip(things, found, raw, strict=True)
    ]


def _grouped(
    things: Sequence[Taxable], plans: Sequence[_Plan], policy: PricingPolicy
) -> list[list[int]]:
    """Each group is taxed once, and its tax apportioned back to the bases (RULES P-5)."""
    result = [[0] * len(thing.taxes) for thing in things]
    groups: dict[_Group, list[_Place]] = {}
    for index, (thing, plan) in enumerate(zip(things, plans, strict=True)):
        for place, (tax, factor) in enumerate(zip(thing.taxes, plan.factors, strict=True)):
            if tax.amount is None:
                mode = (thing.included, factor, thing.base < 0)
                key = (tax.code, tax.category, tax.rate, *mode)
                groups.setdefault(key, []).append((index, place))
    for key, members in groups.items():
        bases = [things[index].base for index, _ in members]
        total = round_fraction(sum(bases) * key[4], policy.tax_rounding)
        if total:
            parts = apportion_minor(total, [abs(base) for base in bases])
            for (index, place), part in zip(members, parts, strict=True):
                result[index][place] = part
    return result


_NONE: Final[tuple[int, ...]] = ()


def _settled(thing: Taxable, plan: _Plan, amounts: list[int]) -> tuple[int, ...]:
    """Stated amounts are kept; included taxes are not more than what contains them."""
    if not amounts:
        return _NONE
    if plan.is_stated:
        for place, tax in enumerate(thing.taxes):
            if tax.amount is not None:
                amounts[place] = tax.amount.minor
        _check_stated(thing, amounts)
    elif thing.included and _exceed(thing, amounts):
        return apportion_minor(thing.charged, amounts)
    return tuple(amounts)


def _exceed(thing: Taxable, amounts: list[int]) -> bool:
    """
    Whether more tax is found than what is charged, by more than its own roundings.

    So it may be where the base is another amount, or where the tax of each unit is rounded.
    """
    rounded = len(amounts) // 2 if thing.base == thing.charged else 0
    return sum(amounts) - thing.charged > rounded and thing.charged >= 0


def _check_stated(thing: Taxable, amounts: list[int]) -> None:
    for tax, amount in zip(thing.taxes, amounts, strict=True):
        if (amount < 0) is not (thing.charged < 0) and amount:
            raise InvalidTaxError(tax.code, "its amount has another sign than what it is taken of")
    if thing.included and abs(sum(amounts)) > abs(thing.charged):
        raise InvalidTaxError(
            thing.taxes[0].code, "more is stated than the amount that has it in it"
        )
