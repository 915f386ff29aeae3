"""
Closing open slots: cancel and short pick. One mechanism for units, stock and debt (O-5, F-3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from attrs import evolve

from ordercore.facts import Event
from ordercore.fulfilment.planning import CancelPlan, plan_cancel
from ordercore.ids import LineId, LocationId
from ordercore.inventory.model import Allocation, WantedLine
from ordercore.inventory.reserve import plan_release
from ordercore.order._allotted import release
from ordercore.order.events import UnitsCancelled
from ordercore.order.evolve import replay
from ordercore.order.groups import served
from ordercore.order.model import Order
from ordercore.order.quote import closing_credit
from ordercore.order.refusals import InvalidUnitsError, NothingToCancelError
from ordercore.order.rules import open_units
from ordercore.pricing.slots import SlotSet
from ordercore.refund.model import CreditCause

__all__ = ["cancel", "check_open", "close_units", "named_units", "released"]


def named_units(units: Iterable[tuple[LineId, int]]) -> dict[LineId, int]:
    """
    How many units of which line somebody has named, whatever shall become of them.

    Raises:
        InvalidUnitsError: No line is named, one is named twice, or the units of one are not a
            whole number above zero.
    """
    wanted: dict[LineId, int] = {}
    for line, count in units:
        if type(count) is not int or count < 1 or line in wanted:
            raise InvalidUnitsError(line)
        wanted[line] = count
    if not wanted:
        raise InvalidUnitsError("")
    return wanted


def check_open(order: Order, wanted: Mapping[LineId, int]) -> None:
    """
    Check that so many units of these lines are neither cancelled nor sent.

    Raises:
        UnknownLineError: The order has no such line.
        NothingToCancelError: Fewer units of a line are open, or none at all.
    """
    for line, units in wanted.items():
        possible = open_units(order, order.priced.line(line))
        if units > possible:
            raise NothingToCancelError(line, units, possible)


def cancel(
    order: Order, wanted: Mapping[LineId, int], now: datetime, reason: str
) -> Iterator[Event]:
    """
    Cancel what nobody works on at once, and ask the locations for the rest.

    Raises:
        NothingToCancelError: Fewer units of a line are open, or none at all.

    Source:
        RULES O-5.
    """
    check_open(order, wanted)
    possible = {line.id: open_units(order, line) for line in order.priced.lines}
    turns = served(order.groups)
    plan = plan_cancel(order.fulfilment, wanted, open_units=possible, now=now, served=turns)
    _check_plan(plan, possible)
    yield from plan.events
    if plan.at_once:
        after = replay(plan.events, order)
        yield from close_units(after, plan.at_once, now, cause=CreditCause.CANCELLED, reason=reason)


def _check_plan(plan: CancelPlan, possible: Mapping[LineId, int]) -> None:
    """Refuse where a location still has to answer an earlier question about some of the units."""
    for line, units in plan.left.items():
        done = plan.at_once.get(line, 0) + plan.asked.get(line, 0)
        raise NothingToCancelError(line, units + done, min(done, possible[line]))


def close_units(
    order: Order,
    units: Mapping[LineId, int],
    now: datetime,
    *,
    cause: CreditCause,
    reason: str = "",
) -> Iterator[Event]:
    """The facts that end so many open units of each line: the highest open slots go first."""
    items: list[tuple[LineId, SlotSet]] = []
    for line_id, count in units.items():
        line = order.priced.line(line_id)
        items.append((line_id, order.open_slots(line).highest(count)))
    yield from release(order, released(order, units), now)
    closed = tuple(items)
    yield UnitsCancelled(
        items=closed, credit=closing_credit(order, closed, cause, reason), reason=reason, at=now
    )


def released(order: Order, units: Mapping[LineId, int]) -> Iterator[Allocation]:
    """
    What of an order's stock so many open units give back: places in the queue go first.

    What the units that stay open need is kept, and so is what somebody shall still send.
    """
    for line_id, count in units.items():
        line = order.priced.line(line_id)
        have = order.stock.reserved(line_id) + order.stock.queued(line_id)
        surplus = min(count, have - (open_units(order, line) - count))
        if surplus > 0:
            asked = WantedLine(line=line_id, item=line.item, quantity=surplus)
            yield from plan_release((asked,), tuple(_idle(order, line_id)))


def _idle(order: Order, line: LineId) -> Iterator[Allocation]:
    """What a line holds and waits for, without the units that somebody shall still send."""
    planned: Counter[LocationId] = Counter()
    for work in order.fulfilment.open_orders:
        for known in work.lines:
            if known.line == line:
                planned[work.location] += known.remaining
    for row in order.stock.of(line):
        yield evolve(row, reserved=max(0, row.reserved - planned[row.location]))
