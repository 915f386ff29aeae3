"""
Parts of credits: how an amount is divided over net and taxes; behind `ordercore.refund.calculate`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ordercore.ids import LineId
from ordercore.money import Currency, Money, apportion_minor, follow
from ordercore.pricing.model import ChargeKind, PricedCharge
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditPart
from ordercore.refund.worth import Key

__all__ = ["GOODS", "added", "of_owner", "parts_of", "split", "total_of"]

GOODS: Final[Key] = ("", "")


def of_owner(amounts: Mapping[Key, int], charge: str) -> dict[Key, int]:
    """Net and taxes of the goods (no *charge*), or of one charge."""
    return {key: minor for key, minor in amounts.items() if key[0] == charge}


def split(minor: int, left: Mapping[Key, int]) -> dict[Key, int]:
    """
    Divide *minor*, with tax, over a net and its taxes, as they are in what is left.

    Each tax by itself, so that equal taxes stay equal; the rest is net. Where that leaves a net
    below zero or above what there is, all are apportioned.

    >>> split(100, {("", ""): 1000, ("", "VAT"): 200})
    {('', ''): 83, ('', 'VAT'): 17}
    """
    net, *taxes = left
    gross = sum(left.values())
    result = {key: follow(minor, left[key], gross) for key in taxes}
    rest = minor - sum(result.values())
    if 0 < minor <= gross and not 0 <= rest <= left[net] and min(left.values()) >= 0:
        return dict(zip(left, apportion_minor(minor, list(left.values())), strict=True))
    return {net: rest, **result}


def parts_of(
    amounts: Mapping[Key, int],
    *,
    currency: Currency,
    line: LineId,
    slots: SlotSet,
    charge: PricedCharge | None = None,
    promotion: str = "",
    adjusts: bool = False,
    rule: str,
) -> Iterator[CreditPart]:
    """
    The parts for net and taxes of some slots; those of nothing are left out.

    But the net of goods that are credited in full is kept even at zero: it says which slots.
    """
    component, code = "goods", ""
    if charge is not None:
        component = "shipping" if charge.kind is ChargeKind.SHIPPING else "charge"
        code = charge.id
    elif promotion:
        component, code = "promotion", promotion
    for key, minor in amounts.items():
        if minor or (key == GOODS and not adjusts):
            yield CreditPart(
                component="tax" if key[1] else component,
                code=key[1] or code,
                charge=key[0],
                line=line,
                slots=slots,
                amount=Money(minor, currency),
                adjusts=adjusts,
                rule=rule,
            )


def total_of(parts: Iterable[CreditPart]) -> int:
    """The sum of the parts, in minor units."""
    return sum(part.amount.minor for part in parts)


def added(parts: Iterable[CreditPart]) -> dict[tuple[str, str], int]:
    """The sums of parts with the same component and code."""
    sums: dict[tuple[str, str], int] = {}
    for part in parts:
        name = (part.component, part.code)
        sums[name] = sums.get(name, 0) + part.amount.minor
    return sums
