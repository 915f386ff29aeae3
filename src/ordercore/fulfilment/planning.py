"""
From reserved stock to work: who packs what, and what a cancel may take away at once.

Both are tasks of the order, settled from its facts; nobody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime

from attrs import field, frozen

from ordercore.facts import Event
from ordercore.fulfilment._fields import InvalidFulfilmentError
from ordercore.fulfilment._lines import find_line
from ordercore.fulfilment._work_decide import with_ending
from ordercore.fulfilment.events import (
    FulfilmentCancelRequested,
    FulfilmentPlanned,
    FulfilmentReduced,
)
from ordercore.fulfilment.model import (
    FulfilmentOrder,
    FulfilmentState,
    LineUnits,
    WorkLine,
    WorkStatus,
)
from ordercore.ids import FulfilmentId, ItemId, LineId, LocationId
from ordercore.inventory.model import Allocation

__all__ = [
    "CancelPlan",
    "locations_to_plan",
    "plan_cancel",
    "plan_fulfilment",
    "units_planned",
    "withdrawn",
    "work_begun",
]

_Unplanned = Mapping[LocationId, Mapping[LineId, tuple[ItemId, int]]]


def units_planned(state: FulfilmentState) -> Mapping[LineId, int]:
    """By line, the units that some location shall still send."""
    counts: dict[LineId, int] = {}
    for order in state.open_orders:
        for line in order.lines:
            if line.remaining > 0:
                counts[line.line] = counts.get(line.line, 0) + line.remaining
    return counts


def _unplanned(state: FulfilmentState, allocations: Iterable[Allocation]) -> _Unplanned:
    """By location and line, the reserved units that no fulfilment order is about yet."""
    planned: dict[tuple[LocationId, LineId], int] = {}
    for order in state.open_orders:
        for line in order.lines:
            key = (order.location, line.line)
            planned[key] = planned.get(key, 0) + line.remaining
    result: dict[LocationId, dict[LineId, tuple[ItemId, int]]] = {}
    for allocation in allocations:
        key = (allocation.location, allocation.line)
        free = allocation.reserved - planned.get(key, 0)
        if free > 0:
            lines = result.setdefault(allocation.location, {})
            if lines.get(allocation.line, (allocation.item, 0))[0] != allocation.item:
                problem = f"line {allocation.line} has two items; kits are lines of their own"
                raise InvalidFulfilmentError("allocations", problem)
            lines[allocation.line] = (allocation.item, free)
    return result


def locations_to_plan(
    state: FulfilmentState, allocations: Iterable[Allocation]
) -> tuple[LocationId, ...]:
    """The locations that need a new fulfilment order, sorted: each will need an id."""
    return tuple(sorted(_unplanned(state, allocations)))


def plan_fulfilment(
    state: FulfilmentState,
    allocations: Iterable[Allocation],
    *,
    ids: Sequence[FulfilmentId],
    now: datetime,
    untracked: frozenset[LineId] = frozenset(),
    dispatch_by: datetime | None = None,
) -> FulfilmentPlanned | None:
    """
    One new fulfilment order for each location with reserved units that nobody works on.

    Args:
        state: What is planned already.
        allocations: What the order holds; lines without stock may be given as held.
        ids: As many new ids as `locations_to_plan` names locations; more are left over.
        now: When it is planned.
        untracked: Lines whose units move no stock.
        dispatch_by: Until when the locations should send (RULES F-6).

    Returns:
        The fact, or None where everything is planned.

    Raises:
        InvalidFulfilmentError: Too few ids, an id that is taken, or two items in one line.

    Source:
        RULES F-1, I-7.
    """
    todo = _unplanned(state, allocations)
    if not todo:
        return None
    if len(ids) < len(todo) or any(known in state.orders for known in ids[: len(todo)]):
        raise InvalidFulfilmentError("ids", "there must be a new one for each location")
    orders = tuple(
        FulfilmentOrder(
            id=fulfilment,
            location=location,
            lines=tuple(
                WorkLine(line=line, item=item, quantity=units, tracked=line not in untracked)
                for line, (item, units) in sorted(todo[location].items())
            ),
            dispatch_by=dispatch_by,
        )
        for fulfilment, location in zip(ids, sorted(todo), strict=False)
    )
    return FulfilmentPlanned(at=now, orders=orders)


@frozen(kw_only=True)
class CancelPlan:
    """
    What becomes of a wish to cancel open units.

    ``at_once`` are the units per line that nobody works on: they may be cancelled now. ``asked``
    are those that a location must agree to first, ``left`` those that cannot be asked for now: a
    location is still to answer an earlier question. ``events`` are this room's part of it.
    """

    at_once: Mapping[LineId, int]
    asked: Mapping[LineId, int]
    left: Mapping[LineId, int] = field(factory=dict[LineId, int])
    events: tuple[Event, ...] = field(default=())


def plan_cancel(
    state: FulfilmentState,
    wanted: Mapping[LineId, int],
    *,
    open_units: Mapping[LineId, int],
    now: datetime,
    served: Sequence[str] = (),
) -> CancelPlan:
    """
    Divide a cancel: unplanned units first, then planned ones, then a question to the location.

    Args:
        state: What is planned and under way.
        wanted: By line, the units to cancel; at most the open ones.
        open_units: By line, the units that are neither cancelled nor dispatched.
        now: When it is asked.
        served: The delivery groups in the order in which they are served: the last give first.

    Source:
        RULES O-5, O-8.
    """
    at_once, rest = _not_planned(state, wanted, open_units)
    events: tuple[Event, ...] = ()
    orders = sorted(state.open_orders, key=_turn_of(served))
    for order in filter(_is_untouched, orders):
        taken = _taken(order, rest)
        _add(at_once, taken)
        events += _reduction(state, order, taken, now)
    asked: dict[LineId, int] = {}
    for order in filter(_is_with_location, orders):
        taken = _taken(order, rest)
        _add(asked, taken)
        if taken:
            events += (FulfilmentCancelRequested(at=now, fulfilment=order.id, lines=taken),)
    return CancelPlan(
        at_once={line: units for line, units in at_once.items() if units},
        asked=asked,
        left={line: units for line, units in rest.items() if units},
        events=events,
    )


def _turn_of(served: Sequence[str]) -> Callable[[FulfilmentOrder], int]:
    """How early work gives units back; one turn for all where there are no groups."""
    turns = {group: -place for place, group in enumerate(served)}
    return lambda order: turns.get(order.group, 0)


def _not_planned(
    state: FulfilmentState, wanted: Mapping[LineId, int], open_units: Mapping[LineId, int]
) -> tuple[dict[LineId, int], dict[LineId, int]]:
    """What can go at once because no location has it, and the rest."""
    planned = units_planned(state)
    at_once = {
        line: min(units, max(open_units.get(line, 0) - planned.get(line, 0), 0))
        for line, units in wanted.items()
    }
    return at_once, {line: units - at_once[line] for line, units in wanted.items()}


def _add(counts: dict[LineId, int], taken: Iterable[LineUnits]) -> None:
    for unit in taken:
        counts[unit.line] = counts.get(unit.line, 0) + unit.quantity


def _is_untouched(order: FulfilmentOrder) -> bool:
    """Whether its location does not know of it yet."""
    held = order.status is WorkStatus.HELD and order.resumes is WorkStatus.PLANNED
    return order.status is WorkStatus.PLANNED or held


def work_begun(state: FulfilmentState) -> FulfilmentOrder | None:
    """Some work that its location knows of and has not ended; None where there is none."""
    return next((order for order in state.open_orders if not _is_untouched(order)), None)


def withdrawn(
    state: FulfilmentState, now: datetime, *, groups: Container[str] | None = None
) -> tuple[Event, ...]:
    """
    The facts that take back planned work, which no location knows of.

    Args:
        state: What is planned.
        now: When it is taken back.
        groups: Of which delivery groups, all their units; by default of all of them, the units of
            stock.
    """
    events: tuple[Event, ...] = ()
    for order in filter(_is_untouched, state.open_orders):
        if groups is not None and order.group not in groups:
            continue
        units = tuple(
            LineUnits(line=line.line, quantity=line.remaining)
            for line in order.lines
            if (line.tracked or groups is not None) and line.remaining > 0
        )
        events += _reduction(state, order, units, now)
    return events


def _is_with_location(order: FulfilmentOrder) -> bool:
    if order.status in {WorkStatus.RELEASED, WorkStatus.IN_WORK}:
        return True
    return order.status is WorkStatus.HELD and not _is_untouched(order)


def _taken(order: FulfilmentOrder, rest: dict[LineId, int]) -> tuple[LineUnits, ...]:
    """What this order can give of the rest, which is lowered by it."""
    taken: list[LineUnits] = []
    for line in [line for line, units in rest.items() if units > 0]:
        known = find_line(order, line)
        units = 0 if known is None else min(rest[line], known.remaining)
        if units > 0:
            taken.append(LineUnits(line=line, quantity=units))
            rest[line] -= units
    return tuple(taken)


def _reduction(
    state: FulfilmentState, order: FulfilmentOrder, taken: tuple[LineUnits, ...], now: datetime
) -> tuple[Event, ...]:
    if not taken:
        return ()
    event = FulfilmentReduced(at=now, fulfilment=order.id, lines=taken)
    return with_ending(state, (event,), order.id, now)
