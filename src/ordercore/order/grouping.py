"""Which delivery group gets which units, and when its last delivery was (RULES O-8, R-3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import evolve, frozen

from ordercore.fulfilment.decide import evolve_fulfilment
from ordercore.fulfilment.events import FulfilmentPlanned
from ordercore.fulfilment.model import FulfilmentOrder
from ordercore.fulfilment.planning import plan_fulfilment
from ordercore.ids import FulfilmentId, LineId, LocationId
from ordercore.inventory.model import Allocation
from ordercore.order.groups import PartialShipments, served
from ordercore.order.model import Order
from ordercore.order.rules import (
    dispatch_by,
    holdings,
    needs_plan,
    open_units,
    untracked_lines,
)

__all__ = ["GroupTimes", "line_times", "needs_work", "planned_by_group"]

_Place = tuple[LocationId, LineId]


@frozen(kw_only=True)
class GroupTimes:
    """When a group was last sent and delivered, and whether all of it has arrived."""

    dispatched_at: datetime | None
    delivered_at: datetime | None
    is_delivered: bool


def _wanted(order: Order, name: str, line: LineId) -> int:
    if name:
        return next(group for group in order.groups if group.id == name).wanted(line)
    named = sum(group.wanted(line) for group in order.groups)
    return order.priced.line(line).quantity - named


def _done(order: Order, name: str) -> dict[LineId, int]:
    """By line, the units of a group that were sent, or that somebody shall send."""
    found: dict[LineId, int] = {}
    for work in order.fulfilment.orders.values():
        if work.group == name:
            for known in work.lines:
                units = known.dispatched + (known.remaining if work.is_open else 0)
                found[known.line] = found.get(known.line, 0) + units
    return found


def _needs(order: Order) -> dict[str, dict[LineId, int]]:
    """
    By group, the open units that nobody works on yet.

    Of a line that was cancelled in part, the groups that are served last get less.
    """
    left = {line.id: open_units(order, line) for line in order.fulfilment_lines()}
    for work in order.fulfilment.open_orders:
        for known in work.lines:
            left[known.line] -= known.remaining
    found: dict[str, dict[LineId, int]] = {}
    for name in served(order.groups):
        done = _done(order, name)
        needs: dict[LineId, int] = {}
        for line, units in left.items():
            need = min(units, max(0, _wanted(order, name, line) - done.get(line, 0)))
            if need:
                needs[line] = need
                left[line] -= need
        found[name] = needs
    return found


def _planned(order: Order) -> dict[_Place, int]:
    found: dict[_Place, int] = {}
    for work in order.fulfilment.open_orders:
        for known in work.lines:
            place = (work.location, known.line)
            found[place] = found.get(place, 0) + known.remaining
    return found


def _shares(order: Order) -> Iterator[tuple[str, dict[_Place, int]]]:
    """For each group in turn, where its units are free; none while it waits to be complete."""
    planned = _planned(order)
    free = {
        (row.location, row.line): row.reserved - planned.get((row.location, row.line), 0)
        for row in holdings(order)
    }
    whole = {group.id for group in order.groups if group.partial is PartialShipments.COMPLETE}
    for name, needs in _needs(order).items():
        taken: dict[_Place, int] = {}
        for place in sorted(free):
            units = min(free[place], needs.get(place[1], 0))
            if units > 0:
                taken[place] = units
                needs[place[1]] -= units
        if taken and not (name in whole and any(needs.values())):
            for place, units in taken.items():
                free[place] -= units
            yield name, taken


def needs_work(order: Order) -> bool:
    """Whether a location must be told of units that are held and that nobody works on."""
    return needs_plan(order) and (not order.groups or any(True for _ in _shares(order)))


def planned_by_group(order: Order, now: datetime) -> Iterator[FulfilmentPlanned]:
    """One fact for each group that has free units: new work at each of its locations."""
    rows = {(row.location, row.line): row for row in holdings(order)}
    for name, taken in list(_shares(order)):
        planned, first = _planned(order), len(order.fulfilment.orders) + 1
        allocations = [
            _held(rows[place], planned.get(place, 0) + units) for place, units in taken.items()
        ]
        places = {location for location, _ in taken}
        ids = [FulfilmentId(f"{order.id}-F{first + number}") for number in range(len(places))]
        event = plan_fulfilment(
            order.fulfilment,
            allocations,
            ids=ids,
            now=now,
            untracked=untracked_lines(order),
            dispatch_by=dispatch_by(order, now),
        )
        if event is not None:
            event = evolve(event, orders=tuple(_named(work, name) for work in event.orders))
            order = evolve(order, fulfilment=evolve_fulfilment(order.fulfilment, event))
            yield event


def _held(row: Allocation, units: int) -> Allocation:
    return evolve(row, reserved=units, queued=0)


def _named(work: FulfilmentOrder, name: str) -> FulfilmentOrder:
    return evolve(work, group=name)


def _times(order: Order, name: str, needs: Mapping[LineId, int]) -> GroupTimes:
    works = order.fulfilment.orders
    own = [
        parcel
        for parcel in order.fulfilment.parcels.values()
        if works[parcel.fulfilment].group == name and parcel.dispatched_at is not None
    ]
    sent = [parcel.dispatched_at for parcel in own if parcel.dispatched_at is not None]
    came = [parcel.delivered_at for parcel in own if parcel.delivered_at is not None]
    waits = any(work.group == name and work.remaining for work in order.fulfilment.open_orders)
    under_way = any(parcel.is_under_way for parcel in own)
    return GroupTimes(
        dispatched_at=max(sent, default=None),
        delivered_at=max(came, default=None),
        is_delivered=bool(came) and not (waits or under_way or needs),
    )


def line_times(order: Order) -> Mapping[LineId, GroupTimes]:
    """
    For each line the times of its delivery group; of several groups the last counts.

    Source:
        RULES R-3, O-8.
    """
    needs = _needs(order)
    times = {name: _times(order, name, needs[name]) for name in needs}
    found: dict[LineId, GroupTimes] = {}
    for line in order.fulfilment_lines():
        own = [known for name, known in times.items() if _wanted(order, name, line.id) > 0]
        found[line.id] = GroupTimes(
            dispatched_at=max((t.dispatched_at for t in own if t.dispatched_at), default=None),
            delivered_at=max((t.delivered_at for t in own if t.delivered_at), default=None),
            is_delivered=all(known.is_delivered for known in own),
        )
    return found
