"""
What a plan takes for each line, while it is made; and the plans that need no choice of strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ordercore.ids import ItemId, LocationId
from ordercore.inventory._packing import WholeLine, pack
from ordercore.inventory._plan import Leg, Plan, SourcingRequest
from ordercore.inventory.model import WantedLine

__all__ = ["Reason", "Taken", "plan_of", "total", "units_at", "whole_lines"]

Reason = Callable[[ItemId, LocationId], str]
Taken = Mapping[int, Sequence[tuple[LocationId, int]]]
"""What each wanted line, by its index, gets from where."""
PACKING_EFFORT: Final = 50_000
"""How many steps are spent on whole lines of one item."""


def plan_of(
    request: SourcingRequest, taken: Taken, reason: Reason, *, bounded: bool = False
) -> Plan:
    """The plan in which each line gets what was taken for it, with what is left over."""
    legs: list[Leg] = []
    unfilled: list[WantedLine] = []
    for index, line in enumerate(request.wanted):
        missing = line.quantity
        for location, units in taken.get(index, ()):
            missing -= units
            legs.append(
                Leg(
                    line=line.line,
                    item=line.item,
                    location=location,
                    quantity=units,
                    reason=reason(line.item, location),
                )
            )
        if missing:
            unfilled.append(WantedLine(line=line.line, item=line.item, quantity=missing))
    gap = sum(line.quantity for line in unfilled) if bounded else 0
    return Plan(legs=tuple(legs), unfilled=tuple(unfilled), bounded=bounded, gap=gap)


def units_at(request: SourcingRequest, location: LocationId) -> Taken:
    """What each line gets when everything comes from *location*."""
    left = {line.item: request.offers(line.item).get(location, 0) for line in request.wanted}
    if request.constraints.whole_lines:
        return whole_lines(request, {item: (location,) * bool(n) for item, n in left.items()})[0]
    taken: dict[int, Sequence[tuple[LocationId, int]]] = {}
    for index, line in enumerate(request.wanted):
        units = min(line.quantity, left[line.item])
        if units:
            left[line.item] -= units
            taken[index] = ((location, units),)
    return taken


def total(taken: Taken) -> int:
    """How many units were taken in all."""
    return sum(units for parts in taken.values() for _, units in parts)


def whole_lines(
    request: SourcingRequest, ranked: Mapping[ItemId, Sequence[LocationId]]
) -> tuple[Taken, bool]:
    """Each line from one location, item by item; the units of a later rank cost more."""
    taken: dict[int, Sequence[tuple[LocationId, int]]] = {}
    complete = True
    for item, order in ranked.items():
        offers = request.offers(item)
        indices = [at for at, line in enumerate(request.wanted) if line.item == item]
        lines = [
            WholeLine(
                quantity=(wanted := request.wanted[at].quantity),
                sites=tuple(
                    (site, site, site * wanted)
                    for site, location in enumerate(order)
                    if offers[location] >= wanted
                ),
            )
            for at in indices
        ]
        packed = pack(
            lines,
            pools=[offers[location] for location in order],
            fixed=[0] * len(order),
            effort=PACKING_EFFORT,
        )
        complete = complete and packed.complete
        for at, site in zip(indices, packed.sites, strict=True):
            if site is not None:
                taken[at] = ((order[site], request.wanted[at].quantity),)
    return taken, complete
