"""
The queue of a place: who is served when stock is freed, and who loses units that are not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ordercore.inventory.model import (
    Counters,
    MoveKind,
    QueueEntry,
    Reservation,
    StockMove,
    StockPlace,
)

__all__ = ["fill", "queue_of", "rebalance", "requeue"]


def queue_of(rows: Iterable[Reservation]) -> tuple[QueueEntry, ...]:
    """Who waits in these rows of one place, the longest first."""
    return tuple(
        QueueEntry(
            owner=row.owner,
            line=row.line,
            quantity=row.queued,
            position=row.position,
            partial=row.partial,
        )
        for row in sorted(rows, key=_place_in_queue)
        if row.queued
    )


def _place_in_queue(row: Reservation) -> tuple[int, str, str]:
    return (row.position, row.owner, row.line)


def fill(
    place: StockPlace, counters: Counters, queue: Sequence[QueueEntry]
) -> tuple[StockMove, ...]:
    """
    The moves that give free stock to those who wait, the longest first.

    Strictly in turn: one who must get everything at once (not ``partial``) and cannot yet is not
    overtaken, so the free units are kept for that one.

    Args:
        place: Whose counters and queue these are.
        counters: As they are now, in the same transaction.
        queue: Who waits; in any order.

    Source:
        RULES I-5.
    """
    free = counters.free if counters.tracked else counters.queued
    moves: list[StockMove] = []
    for entry in sorted(queue, key=lambda entry: (entry.position, entry.owner, entry.line)):
        units = min(free, entry.quantity)
        if units <= 0 or (units < entry.quantity and not entry.partial):
            break
        free -= units
        moves.append(_move(place, MoveKind.FILL, units, entry))
    return tuple(moves)


def requeue(
    place: StockPlace, counters: Counters, rows: Iterable[Reservation]
) -> tuple[StockMove, ...]:
    """
    The moves that put units which are not there back into the queue, the youngest first.

    Args:
        place: Whose counters and reservations these are.
        counters: As they are now, in the same transaction.
        rows: Who holds units there; in any order.

    Source:
        RULES I-2: a truth always applies; who loses units keeps the place in the queue.
    """
    short = counters.shortage
    moves: list[StockMove] = []
    for row in sorted(rows, key=_place_in_queue, reverse=True):
        units = min(short, row.reserved)
        if units:
            short -= units
            moves.append(_move(place, MoveKind.REQUEUE, units, row))
    return tuple(moves)


def rebalance(
    place: StockPlace, counters: Counters, rows: Sequence[Reservation]
) -> tuple[StockMove, ...]:
    """
    What has to move at a place after a commit: lost units to the queue, or free ones out of it.

    Run once for each place whose counters are ``is_restless``. Nobody waits beside free stock
    then, unless the first in turn needs more than there is.

    Source:
        RULES I-2, I-5.
    """
    if counters.shortage:
        return requeue(place, counters, rows)
    return fill(place, counters, queue_of(rows))


def _move(
    place: StockPlace, kind: MoveKind, quantity: int, to: QueueEntry | Reservation
) -> StockMove:
    return StockMove(
        item=place.item,
        location=place.location,
        kind=kind,
        quantity=quantity,
        owner=to.owner,
        line=to.line,
        partial=to.partial,
    )
