"""
What the stock and the debt take from a fact of the warehouse, in the same commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve

from ordercore.facts import Event
from ordercore.fulfilment.events import (
    FulfilmentCancelAccepted,
    FulfilmentMoved,
    PickShort,
    ShipmentDispatched,
)
from ordercore.fulfilment.model import ItemUnits, LineUnits, ShortPolicy
from ordercore.ids import LineId
from ordercore.inventory.events import UnitsFound, UnitsReleased, UnitsReserved
from ordercore.inventory.model import Allocation
from ordercore.order._cancel import close_units
from ordercore.order.evolve import replay
from ordercore.order.model import Order
from ordercore.order.rules import open_units
from ordercore.refund.model import CreditCause

__all__ = ["consequences", "found"]


def consequences(order: Order, events: tuple[Event, ...], now: datetime) -> tuple[Event, ...]:
    """
    What follows from *events*, which are facts of the warehouse about *order*.

    Source:
        RULES F-2 (moved work), F-3 (a short pick), O-5 (an accepted cancel).
    """
    after = replay(events, order) if events else order
    return tuple(more for event in events for more in _following(order, after, event, now))


def found(order: Order, events: Iterable[Event], now: datetime) -> tuple[Event, ...]:
    """
    Awaited units that leave all the same: what was packed was there, whatever had been counted.

    Source:
        RULES I-2, F-5: a truth always applies, and no report is refused.
    """
    rows: list[Allocation] = []
    for event in events:
        if isinstance(event, ShipmentDispatched):
            rows += _awaited(order, event)
    return (UnitsFound(order.stream, tuple(rows), at=now),) if rows else ()


def _awaited(order: Order, event: ShipmentDispatched) -> Iterator[Allocation]:
    """By row, the units of a parcel that the order only waits for."""
    packed = Counter[LineId]()
    for item in event.items:
        packed[item.line] += item.quantity if item.tracked else 0
    for line, units in packed.items():
        for row in order.stock.of(line):
            if row.location == event.location:
                missing = min(units - row.reserved, row.queued)
                if missing > 0:
                    yield evolve(row, reserved=0, queued=missing)


def _following(order: Order, after: Order, event: Event, now: datetime) -> Iterator[Event]:
    match event:
        case FulfilmentMoved():
            yield from _moved(order, event, now)
        case PickShort(policy=ShortPolicy.RESOURCE):
            yield from _not_awaited(after, event, now)
        case PickShort(policy=ShortPolicy.CLOSE):
            units = _counted(event.items)
            yield from close_units(after, units, now, cause=CreditCause.SHORT, reason="short pick")
        case FulfilmentCancelAccepted(lines=lines):
            yield from close_units(
                after,
                _counted(lines),
                now,
                cause=CreditCause.CANCELLED,
                reason="the location agreed",
            )
        case _:
            return


def _counted(units: Iterable[LineUnits | ItemUnits]) -> dict[LineId, int]:
    return {unit.line: unit.quantity for unit in units}


def _moved(order: Order, event: FulfilmentMoved, now: datetime) -> Iterator[Event]:
    """The reservation goes with the work: the store takes both or, without stock, neither."""
    work = order.fulfilment.orders[event.fulfilment]
    given: list[Allocation] = []
    taken: list[Allocation] = []
    for known in (line for line in work.lines if line.tracked and line.remaining > 0):
        here = [at for at in order.stock.of(known.line) if at.location == work.location]
        given += _part_of(here, known.remaining)
        others = sum(at.quantity for at in order.stock.of(known.line))
        others -= sum(at.quantity for at in given if at.line == known.line)
        possible = open_units(order, order.priced.line(known.line)) - others
        taken.append(
            Allocation(
                line=known.line,
                item=known.item,
                location=event.location,
                reserved=min(known.remaining, possible),
            )
        )
    if given:
        yield UnitsReleased(order.stream, tuple(given), at=now)
    if taken:
        yield UnitsReserved(order.stream, tuple(taken), at=now)


def _part_of(rows: Iterable[Allocation], units: int) -> Iterator[Allocation]:
    """So many units of these rows: held ones first, then awaited ones."""
    for row in rows:
        reserved = min(row.reserved, units)
        queued = min(row.queued, units - reserved)
        units -= reserved + queued
        if reserved or queued:
            yield evolve(row, reserved=reserved, queued=queued)


def _not_awaited(after: Order, event: PickShort, now: datetime) -> Iterator[Event]:
    """Units that the books had lost before wait at the short shelf no longer."""
    known = _counted(event.missing)
    freed: list[Allocation] = []
    for item in event.items:
        rest = item.quantity - known.get(item.line, 0)
        for row in after.stock.of(item.line):
            units = min(rest, row.queued) if row.location == event.location else 0
            rest -= units
            if units:
                freed.append(evolve(row, reserved=0, queued=units))
    if freed:  # what was taken from allotments stays: the units are still sold
        yield UnitsReleased(after.stream, tuple(freed), at=now)
