"""
What sourcing is asked and what it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

from attrs import field, frozen

from ordercore.ids import ItemId, LineId, LocationId
from ordercore.inventory._checks import (
    a,
    count,
    flag,
    limit,
    mapping_of,
    place_or_none,
    set_of,
    tuple_of,
)
from ordercore.inventory.model import StockPlace, WantedLine

__all__ = ["NO_CONSTRAINTS", "Constraints", "Leg", "Plan", "Point", "Site", "SourcingRequest"]

Point = tuple[int, int]
"""Latitude and longitude in thousandths of a degree."""


@frozen(kw_only=True)
class Site:
    """What is known of a location: where it is, and what a parcel and a unit cost (minor units)."""

    point: Point | None = field(default=None, converter=place_or_none)
    parcel_minor: int | None = field(default=None, validator=limit)
    unit_minor: int = field(default=0, validator=count)


@frozen(kw_only=True)
class Constraints:
    """
    What a plan must not do (RULES I-7).

    Args:
        closed: Locations that send nothing.
        banned: Items that must not go from a location.
        keep_back: Units of every item to leave at a location, besides its safety stock.
        whole_order: Everything from one location.
        whole_lines: A line from one location, or not at all.
    """

    closed: frozenset[LocationId] = field(default=frozenset[LocationId](), validator=set_of(str))
    banned: frozenset[StockPlace] = field(
        default=frozenset[StockPlace](), validator=set_of(StockPlace)
    )
    keep_back: Mapping[LocationId, int] = field(
        factory=dict[LocationId, int], validator=mapping_of(int), hash=False
    )
    whole_order: bool = field(default=False, validator=flag)
    whole_lines: bool = field(default=False, validator=flag)


NO_CONSTRAINTS: Final = Constraints()


@frozen(kw_only=True)
class SourcingRequest:
    """
    What is wanted, what each place can supply, and what is known of the locations.

    ``supply`` counts units for new promises; safety stock is not in it.
    """

    wanted: tuple[WantedLine, ...] = field(validator=tuple_of(WantedLine))
    supply: Mapping[StockPlace, int] = field(hash=False)
    sites: Mapping[LocationId, Site] = field(
        factory=dict[LocationId, Site], validator=mapping_of(Site), hash=False
    )
    destination: Point | None = field(default=None, converter=place_or_none)
    constraints: Constraints = field(default=NO_CONSTRAINTS, validator=a(Constraints))

    @cached_property
    def _by_item(self) -> Mapping[ItemId, Mapping[LocationId, int]]:
        bound = self.constraints
        found: dict[ItemId, dict[LocationId, int]] = {line.item: {} for line in self.wanted}
        for place in sorted(self.supply):
            if place.item not in found or place.location in bound.closed or place in bound.banned:
                continue
            units = self.supply[place] - bound.keep_back.get(place.location, 0)
            if units > 0:
                found[place.item][place.location] = units
        return found

    def offers(self, item: ItemId) -> Mapping[LocationId, int]:
        """How many units of *item* each location may send; only those that may send some."""
        return self._by_item.get(item, {})

    @cached_property
    def locations(self) -> tuple[LocationId, ...]:
        """Every location that may send something wanted, in ascending order."""
        return tuple(sorted({at for offers in self._by_item.values() for at in offers}))


@frozen(kw_only=True)
class Leg:
    """Some units of one line from one location, and why from there."""

    line: LineId
    item: ItemId
    location: LocationId
    quantity: int
    reason: str = ""


@frozen(kw_only=True)
class Plan:
    """
    From where to send what; it explains itself.

    ``unfilled`` is what no location can supply. ``bounded``: a limit stopped the search, and a
    better plan could be better by at most ``gap`` (in what the strategy counts: parcels, minor
    units; units supplied, where it ranks). ``cost`` is what it counts for this plan.
    """

    legs: tuple[Leg, ...] = ()
    unfilled: tuple[WantedLine, ...] = ()
    cost: int = 0
    bounded: bool = False
    gap: int = 0

    @property
    def planned(self) -> int:
        """How many units the plan sends."""
        return sum(leg.quantity for leg in self.legs)

    @property
    def explanation(self) -> tuple[str, ...]:
        """One sentence for each leg, each shortage, and a search that was stopped."""
        told = [
            f"{leg.quantity} of {leg.item} from {leg.location} for {leg.line}: {leg.reason}."
            for leg in self.legs
        ]
        told += [
            f"{line.quantity} of {line.item} for {line.line}: no location can supply them."
            for line in self.unfilled
        ]
        if self.bounded:
            told.append(f"The search was stopped: a better plan saves at most {self.gap}.")
        return tuple(told)
