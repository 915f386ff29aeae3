"""
Small questions about an order's facts, each with one answer, asked by `decide` and by `due`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ordercore.fulfilment.planning import locations_to_plan
from ordercore.ids import LineId, LocationId
from ordercore.inventory.model import Allocation, WantedLine
from ordercore.moment import after
from ordercore.order.model import Order
from ordercore.order.terms import Blocks
from ordercore.pricing.model import PricedLine
from ordercore.pricing.slots import NO_SLOTS

__all__ = [
    "dispatch_by",
    "holdings",
    "is_ended",
    "is_stock_ready",
    "keeps_stock",
    "needs_plan",
    "open_units",
    "unallocated",
]


def is_ended(order: Order) -> bool:
    """Whether nothing will be claimed any more: expired, or cancelled before anything left."""
    units = order.units
    is_empty = units.ordered == units.cancelled and order.fulfilment.totals.dispatched == 0
    return order.expired_at is not None or is_empty


def open_units(order: Order, line: PricedLine) -> int:
    """The units of *line* that are neither cancelled nor dispatched."""
    return order.remaining(line) - len(order.fulfilment.dispatched.get(line.id, NO_SLOTS))


def keeps_stock(order: Order) -> bool:
    """Whether the order may hold stock: not ended, and no stage of the host says otherwise."""
    stage = order.current_stage
    return not is_ended(order) and (stage is None or stage.holds_stock)


def unallocated(order: Order) -> tuple[WantedLine, ...]:
    """Units that keep stock, are open, and are neither held nor awaited."""
    return tuple(_unallocated(order)) if keeps_stock(order) else ()


def _unallocated(order: Order) -> Iterator[WantedLine]:
    for line in order.priced.lines:
        if not (line.tracks_stock and line.needs_fulfilment):
            continue
        have = order.stock.reserved(line.id) + order.stock.queued(line.id)
        missing = open_units(order, line) - have
        if missing > 0:
            yield WantedLine(line=line.id, item=line.item, quantity=missing)


def is_stock_ready(order: Order) -> bool:
    """Whether every unit is held or, by the terms, awaited."""
    return not order.stock.refused and not unallocated(order)


def holdings(order: Order) -> tuple[Allocation, ...]:
    """What a location can work on: held units, and units that need no stock."""
    place = order.terms.place_without_stock
    untracked = tuple(
        Allocation(line=line.id, item=line.item, location=place, reserved=units)
        for line in order.fulfilment_lines()
        if not line.tracks_stock and line.kind != "digital"
        for units in (open_units(order, line) - _planned_elsewhere(order, line.id, place),)
        if units > 0
    )
    return (*order.stock.allocations, *untracked)


def _planned_elsewhere(order: Order, line: LineId, place: LocationId) -> int:
    """Units of a line whose work was moved away from a place."""
    return sum(
        known.remaining
        for work in order.fulfilment.open_orders
        if work.location != place
        for known in work.lines
        if known.line == line
    )


def untracked_lines(order: Order) -> frozenset[LineId]:
    """Lines whose units move no stock."""
    return frozenset(line.id for line in order.priced.lines if not line.tracks_stock)


def dispatch_by(order: Order, now: datetime) -> datetime | None:
    """By when work that is planned now should have left; None where the terms do not say."""
    within = order.terms.dispatch_within
    return None if within is None else after(now, within)


def needs_plan(order: Order) -> bool:
    """Whether a location must be told of units that are held and that nobody works on."""
    if order.confirmed_at is None or is_ended(order) or order.is_blocked(Blocks.FULFIL):
        return False
    return bool(locations_to_plan(order.fulfilment, holdings(order)))
