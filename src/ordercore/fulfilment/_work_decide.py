"""
Deciding about fulfilment orders; `ordercore.fulfilment.decide` is the door.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ordercore.facts import Event
from ordercore.fulfilment import commands as cmd
from ordercore.fulfilment import events as ev
from ordercore.fulfilment._basis import (
    AlreadyThereError,
    FulfilmentBasis,
    TooManyUnitsError,
    check_step,
    item_units,
    per_line,
    work_line,
    work_of,
)
from ordercore.fulfilment._evolve import evolve_fulfilment
from ordercore.fulfilment._fields import InvalidFulfilmentError
from ordercore.fulfilment.model import FulfilmentOrder, FulfilmentState, LineUnits
from ordercore.ids import FulfilmentId, LineId
from ordercore.machine import NotAllowedError

__all__ = [
    "accept_cancel",
    "hold",
    "merge",
    "move",
    "pick",
    "put_back",
    "record_short_pick",
    "refuse_cancel",
    "release",
    "resume",
    "split",
    "with_ending",
]

_Events = tuple[Event, ...]


def release(
    state: FulfilmentState, command: cmd.ReleaseFulfilment, now: datetime, _: FulfilmentBasis
) -> _Events:
    """Planned work goes to its location."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentReleased)
    return (ev.FulfilmentReleased(at=now, fulfilment=work.id),)


def hold(
    state: FulfilmentState, command: cmd.HoldFulfilment, now: datetime, _: FulfilmentBasis
) -> _Events:
    """Work stops."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentHeld)
    return (ev.FulfilmentHeld(at=now, fulfilment=work.id, reason=command.reason),)


def resume(
    state: FulfilmentState, command: cmd.ResumeFulfilment, now: datetime, _: FulfilmentBasis
) -> _Events:
    """Held work goes on."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentResumed)
    return (ev.FulfilmentResumed(at=now, fulfilment=work.id),)


def move(
    state: FulfilmentState, command: cmd.MoveFulfilment, now: datetime, _: FulfilmentBasis
) -> _Events:
    """Untouched work goes to another location."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentMoved)
    if work.location == command.location:
        return ()
    return (ev.FulfilmentMoved(at=now, fulfilment=work.id, location=command.location),)


def split(
    state: FulfilmentState, command: cmd.SplitFulfilment, now: datetime, _: FulfilmentBasis
) -> _Events:
    """Some units get a fulfilment order of their own."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentSplit)
    _check_new(state, command.into)
    counts = per_line(command.lines)
    for line, quantity in counts.items():
        _check_count(line, quantity, work_line(work, line).to_pick, "split off")
    if sum(counts.values()) >= work.remaining:
        raise InvalidFulfilmentError("lines", "some of the units must stay where they are")
    return (
        ev.FulfilmentSplit(
            at=now, fulfilment=work.id, into=command.into, lines=_units(counts.items())
        ),
    )


def merge(
    state: FulfilmentState, command: cmd.MergeFulfilments, now: datetime, _: FulfilmentBasis
) -> _Events:
    """One fulfilment order takes over the units of another one."""
    work, gone = work_of(state, command.fulfilment), work_of(state, command.merged)
    check_step(work, ev.FulfilmentsMerged)
    check_step(gone, ev.FulfilmentsMerged)
    mine, others = ((at.location, at.status, at.group) for at in (work, gone))
    if work.id == gone.id or mine != others:
        reason = "the two must be different ones, at one location, in one status and group"
        raise NotAllowedError(gone.status, "FulfilmentsMerged", reason)
    return (ev.FulfilmentsMerged(at=now, fulfilment=work.id, merged=gone.id),)


