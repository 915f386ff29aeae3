"""
Plans that take locations in turn: for each line the first of the rank that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from ordercore.ids import ItemId, LocationId
from ordercore.inventory._plan import Plan, SourcingRequest
from ordercore.inventory._taken import Taken, plan_of, total, units_at, whole_lines

__all__ = ["Choice", "Offers", "ranked_plan"]

Choice = tuple[LocationId, str]
"""A location, and why it stands at its place of the rank: the end of a sentence."""
Ranked = Mapping[ItemId, Sequence[LocationId]]


@frozen(kw_only=True)
class Offers:
    """What a rank is made of: the units of one item by location, and the whole request."""

    item: ItemId
    units: Mapping[LocationId, int]
    request: SourcingRequest


def ranked_plan(request: SourcingRequest, rank: Callable[[Offers], Sequence[Choice]]) -> Plan:
    """The plan by rank, under the request's constraints."""
    choices = {
        item: rank(Offers(item=item, units=request.offers(item), request=request))
        for item in dict.fromkeys(line.item for line in request.wanted)
    }
    reasons = {item: dict(ranked) for item, ranked in choices.items()}
    order: Ranked = {item: tuple(at for at, _ in ranked) for item, ranked in choices.items()}
    complete = True
    if request.constraints.whole_order:
        taken = _from_one(request, order)
    elif request.constraints.whole_lines:
        taken, complete = whole_lines(request, order)
    else:
        taken = _in_turn(request, order)
    return plan_of(request, taken, lambda item, at: reasons[item][at], bounded=not complete)


def _in_turn(request: SourcingRequest, ranked: Ranked) -> Taken:
    left = {item: dict(request.offers(item)) for item in ranked}
    taken: dict[int, list[tuple[LocationId, int]]] = {}
    for index, line in enumerate(request.wanted):
        missing = line.quantity
        for location in ranked[line.item]:
            units = min(missing, left[line.item].get(location, 0))
            if units:
                left[line.item][location] -= units
                missing -= units
                taken.setdefault(index, []).append((location, units))
            if not missing:
                break
    return taken


def _from_one(request: SourcingRequest, ranked: Ranked) -> Taken:
    """All from the location that can supply most; among equals the one that ranks best."""
    places = {
        item: {location: place for place, location in enumerate(order)}
        for item, order in ranked.items()
    }
    best: tuple[int, int] | None = None
    found: Taken = {}
    for location in request.locations:
        taken = units_at(request, location)
        position = sum(place.get(location, len(place)) for place in places.values())
        if best is None or (total(taken), -position) > best:
            best, found = (total(taken), -position), taken
    return found
