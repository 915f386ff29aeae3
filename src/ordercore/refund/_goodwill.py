"""
Goodwill: money that belongs to no unit, and makes room when the units come back too (RULES RF-1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from ordercore.money import apportion_minor, follow
from ordercore.pricing.model import PricedOrder
from ordercore.refund.model import CreditPart

__all__ = ["GOODWILL", "parts_of_goodwill", "room_for_goods"]

GOODWILL: Final = "goodwill"
"""The rule of its parts, and the component of its net."""

_Change: TypeAlias = tuple[str, str, int]
"""A component, its code, and minor units."""
_NET: Final = (GOODWILL, "")


def parts_of_goodwill(minor: int, priced: PricedOrder, *, is_taxed: bool) -> Iterator[_Change]:
    """Goodwill with the taxes that are in it, in proportion to those of the whole order."""
    net = minor
    for code, tax in _taxes(priced).items() if is_taxed else ():
        part = follow(minor, tax, priced.total.minor)
        net -= part
        yield "tax", code, part
    yield *_NET, net


def room_for_goods(parts: Sequence[CreditPart], priced: PricedOrder) -> Iterator[_Change]:
    """
    What goodwill gives way by, once units come back whose amount or tax it has lowered already.

    First no tax is credited beyond what was charged of it: the surplus becomes net. Then no more
    is credited than was charged at all.
    """
    given = Counter[tuple[str, str]]()
    credited = Counter[str]()
    for part in parts:
        if part.rule == GOODWILL:
            given[part.component, part.code] += part.amount.minor
        if part.component == "tax":
            credited[part.code] += part.amount.minor
    for code, charged in _taxes(priced).items():
        surplus = min(credited[code] - charged, given["tax", code])
        if surplus > 0:
            given["tax", code] -= surplus
            given[_NET] += surplus
            yield "tax", code, -surplus
            yield *_NET, surplus
    names = [name for name, minor in given.items() if minor > 0]
    excess = sum(part.amount.minor for part in parts) - priced.total.minor
    excess = min(excess, sum(given[name] for name in names))
    if excess > 0:
        shares = apportion_minor(excess, [given[name] for name in names])
        for (component, code), share in zip(names, shares, strict=True):
            yield component, code, -share


def _taxes(priced: PricedOrder) -> Counter[str]:
    taxes = Counter[str]()
    for part in priced.parts:
        for tax in part.taxes:
            taxes[tax.code] += tax.amount.minor
    return taxes
