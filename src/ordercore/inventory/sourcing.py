"""
From where the goods go: a plan is always a list of (line, item, location, quantity).

A `Strategy` is a pure value. Three rank the locations and take them in turn (`InOrder`, `Nearest`,
`MostStock`); two find the optimum (`FewestParcels`, `LeastCost`) and say ``bounded``, with the gap,
when a limit stopped the search. Hosts write their own by ranking (`RankedStrategy`) or from
scratch (`Strategy`). Whatever the strategy, it plans as much as can be supplied (RULES I-7).

Distances are the only floats here; they end as whole metres.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from ordercore.ids import LocationId
from ordercore.inventory._checks import (
    InvalidStockError,
    checked_point,
    count,
    mapping_of,
    tuple_of,
)
from ordercore.inventory._optimal import Costs, optimal_plan
from ordercore.inventory._plan import (
    NO_CONSTRAINTS,
    Constraints,
    Leg,
    Plan,
    Point,
    Site,
    SourcingRequest,
)
from ordercore.inventory._ranked import Choice, Offers, ranked_plan
from ordercore.money import round_ratio

__all__ = [
    "NO_CONSTRAINTS",
    "Choice",
    "Constraints",
    "FewestParcels",
    "InOrder",
    "InvalidStockError",
    "LeastCost",
    "Leg",
    "MostStock",
    "Nearest",
    "Offers",
    "Plan",
    "RankedStrategy",
    "Site",
    "SourcingRequest",
    "Strategy",
    "distance_m",
]

EARTH_RADIUS_M: Final = 6_371_009
EFFORT: Final = 25_000
"""How long an optimal strategy searches, in thousands of offers looked at: seconds at most."""
FARTHEST_M: Final = 20_100_000
"""Half around the earth, for places whose position nobody knows."""


def distance_m(one: Point, other: Point) -> int:
    """
    The great-circle distance of two places, in whole metres.

    Args:
        one, other: Latitude and longitude in thousandths of a degree.

    Raises:
        InvalidStockError: One of them is no place on earth.

    Source:
        RULES I-7; the haversine formula on a sphere of 6,371,009 m.

    >>> distance_m((52_520, 13_405), (48_137, 11_575))  # Berlin, Munich
    504339
    """
    (south, west), (north, east) = checked_point(one), checked_point(other)
    lat1, lat2 = math.radians(south / 1000), math.radians(north / 1000)
    across = math.radians((east - west) / 1000)
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin(across / 2) ** 2
    return round(2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half))))


Sites = Mapping[LocationId, Site]


def _distance(request: SourcingRequest, location: LocationId, known: Sites) -> int | None:
    """How far the goods would travel, in metres; None where nobody knows."""
    site = request.sites.get(location) or known.get(location)
    if request.destination is None or site is None or site.point is None:
        return None
    return distance_m(site.point, request.destination)


class Strategy(ABC):
    """
    How to choose among locations. The host may write its own.

    Promise of `plan`: only legs that the request's supply and constraints allow, at most what is
    wanted, and as much of it as can be supplied.
    """

    __slots__ = ()

    @abstractmethod
    def plan(self, request: SourcingRequest) -> Plan:
        """From where to send what, and why."""


class RankedStrategy(Strategy):
    """A strategy that takes locations in turn; the host says which comes first, and why."""

    __slots__ = ()

    @abstractmethod
    def rank(self, offers: Offers) -> Sequence[Choice]:
        """The locations in *offers*, the best first, each with the reason as a phrase."""

    def plan(self, request: SourcingRequest) -> Plan:
        """Each line from the first locations of the rank that have it."""
        return ranked_plan(request, self.rank)


@frozen
class InOrder(RankedStrategy):
    """The locations in the order given; those not named come last, by their ids."""

    locations: tuple[LocationId, ...] = field(default=(), validator=tuple_of(str))

    def rank(self, offers: Offers) -> Sequence[Choice]:
        """As given, then by id."""
        named = {location: place for place, location in enumerate(self.locations)}
        ranked = sorted(offers.units, key=lambda at: (named.get(at, len(named)), at))
        return [
            (at, f"number {named[at] + 1} in the given order" if at in named else "taken by its id")
            for at in ranked
        ]


@frozen(kw_only=True)
class Nearest(RankedStrategy):
    """
    The nearest location first, by great circle; places of unknown position come last.

    ``sites`` are those that the request says nothing of.
    """

    sites: Sites = field(factory=dict[LocationId, Site], validator=mapping_of(Site), hash=False)

    def rank(self, offers: Offers) -> Sequence[Choice]:
        """By distance, then by id."""
        far = {at: _distance(offers.request, at, self.sites) for at in offers.units}
        ranked = sorted((FARTHEST_M if m is None else m, at) for at, m in far.items())
        return [
            (
                at,
                "its distance is not known"
                if far[at] is None
                else f"{round_ratio(m, 1000)} km away",
            )
            for m, at in ranked
        ]


@frozen
class MostStock(RankedStrategy):
    """The location with the most units of the item first."""

    def rank(self, offers: Offers) -> Sequence[Choice]:
        """By units, the most first, then by id."""
        ranked = sorted(offers.units, key=lambda at: (-offers.units[at], at))
        return [(at, f"it has {offers.units[at]}") for at in ranked]


@frozen(kw_only=True)
class FewestParcels(Strategy):
    """
    As few locations as possible, so as few parcels; optimal, not greedy.

    ``effort`` limits the search, in thousands of offers looked at.
    """

    effort: int = field(default=EFFORT, validator=count)

    def plan(self, request: SourcingRequest) -> Plan:
        """The fewest locations that can supply as much as all can."""
        return optimal_plan(
            request,
            Costs(parcel=dict.fromkeys(request.locations, 1)),
            effort=self.effort,
            reason=lambda _location: "one of the fewest possible parcels",
        )


@frozen(kw_only=True)
class LeastCost(Strategy):
    """
    The cheapest plan; optimal, not greedy. Amounts in minor units of one currency.

    A parcel costs its site's ``parcel_minor`` (or the one here) and ``per_km_minor`` for each
    kilometre, rounded half up; a unit costs its site's ``unit_minor``. ``sites`` are those that
    the request says nothing of.
    """

    sites: Sites = field(factory=dict[LocationId, Site], validator=mapping_of(Site), hash=False)
    parcel_minor: int = field(default=0, validator=count)
    per_km_minor: int = field(default=0, validator=count)
    effort: int = field(default=EFFORT, validator=count)

    def parcel_cost(self, request: SourcingRequest, location: LocationId) -> int:
        """What one parcel from *location* costs, in minor units."""
        site = request.sites.get(location) or self.sites.get(location)
        own = None if site is None else site.parcel_minor
        metres = _distance(request, location, self.sites) or 0
        way = round_ratio(self.per_km_minor * metres, 1000)
        return (self.parcel_minor if own is None else own) + way

    def plan(self, request: SourcingRequest) -> Plan:
        """The cheapest way to supply as much as all locations can."""
        costs = Costs(
            parcel={at: self.parcel_cost(request, at) for at in request.locations},
            unit={at: site.unit_minor for at, site in {**self.sites, **request.sites}.items()},
        )
        return optimal_plan(
            request,
            costs,
            effort=self.effort,
            reason=lambda at: f"in the cheapest plan, where its parcel costs {costs.parcel[at]}",
        )
