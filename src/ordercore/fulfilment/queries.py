"""
What is late, and where a serial number went: questions that change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum, unique

from attrs import frozen

from ordercore.fulfilment.model import FulfilmentState, Parcel, WorkStatus
from ordercore.ids import LineId
from ordercore.moment import utc

__all__ = ["Late", "LateKind", "expected_at", "late", "next_deadline", "serial_slots"]


@unique
class LateKind(StrEnum):
    """What did not happen in time."""

    DISPATCH = "dispatch"
    DELIVERY = "delivery"


@frozen(kw_only=True)
class Late:
    """Something that should have happened by ``due_at``; the id is of the work or the parcel."""

    kind: LateKind
    id: str
    due_at: datetime


def _deadlines(state: FulfilmentState) -> Iterator[Late]:
    for work in state.open_orders:
        if work.dispatch_by is not None and work.status is not WorkStatus.CANCEL_REQUESTED:
            yield Late(kind=LateKind.DISPATCH, id=work.id, due_at=work.dispatch_by)
    for parcel in state.parcels.values():
        if parcel.expected_at is not None and parcel.is_under_way:
            yield Late(kind=LateKind.DELIVERY, id=parcel.id, due_at=parcel.expected_at)


def late(state: FulfilmentState, now: datetime) -> tuple[Late, ...]:
    """
    What should have left or arrived before *now*, the longest overdue first.

    Source:
        RULES F-6.
    """
    at = utc(now)
    overdue = (deadline for deadline in _deadlines(state) if deadline.due_at <= at)
    return tuple(sorted(overdue, key=lambda one: (one.due_at, one.kind, one.id)))


def next_deadline(state: FulfilmentState, now: datetime) -> datetime | None:
    """When the next thing that is in time now will be late; None if nothing can be."""
    at = utc(now)
    return min((one.due_at for one in _deadlines(state) if one.due_at > at), default=None)


def expected_at(state: FulfilmentState, line: LineId) -> datetime | None:
    """When the last parcel under way with units of *line* is expected; None where nobody knows."""
    times = [
        parcel.expected_at
        for parcel in state.parcels.values()
        if parcel.is_under_way and any(item.line == line for item in parcel.items)
    ]
    known = [at for at in times if at is not None]
    return max(known) if known and len(known) == len(times) else None


def serial_slots(
    state: FulfilmentState, lines: Iterable[LineId]
) -> Mapping[LineId, Mapping[str, int]]:
    """
    By line, the slot that each serial number has been sent as.

    Source:
        RULES I-8.
    """
    wanted = frozenset(lines)
    found: dict[LineId, dict[str, int]] = {line: {} for line in wanted}
    for parcel in state.parcels.values():
        for line, serial, slot in _serials_of(parcel):
            if line in wanted:
                found[line][serial] = slot
    return found


def _serials_of(parcel: Parcel) -> Iterator[tuple[LineId, str, int]]:
    for item in parcel.items:
        for serial, slot in zip(item.serials, item.slots, strict=False):
            yield item.line, serial, slot
