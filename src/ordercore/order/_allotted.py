"""
Giving stock back, with the leave to sell it: allotments of a channel or a buyer (RULES I-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import ItemId, LineId, LocationId
from ordercore.inventory.events import UnitsReleased, UnitsReserved
from ordercore.inventory.model import Allocation, WantedLine
from ordercore.order.model import Order
from ordercore.pricing.model import PricedLine
from ordercore.pricing.slots import NO_SLOTS

__all__ = ["newly_sold", "release", "taken_over"]


def release(order: Order, freed: Iterable[Allocation], now: datetime) -> tuple[UnitsReleased, ...]:
    """
    The fact that gives these units back, and what was taken from allotments for them.

    Source:
        RULES I-4, I-11.
    """
    units = tuple(freed)
    allotments = tuple(_not_sold(order, units))
    if not units and not allotments:
        return ()
    return (UnitsReleased(order.stream, units, allotments, at=now),)


def newly_sold(order: Order, taken: Iterable[Allocation]) -> tuple[WantedLine, ...]:
    """By line, the units of a reservation that no allotment has been taken for (RULES I-11)."""
    units: dict[tuple[LineId, ItemId], int] = {}
    for at in taken:
        units[at.line, at.item] = units.get((at.line, at.item), 0) + at.quantity
    spare = {at.line: at.reserved for at in _not_sold(order, ())}
    return tuple(
        WantedLine(line=line, item=item, quantity=count - spare.get(line, 0))
        for (line, item), count in units.items()
        if count > spare.get(line, 0)
    )


def _not_sold(order: Order, freed: Iterable[Allocation]) -> Iterator[Allocation]:
    """What is taken from allotments beyond what is still held, awaited or sent."""
    less: dict[LineId, int] = {}
    for at in freed:
        less[at.line] = less.get(at.line, 0) + at.quantity
    for at in order.stock.allotments:
        have = order.stock.reserved(at.line) + order.stock.queued(at.line) - less.get(at.line, 0)
        sent = len(order.fulfilment.dispatched.get(at.line, NO_SLOTS))
        if at.reserved > have + sent:
            yield evolve(at, reserved=at.reserved - have - sent)


def taken_over(
    order: Order, lines: Iterable[PricedLine], gone: tuple[Event, ...], now: datetime
) -> Iterator[Event]:
    """
    Units that new lines take over from those that they replace, without a gap.

    What was taken from allotments for them stays taken (RULES I-11).
    """
    freed = [event for event in gone if isinstance(event, UnitsReleased)]
    free = [row for event in freed for row in event.allocations]
    sold = [at for event in freed for at in event.allotments]
    rows: list[Allocation] = []
    allotted: list[Allocation] = []
    for line in lines:
        need = line.quantity if line.needs_fulfilment and line.tracks_stock else 0
        for place, row in enumerate(free):
            units = min(need, row.reserved) if row.item == line.item else 0
            if units:
                rows.append(evolve(row, line=line.id, reserved=units, queued=0))
                allotted += _still_sold(sold, rows[-1], row.line)
                free[place] = evolve(row, reserved=row.reserved - units)
                need -= units
    if rows:
        yield UnitsReserved(order.stream, tuple(rows), tuple(allotted), at=now)


def _still_sold(sold: list[Allocation], row: Allocation, old: LineId) -> Iterator[Allocation]:
    """What of the allotments that the line *old* frees the units of *row* keep; *sold* shrinks."""
    left: dict[LocationId, int] = {}
    for place, at in enumerate(sold):
        units = min(at.reserved, left.get(at.location, row.reserved)) if at.line == old else 0
        if units:
            yield evolve(at, line=row.line, reserved=units)
            sold[place] = evolve(at, reserved=at.reserved - units)
            left[at.location] = left.get(at.location, row.reserved) - units
