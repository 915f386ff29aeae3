"""
Taking and giving back: reservation plans, the queue, and what a lost unit does to whom.

A plan is made from counters that were read; the store's conditional write decides. When somebody
was faster, the plan is made anew from fresh counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum, unique
from typing import Final

from attrs import evolve, field, frozen

from ordercore.ids import ItemId, LineId, LocationId
from ordercore.inventory._checks import a, flag, mapping_of, place_or_none
from ordercore.inventory._queue import fill, queue_of, rebalance, requeue
from ordercore.inventory.model import (
    NO_STOCK,
    Allocation,
    Counters,
    OutOfStockError,
    Shortage,
    StockPlace,
    WantedLine,
)
from ordercore.inventory.sourcing import (
    NO_CONSTRAINTS,
    Constraints,
    InOrder,
    Site,
    SourcingRequest,
    Strategy,
)

__all__ = [
    "BackorderRule",
    "Circumstances",
    "WantedLine",
    "fill",
    "freed",
    "handed_over",
    "plan_allotments",
    "plan_release",
    "plan_reservation",
    "queue_of",
    "rebalance",
    "requeue",
]


@unique
class BackorderRule(StrEnum):
    """What a reservation may leave open (RULES I-3)."""

    NONE = "none"
    """All or nothing, from what is there."""
    ALLOW = "allow"
    """All or nothing: what is there is reserved, the rest queues within the backorder limits."""
    PARTIAL = "partial"
    """What is there is reserved; the rest is not taken."""
    PARTIAL_ALLOW = "partial_allow"
    """What is there is reserved, what the limits allow queues; the rest is not taken."""


QUEUES: Final = frozenset({BackorderRule.ALLOW, BackorderRule.PARTIAL_ALLOW})
WHOLE: Final = frozenset({BackorderRule.NONE, BackorderRule.ALLOW})


@frozen(kw_only=True)
class Circumstances:
    """
    What a plan must know besides the stock.

    ``fill_partly``: may a queued line be filled piece by piece, or only as a whole?
    """

    sites: Mapping[LocationId, Site] = field(
        factory=dict[LocationId, Site], validator=mapping_of(Site), hash=False
    )
    destination: tuple[int, int] | None = field(default=None, converter=place_or_none)
    constraints: Constraints = field(default=NO_CONSTRAINTS, validator=a(Constraints))
    fill_partly: bool = field(default=True, validator=flag)


PLAIN: Final = Circumstances()
_Rows = dict[tuple[LineId, ItemId, LocationId], Allocation]


def plan_reservation(
    wanted: Sequence[WantedLine],
    counters: Mapping[StockPlace, Counters],
    strategy: Strategy | None = None,
    rule: BackorderRule = BackorderRule.NONE,
    *,
    given: Circumstances = PLAIN,
) -> tuple[Allocation, ...]:
    """
    From where each line gets its units: what is reserved now, and what queues where.

    What is free anywhere is taken before anything queues; a line queues first where it has units
    already. Lines that share an item never get the same unit twice.

    Args:
        wanted: Units by line and item.
        counters: Of all these items, as read; a place that is not named has nothing.
        strategy: From where; by default the locations by their ids.
        rule: What may be left open.
        given: Locations, destination and constraints.

    Raises:
        OutOfStockError: With the short lines. Under the partial rules only when nothing at all
            can be had.

    Source:
        RULES I-3, I-5, I-7.
    """
    strategy = strategy or InOrder()
    goods = {place: row for place, row in counters.items() if not row.allotment}
    supply = {place: _units(row, wanted) for place, row in goods.items()}
    rows: _Rows = {}
    missing = _take(rows, wanted, supply, strategy, given=given)
    if missing and rule in QUEUES:
        if given.constraints.whole_order:
            rows, missing = {}, tuple(wanted)
        missing = _queue(rows, missing, goods, strategy, given=given)
    if missing and (rule in WHOLE or not rows):
        raise OutOfStockError(_short(wanted, missing))
    return tuple(rows[key] for key in sorted(rows))


def _units(row: Counters, wanted: Sequence[WantedLine]) -> int:
    """What a place can give now; one that is not tracked, whatever is wanted."""
    return row.available if row.tracked else sum(line.quantity for line in wanted)


def _asked(
    wanted: Sequence[WantedLine], supply: Mapping[StockPlace, int], given: Circumstances
) -> SourcingRequest:
    return SourcingRequest(
        wanted=tuple(wanted),
        supply=supply,
        sites=given.sites,
        destination=given.destination,
        constraints=given.constraints,
    )


def _put(
    rows: _Rows, line: LineId, place: StockPlace, *, reserved: int, queued: int, partly: bool
) -> None:
    key = (line, place.item, place.location)
    row = rows.get(key) or Allocation(
        line=line, item=place.item, location=place.location, partial=partly
    )
    rows[key] = evolve(row, reserved=row.reserved + reserved, queued=row.queued + queued)


def _take(
    rows: _Rows,
    wanted: Sequence[WantedLine],
    supply: Mapping[StockPlace, int],
    strategy: Strategy,
    *,
    given: Circumstances,
) -> tuple[WantedLine, ...]:
    """Reserve what is there; returns what is missing."""
    plan = strategy.plan(_asked(wanted, supply, given))
    for leg in plan.legs:
        place = StockPlace(leg.item, leg.location)
        partly = given.fill_partly
        _put(rows, leg.line, place, reserved=leg.quantity, queued=0, partly=partly)
    return plan.unfilled


def _queue(
    rows: _Rows,
    missing: Sequence[WantedLine],
    counters: Mapping[StockPlace, Counters],
    strategy: Strategy,
    *,
    given: Circumstances,
) -> tuple[WantedLine, ...]:
    """
    Queue what is missing; returns what no limit allows.

    A place takes units into its queue only when nothing is free there any more: what a constraint
    left over is reserved first, and where units are kept back, nobody can queue.
    """
    left, room = _room(rows, missing, counters)
    rest = _queued_at_home(rows, missing, room)
    freely = evolve(given, constraints=evolve(given.constraints, keep_back={}))
    supply = {
        place: left[place] + units
        for place, units in room.items()
        if not (left[place] and given.constraints.keep_back.get(place.location))
    }
    plan = strategy.plan(_asked(rest, supply, freely))
    for leg in plan.legs:
        place = StockPlace(leg.item, leg.location)
        now = min(left[place], leg.quantity)
        left[place] -= now
        later = leg.quantity - now
        _put(rows, leg.line, place, reserved=now, queued=later, partly=given.fill_partly)
    return plan.unfilled


def _room(
    rows: _Rows, missing: Sequence[WantedLine], counters: Mapping[StockPlace, Counters]
) -> tuple[dict[StockPlace, int], dict[StockPlace, int]]:
    """By place, what is still free beside the plan, and how many more may queue."""
    most = sum(line.quantity for line in missing)
    left = {place: row.available for place, row in counters.items() if row.tracked}
    for row in rows.values():
        if row.place in left:
            left[row.place] -= row.reserved
    room: dict[StockPlace, int] = {}
    for place in left:
        limit = counters[place].can_queue
        room[place] = most if limit is None else min(limit, most)
    return left, room


def _queued_at_home(
    rows: _Rows, missing: Sequence[WantedLine], room: dict[StockPlace, int]
) -> list[WantedLine]:
    """Queue where a line has units already; returns what remains."""
    homes: dict[tuple[LineId, ItemId], list[Allocation]] = {}
    for row in rows.values():
        homes.setdefault((row.line, row.item), []).append(row)
    rest: list[WantedLine] = []
    for line in missing:
        wanted = line.quantity
        for row in homes.get((line.line, line.item), ()):
            units = min(wanted, room.get(row.place, 0))
            if units:
                room[row.place] -= units
                wanted -= units
                _put(rows, line.line, row.place, reserved=0, queued=units, partly=row.partial)
        if wanted:
            rest.append(evolve(line, quantity=wanted))
    return rest


def _short(wanted: Sequence[WantedLine], missing: Sequence[WantedLine]) -> tuple[Shortage, ...]:
    lacks = {(line.line, line.item): line.quantity for line in missing}
    return tuple(
        Shortage(
            line=line.line,
            item=line.item,
            wanted=line.quantity,
            supplied=line.quantity - lacks[line.line, line.item],
        )
        for line in wanted
        if (line.line, line.item) in lacks
    )


def plan_allotments(
    sales: Iterable[Allocation | WantedLine],
    counters: Mapping[StockPlace, Counters],
    locations: Sequence[LocationId],
) -> tuple[Allocation, ...]:
    """
    What a reservation counts for in allotments: of a channel, of a buyer.

    An allotment is a counter row of its own (`StockPolicy.allotment`) whose ``on_hand`` is how many
    units may be sold in all, and whose reserved units are those that were. It is taken in the same
    commit, so its bound is as hard as that of the goods. A dispatch leaves it alone.

    Args:
        sales: What is sold: the allocations of a reservation, or its lines.
        counters: Of the same items.
        locations: The allotments that bind this sale; where one has no row for an item, it does
            not bind the item.

    Raises:
        OutOfStockError: More than the allotment has left.

    Source:
        RULES I-11.
    """
    sold: dict[tuple[LineId, ItemId], int] = {}
    for at in sales:
        sold[at.line, at.item] = sold.get((at.line, at.item), 0) + at.quantity
    left = {place: row.available for place, row in counters.items() if row.allotment}
    rows: list[Allocation] = []
    short: list[Shortage] = []
    for (line, item), units in sorted(sold.items()):
        for location in locations:
            place = StockPlace(item, location)
            if place not in left:
                continue
            if left[place] < units:
                lack = Shortage(line=line, item=item, wanted=units, supplied=left[place])
                short.append(evolve(lack, location=location))
                continue
            left[place] -= units
            rows.append(Allocation(line=line, item=item, location=location, reserved=units))
    if short:
        raise OutOfStockError(tuple(short))
    return tuple(rows)


def plan_release(asked: Iterable[WantedLine], held: Sequence[Allocation]) -> tuple[Allocation, ...]:
    """
    What to give back: of each line min(asked, still held), awaited units before held ones.

    Args:
        asked: Units by line and item; asking for more than is held is no error.
        held: What the owner holds by the store's rows; the last rows are given back first.

    Source:
        RULES I-4.
    """
    rows: dict[tuple[LineId, ItemId], list[Allocation]] = {}
    for at in held:
        rows.setdefault((at.line, at.item), []).append(at)
    given: list[Allocation] = []
    for line in asked:
        missing = line.quantity
        own = rows.pop((line.line, line.item), [])
        queued = {at.location: 0 for at in own}
        for at in reversed(own):
            queued[at.location] = min(missing, at.queued)
            missing -= queued[at.location]
        for at in reversed(own):
            reserved = min(missing, at.reserved)
            missing -= reserved
            if reserved or queued[at.location]:
                given.append(evolve(at, reserved=reserved, queued=queued[at.location]))
    return tuple(sorted(given, key=lambda at: (at.line, at.item, at.location)))


def handed_over(
    wanted: Iterable[WantedLine], held: Iterable[Allocation]
) -> tuple[tuple[Allocation, ...], tuple[WantedLine, ...]]:
    """
    What an order takes over from a cart's hold, and what it still has to find.

    The units stay where they are held, whoever waits there: they were promised before. Lines are
    served in their order, each from the places with the item; what the cart only waits for is
    not handed over.

    Args:
        wanted: Units by line and item of the order; the cart may have named its lines otherwise.
        held: What the cart holds by the store's rows.

    Source:
        RULES I-4: a hold becomes an order's without a gap.

    >>> cart = Allocation(line="a", item="mug", location="shop", reserved=2)
    >>> rows, rest = handed_over([WantedLine(line="1", item="mug", quantity=3)], [cart])
    >>> [(at.line, at.location, at.reserved) for at in rows], [line.quantity for line in rest]
    ([('1', 'shop', 2)], [1])
    """
    left: dict[StockPlace, int] = {}
    for at in held:
        left[at.place] = left.get(at.place, 0) + at.reserved
    rows: _Rows = {}
    rest: list[WantedLine] = []
    for line in wanted:
        missing = line.quantity
        for place in sorted(place for place in left if place.item == line.item):
            units = min(missing, left[place])
            left[place] -= units
            missing -= units
            if units:
                _put(rows, line.line, place, reserved=units, queued=0, partly=True)
        if missing:
            rest.append(evolve(line, quantity=missing))
    return tuple(rows[key] for key in sorted(rows)), tuple(rest)


def freed(
    counters: Mapping[StockPlace, Counters], allocations: Iterable[Allocation]
) -> Mapping[StockPlace, Counters]:
    """
    The counters as if these allocations were given back, to plan the commit that nets them.

    Source:
        RULES I-4: a hold becomes an order's without a gap.
    """
    rows = dict(counters)
    for at in allocations:
        row = rows.get(at.place, NO_STOCK)
        rows[at.place] = evolve(
            row,
            reserved=max(0, row.reserved - at.reserved),
            queued=max(0, row.queued - at.queued),
        )
    return rows
