"""
Giving stock back, with the leave to sell it: allotments of a channel or a buyer (RULES I-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve

from ordercore.ids import ItemId, LineId
from ordercore.inventory.events import UnitsReleased
from ordercore.inventory.model import Allocation, WantedLine
from ordercore.order.model import Order
from ordercore.pricing.slots import NO_SLOTS

__all__ = ["newly_sold", "release"]


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
