"""
What the facts about stock add up to: an order's allocations, a cart's hold. Total functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from attrs import evolve

from ordercore.facts import Event
from ordercore.ids import ItemId, LineId, LocationId
from ordercore.inventory.events import (
    HoldReleased,
    HoldRenewed,
    ReservationRefused,
    StockHeld,
    UnitsFilled,
    UnitsReleased,
    UnitsRequeued,
    UnitsReserved,
)
from ordercore.inventory.model import Allocation, Hold, StockMove, StockState
from ordercore.inventory.moves import EFFECTS, OWNED_KINDS, moves_of
from ordercore.inventory.status import HOLD, may

__all__ = ["added", "evolve_hold", "evolve_stock", "learn_stock"]

_Key = tuple[LineId, ItemId, LocationId]


def _key(at: Allocation) -> _Key:
    return (at.line, at.item, at.location)


def added(
    allocations: Sequence[Allocation], more: Iterable[Allocation], *, sign: int = 1
) -> tuple[Allocation, ...]:
    """The allocations with *more* added (or taken off), never below zero; sorted, none empty."""
    rows = {_key(at): at for at in allocations}
    for at in more:
        row = rows.get(_key(at))
        reserved = max(0, (row.reserved if row else 0) + sign * at.reserved)
        queued = max(0, (row.queued if row else 0) + sign * at.queued)
        if reserved or queued:
            rows[_key(at)] = evolve(row or at, reserved=reserved, queued=queued)
        else:
            rows.pop(_key(at), None)
    return tuple(rows[key] for key in sorted(rows))


def _moved(state: StockState, moves: Iterable[StockMove]) -> StockState:
    """The state after moves of other rooms' facts, such as the SHIP of a dispatch."""
    rows = {_key(at): at for at in state.allocations}
    for move in moves:
        if move.kind not in OWNED_KINDS or move.line is None:
            continue
        key, effect = (move.line, move.item, move.location), EFFECTS[move.kind]
        row = rows.get(key) or Allocation(
            line=move.line, item=move.item, location=move.location, partial=move.partial
        )
        reserved = max(0, row.reserved + effect.reserved * move.quantity)
        queued = max(0, row.queued + effect.queued * move.quantity)
        rows[key] = evolve(row, reserved=reserved, queued=queued)
    kept = tuple(rows[key] for key in sorted(rows) if rows[key].quantity)
    return state if kept == state.allocations else evolve(state, allocations=kept)


def _replaced(state: StockState, truth: Sequence[Allocation]) -> StockState:
    """The state with *truth* as the whole of what the lines named hold and await."""
    lines = {at.line for at in truth}
    others = (at for at in state.allocations if at.line not in lines)
    kept = (at for at in truth if at.quantity)
    return evolve(state, allocations=tuple(sorted((*others, *kept), key=_key)))


def _reserved(state: StockState, event: UnitsReserved) -> StockState:
    had = {at.line for at in event.allocations}
    refused = tuple(line for line in state.refused if line not in had)
    return evolve(
        state,
        allocations=added(state.allocations, event.allocations),
        allotments=added(state.allotments, event.allotments),
        refused=refused,
        retry_at=state.retry_at if refused else None,
    )


def _released(state: StockState, event: UnitsReleased) -> StockState:
    return evolve(
        state,
        allocations=added(state.allocations, event.allocations, sign=-1),
        allotments=added(state.allotments, event.allotments, sign=-1),
    )


def evolve_stock(state: StockState, event: Event) -> StockState:
    """
    What the order holds and waits for after *event*. Total: never refuses, never below zero.

    Facts of other rooms count by their moves: a dispatch ships what was reserved.

    Source:
        RULES I-2, O-10.
    """
    match event:
        case UnitsReserved():
            return _reserved(state, event)
        case UnitsReleased():
            return _released(state, event)
        case UnitsFilled() | UnitsRequeued():
            return _replaced(state, event.allocations)
        case ReservationRefused():
            lines = dict.fromkeys((*state.refused, *event.lines))
            return evolve(state, refused=tuple(lines), retry_at=event.retry_at)
        case _:
            moves = moves_of(event)
            return _moved(state, moves) if moves else state


def learn_stock(
    state: StockState, truth: Iterable[Allocation], now: datetime
) -> tuple[UnitsFilled | UnitsRequeued, ...]:
    """
    The facts by which an order learns what other commits did to what it holds.

    Args:
        state: What the order believes.
        truth: What the store's rows say about the same owner, allotments included.
        now: When it learned.

    Returns:
        ``UnitsFilled`` about the lines that wait for less than believed, ``UnitsRequeued`` about
        those that wait for more; nothing when the order is right.

    Source:
        RULES I-2, I-5.
    """
    allotted = {at.place for at in state.allotments}
    rows = {_key(at): at for at in truth if at.place not in allotted}
    believed = {_key(at): at for at in state.allocations}
    keys = sorted(rows.keys() | believed.keys())
    changed = {key[0] for key in keys if _differ(rows, believed, key)}
    filled: list[Allocation] = []
    requeued: list[Allocation] = []
    for line, own in groupby((key for key in keys if key[0] in changed), key=itemgetter(0)):
        now_held = [rows.get(key) or evolve(believed[key], reserved=0, queued=0) for key in own]
        waits = sum(at.queued for at in now_held)
        (requeued if waits > state.queued(line) else filled).extend(now_held)
    facts: list[UnitsFilled | UnitsRequeued] = []
    if filled:
        facts.append(UnitsFilled(tuple(filled), at=now))
    if requeued:
        facts.append(UnitsRequeued(tuple(requeued), at=now))
    return tuple(facts)


def _differ(rows: dict[_Key, Allocation], believed: dict[_Key, Allocation], key: _Key) -> bool:
    row, belief = rows.get(key), believed.get(key)
    have = (row.reserved, row.queued) if row else (0, 0)
    think = (belief.reserved, belief.queued) if belief else (0, 0)
    return have != think


def evolve_hold(hold: Hold | None, event: Event) -> Hold | None:
    """
    The hold after *event*; None while the stream tells of no hold. Total.

    Source:
        RULES I-4.
    """
    if hold is None:
        return _begun(event) if isinstance(event, StockHeld) else None
    if not may(hold, type(event)):
        return hold
    match event:
        case StockHeld():
            return _begun(event)
        case HoldRenewed():
            return evolve(hold, until=event.until)
        case HoldReleased() if not event.ended:
            return _less(hold, event)
        case _:
            status = HOLD.next(hold.status, type(event), None)
            return evolve(hold, allocations=(), allotments=(), status=status)


def _begun(event: StockHeld) -> Hold:
    return Hold(
        owner=event.owner,
        allocations=event.allocations,
        allotments=event.allotments,
        until=event.until,
        wanted=event.wanted,
        bound_by=event.bound_by,
    )


def _less(hold: Hold, event: HoldReleased) -> Hold:
    lines = {at.line for at in (*event.allocations, *event.allotments)}
    return evolve(
        hold,
        allocations=tuple(at for at in hold.allocations if at.line not in lines),
        allotments=tuple(at for at in hold.allotments if at.line not in lines),
        wanted=tuple(line for line in hold.wanted if line.line not in lines),
    )
