"""
Changing the counts of some lines of a fulfilment order, and of no others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Final

from attrs import evolve

from ordercore.fulfilment.model import (
    FulfilmentOrder,
    FulfilmentState,
    ItemUnits,
    LineUnits,
    ParcelItem,
    Totals,
    WorkLine,
)
from ordercore.ids import LineId

__all__ = [
    "Change",
    "by_line",
    "cancel",
    "changed",
    "counted",
    "find_line",
    "pack",
    "pick",
    "put",
    "put_back",
    "ship",
    "short",
    "summed",
    "take_out",
    "unpack",
]

Change = Callable[[WorkLine, int], WorkLine]
by_line: Final = attrgetter("line")


def find_line(order: FulfilmentOrder, line: LineId) -> WorkLine | None:
    """The work on one line, found by halving."""
    place = bisect_left(order.lines, line, key=by_line)
    if place < len(order.lines) and order.lines[place].line == line:
        return order.lines[place]
    return None


def changed(
    order: FulfilmentOrder, units: Iterable[LineUnits | ItemUnits | ParcelItem], change: Change
) -> FulfilmentOrder:
    """The order with *change* done to the lines that *units* names, and to no others."""
    lines = list(order.lines)
    for unit in units:
        place = bisect_left(lines, unit.line, key=by_line)
        if place < len(lines) and lines[place].line == unit.line:
            lines[place] = change(lines[place], unit.quantity)
    return evolve(order, lines=tuple(lines))


def pick(line: WorkLine, quantity: int) -> WorkLine:
    """Units taken from the shelf."""
    return evolve(line, picked=line.picked + quantity)


def put_back(line: WorkLine, quantity: int) -> WorkLine:
    """Picked units laid back on the shelf."""
    return evolve(line, picked=max(line.picked - quantity, 0))


def short(line: WorkLine, quantity: int) -> WorkLine:
    """Units that the shelf did not have."""
    return evolve(line, short=line.short + quantity)


def pack(line: WorkLine, quantity: int) -> WorkLine:
    """Picked units put into a parcel."""
    return evolve(line, packed=line.packed + quantity)


def unpack(line: WorkLine, quantity: int) -> WorkLine:
    """Packed units taken out again."""
    return evolve(line, packed=max(line.packed - quantity, 0))


def ship(line: WorkLine, quantity: int) -> WorkLine:
    """Packed units that left."""
    return evolve(line, dispatched=line.dispatched + quantity)


def take_out(line: WorkLine, quantity: int) -> WorkLine:
    """Units that became another order's."""
    return evolve(line, quantity=max(line.quantity - quantity, 0))


def cancel(line: WorkLine, quantity: int) -> WorkLine:
    """Cancelled units leave the shelf's list first, and go back from the picked ones then."""
    less = evolve(line, cancelled=line.cancelled + quantity)
    return evolve(less, picked=max(min(less.picked, less.wanted), 0))


def put(state: FulfilmentState, *orders: FulfilmentOrder) -> FulfilmentState:
    """The state with these fulfilment orders in it."""
    return evolve(state, orders={**state.orders, **{order.id: order for order in orders}})


def counted(
    state: FulfilmentState,
    *,
    picked: int = 0,
    dispatched: int = 0,
    delivered: int = 0,
    lost: int = 0,
    sent_back: int = 0,
) -> FulfilmentState:
    """The state with these numbers added to its totals."""
    now = state.totals
    return evolve(
        state,
        totals=Totals(
            picked=max(now.picked + picked, 0),
            dispatched=now.dispatched + dispatched,
            delivered=now.delivered + delivered,
            lost=now.lost + lost,
            sent_back=now.sent_back + sent_back,
        ),
    )


def summed(
    counts: Mapping[LineId, int], units: Iterable[LineUnits | ItemUnits]
) -> Mapping[LineId, int]:
    """The counts per line with *units* added."""
    result = dict(counts)
    for unit in units:
        result[unit.line] = result.get(unit.line, 0) + unit.quantity
    return result
