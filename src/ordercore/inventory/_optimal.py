"""
Plans that cost least, over what is counted: parcels, or money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from ordercore.ids import ItemId, LocationId
from ordercore.inventory._packing import Packed, WholeLine, pack
from ordercore.inventory._plan import Plan, SourcingRequest
from ordercore.inventory._solver import Found, Sites, cheapest_sites
from ordercore.inventory._taken import Taken, plan_of, total, units_at

__all__ = ["Costs", "optimal_plan"]


NOTHING: Final[Taken] = {}


@frozen(kw_only=True)
class Costs:
    """What a parcel from each location costs, and a unit from each (none named: nothing)."""

    parcel: Mapping[LocationId, int]
    unit: Mapping[LocationId, int] = field(factory=dict[LocationId, int])

    def of(self, taken: Taken) -> int:
        """What a plan costs."""
        used = {location for parts in taken.values() for location, _ in parts}
        units = sum(
            units * self.unit.get(location, 0)
            for parts in taken.values()
            for location, units in parts
        )
        return sum(self.parcel[location] for location in used) + units


def optimal_plan(
    request: SourcingRequest,
    costs: Costs,
    *,
    effort: int,
    reason: Callable[[LocationId], str],
) -> Plan:
    """
    The plan that supplies as much as possible and then costs least.

    Args:
        request: What is wanted, and under which constraints.
        costs: Of parcels and units, in whatever is counted.
        effort: The limit of the search, in thousands of offers looked at.
        reason: Why a leg comes from its location, as the end of a sentence.

    Source:
        RULES I-7.
    """
    bound: int | None = None
    complete = True
    if request.constraints.whole_order:
        taken = _from_one(request, costs)
    elif not request.constraints.whole_lines:
        taken, bound = _shared_out(request, costs, effort)
    elif _is_coupled(request):
        taken, bound, complete = _packed(request, costs, effort)
    else:
        taken, bound = _by_line(request, costs, effort)
    cost = costs.of(taken)
    gap = 0 if bound is None else cost - bound
    plan = plan_of(request, taken, lambda _item, location: reason(location))
    return evolve(plan, cost=cost, bounded=gap > 0 or not complete, gap=gap)


def _from_one(request: SourcingRequest, costs: Costs) -> Taken:
    """All from the location that can supply most; among equals the cheapest."""
    choices = [units_at(request, location) for location in request.locations]
    return min(choices, key=lambda taken: (-total(taken), costs.of(taken)), default=NOTHING)


def _solved(
    request: SourcingRequest,
    costs: Costs,
    goods: Sequence[tuple[int, Mapping[LocationId, int]]],
    effort: int,
) -> Found:
    """The cheapest sites for some goods, each its need and what each location can give of it."""
    where = {location: at for at, location in enumerate(request.locations)}
    give: list[dict[int, int]] = [{} for _ in where]
    for good, (need, offers) in enumerate(goods):
        for location, units in offers.items():
            give[where[location]][good] = min(need, units)
    sites = Sites(
        need=tuple(need for need, _ in goods),
        give=tuple(give),
        unit=tuple(
            dict.fromkeys(give[at], costs.unit.get(location, 0)) for location, at in where.items()
        ),
        fixed=tuple(costs.parcel[location] for location in where),
    )
    return cheapest_sites(sites, effort=effort)


def _shared_out(request: SourcingRequest, costs: Costs, effort: int) -> tuple[Taken, int]:
    """Lines may be split: each item is one good; its units are dealt out to its lines in turn."""
    wanted: dict[ItemId, int] = {}
    for line in request.wanted:
        wanted[line.item] = wanted.get(line.item, 0) + line.quantity
    goods = [
        (min(units, sum(request.offers(item).values())), request.offers(item))
        for item, units in wanted.items()
        if request.offers(item)
    ]
    if not goods:
        return {}, 0
    found = _solved(request, costs, goods, effort)
    opened = [request.locations[site] for site in found.sites]
    left: dict[ItemId, list[list[int]]] = {}
    for item in wanted:
        offers = request.offers(item)
        order = sorted(
            (at for at in opened if at in offers),
            key=lambda at: (costs.unit.get(at, 0), -offers[at], at),
        )
        left[item] = [[opened.index(at), offers[at]] for at in order]
    taken: dict[int, list[tuple[LocationId, int]]] = {}
    for index, line in enumerate(request.wanted):
        missing = line.quantity
        for part in left[line.item]:
            units = min(missing, part[1])
            if units:
                part[1] -= units
                missing -= units
                taken.setdefault(index, []).append((opened[part[0]], units))
    return taken, found.bound


def _is_coupled(request: SourcingRequest) -> bool:
    """Whether lines of one item compete for the same units."""
    return len({line.item for line in request.wanted}) < len(request.wanted)


def _by_line(request: SourcingRequest, costs: Costs, effort: int) -> tuple[Taken, int]:
    """Lines may not be split and are of different items: each line is one good."""
    indices: list[int] = []
    goods: list[tuple[int, Mapping[LocationId, int]]] = []
    for index, line in enumerate(request.wanted):
        fits = {at: n for at, n in request.offers(line.item).items() if n >= line.quantity}
        if fits:
            indices.append(index)
            goods.append((line.quantity, fits))
    if not goods:
        return {}, 0
    found = _solved(request, costs, goods, effort)
    opened = [request.locations[site] for site in found.sites]
    taken: dict[int, Sequence[tuple[LocationId, int]]] = {}
    for index, (need, offers) in zip(indices, goods, strict=True):
        best = min((at for at in opened if at in offers), key=lambda at: costs.unit.get(at, 0))
        taken[index] = ((best, need),)
    return taken, found.bound


def _packed(request: SourcingRequest, costs: Costs, effort: int) -> tuple[Taken, int | None, bool]:
    """Lines may not be split and compete: searched line by line; the bound lets them share."""
    where = {location: at for at, location in enumerate(request.locations)}
    pools: dict[tuple[ItemId, LocationId], int] = {}
    lines: list[WholeLine] = []
    for line in request.wanted:
        offers = request.offers(line.item)
        fits = sorted(
            (line.quantity * costs.unit.get(at, 0), where[at], at)
            for at, units in offers.items()
            if units >= line.quantity
        )
        sites = tuple(
            (site, pools.setdefault((line.item, at), len(pools)), cost) for cost, site, at in fits
        )
        lines.append(WholeLine(quantity=line.quantity, sites=sites))
    packed = pack(
        lines,
        pools=[request.offers(item)[at] for item, at in pools],
        fixed=[costs.parcel[location] for location in request.locations],
        effort=effort,
    )
    taken = {
        index: ((request.locations[site], request.wanted[index].quantity),)
        for index, site in enumerate(packed.sites)
        if site is not None
    }
    return taken, _packing_bound(request, costs, packed, effort), packed.complete


def _packing_bound(
    request: SourcingRequest, costs: Costs, packed: Packed, effort: int
) -> int | None:
    """No plan that serves as many lines can cost less; None when the search proved it itself."""
    if packed.complete:
        return None
    served = tuple(
        line for line, site in zip(request.wanted, packed.sites, strict=True) if site is not None
    )
    return _by_line(evolve(request, wanted=served), costs, effort)[1]