def pick(
    state: FulfilmentState, command: cmd.PickUnits, now: datetime, basis: FulfilmentBasis
) -> _Events:
    """Units are taken from the shelf."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.UnitsPicked)
    counts = per_line(command.lines)
    for line, quantity in counts.items():
        _check_count(line, quantity, work_line(work, line).to_pick, "picked")
    return (
        ev.UnitsPicked(
            at=now,
            owner=basis.owner,
            fulfilment=work.id,
            location=work.location,
            items=item_units(work, counts),
        ),
    )


def put_back(
    state: FulfilmentState, command: cmd.PutBackUnits, now: datetime, _: FulfilmentBasis
) -> _Events:
    """Picked units go back; packed ones must be unpacked first."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.UnitsPutBack)
    counts = per_line(command.lines)
    for line, quantity in counts.items():
        _check_count(line, quantity, work_line(work, line).to_pack, "put back")
    return (ev.UnitsPutBack(at=now, fulfilment=work.id, lines=_units(counts.items())),)


def record_short_pick(
    state: FulfilmentState, command: cmd.RecordShortPick, now: datetime, basis: FulfilmentBasis
) -> _Events:
    """The shelf did not have them (RULES F-3)."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.PickShort)
    counts = per_line(command.lines)
    for line, quantity in counts.items():
        _check_count(line, quantity, work_line(work, line).to_pick, "short")
    missing = {line: min(units, basis.held.get(line, 0)) for line, units in counts.items()}
    event = ev.PickShort(
        at=now,
        owner=basis.owner,
        fulfilment=work.id,
        location=work.location,
        items=item_units(work, counts),
        missing=item_units(work, {line: units for line, units in missing.items() if units}),
        policy=command.policy,
    )
    return with_ending(state, (event,), work.id, now)


def accept_cancel(
    state: FulfilmentState, command: cmd.AcceptCancel, now: datetime, _: FulfilmentBasis
) -> _Events:
    """The location agrees, to all or to some of it."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentCancelAccepted)
    asked = per_line(work.asked)
    counts = per_line(command.lines) if command.lines else asked
    for line, quantity in counts.items():
        known = work_line(work, line)
        possible = min(asked.get(line, 0), known.wanted - known.packed)
        _check_count(line, quantity, possible, "cancelled (packed ones must be unpacked first)")
    event = ev.FulfilmentCancelAccepted(at=now, fulfilment=work.id, lines=_units(counts.items()))
    return with_ending(state, (event,), work.id, now)


def refuse_cancel(
    state: FulfilmentState, command: cmd.RefuseCancel, now: datetime, _: FulfilmentBasis
) -> _Events:
    """The location cannot stop any more."""
    work = work_of(state, command.fulfilment)
    check_step(work, ev.FulfilmentCancelRefused)
    return (ev.FulfilmentCancelRefused(at=now, fulfilment=work.id, reason=command.reason),)


def with_ending(
    state: FulfilmentState, events: _Events, fulfilment: FulfilmentId, now: datetime
) -> _Events:
    """The events, and the one that ends the work if they leave nothing to do."""
    for event in events:
        state = evolve_fulfilment(state, event)
    work = state.orders.get(fulfilment)
    if work is None or not work.is_open or work.remaining > 0:
        return events
    return (*events, _ending(work, now))


def _ending(work: FulfilmentOrder, now: datetime) -> Event:
    if work.has_dispatched or work.is_short:
        return ev.FulfilmentClosed(at=now, fulfilment=work.id, short=work.is_short)
    return ev.FulfilmentCancelled(at=now, fulfilment=work.id)


def _units(counts: Iterable[tuple[LineId, int]]) -> tuple[LineUnits, ...]:
    return tuple(LineUnits(line=line, quantity=quantity) for line, quantity in counts)


def _check_new(state: FulfilmentState, fulfilment: FulfilmentId) -> None:
    if fulfilment in state.orders:
        raise AlreadyThereError("fulfilment order", fulfilment)


def _check_count(line: LineId, wanted: int, possible: int, done: str) -> None:
    if wanted > possible:
        raise TooManyUnitsError(line, wanted, max(possible, 0), done)
