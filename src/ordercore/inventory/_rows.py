"""
The rows beside the counters: who holds what, and which causes were applied already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, evolve

from ordercore.errors import BrokenContractError, ConflictError
from ordercore.ids import LineId, StreamId
from ordercore.inventory._effects import EFFECTS, OWNED_KINDS
from ordercore.inventory.model import Cause, Reservation, StockMove

__all__ = [
    "CauseReusedError",
    "OwnerlessMoveError",
    "ReservationChangedError",
    "apply_reservation",
    "unapplied",
]


@define
class ReservationChangedError(ConflictError):
    """The owner no longer holds what the plan gives back or ships: read it again."""

    sentence = "{owner} holds {held} of {item} at {location} for {line}, not {asked}; read again."
    owner: StreamId
    line: LineId
    item: str
    location: str
    held: int
    asked: int


@define
class OwnerlessMoveError(BrokenContractError):
    """A move that changes no reservation was given to a reservation row, or to a foreign one."""

    sentence = "A {kind} move does not belong to the reservation of {owner}."
    kind: str
    owner: str


@define
class CauseReusedError(ConflictError):
    """The cause of a move stands in the ledger with another move."""

    sentence = "The fact {version} of {stream} has moved other stock already; read it again."
    stream: StreamId
    version: int


def apply_reservation(
    row: Reservation | None, move: StockMove, *, position: int = 0
) -> Reservation | None:
    """
    The owner's row after a move of `OWNED_KINDS`; None when nothing is left in it.

    Args:
        row: The row of the move's owner, line and place; None when there is none.
        move: RESERVE, RELEASE, QUEUE, UNQUEUE, FILL, REQUEUE or SHIP.
        position: The place in the queue of a row that begins; an older row keeps its own.

    Raises:
        ReservationChangedError: The row holds less than is given back, filled or shipped.
        OwnerlessMoveError: The move is of another kind, or the row another's.

    Source:
        RULES I-2 (requeue keeps its place), I-4.
    """
    if move.kind not in OWNED_KINDS or move.owner is None or move.line is None:
        raise OwnerlessMoveError(move.kind, str(move.owner))
    row = row or Reservation(
        owner=move.owner,
        line=move.line,
        item=move.item,
        location=move.location,
        position=position,
        partial=move.partial,
    )
    if (row.owner, row.line, row.item) != (move.owner, move.line, move.item):
        raise OwnerlessMoveError(move.kind, row.owner)
    effect = EFFECTS[move.kind]
    reserved = row.reserved + effect.reserved * move.quantity
    queued = row.queued + effect.queued * move.quantity
    if reserved < 0 or queued < 0:
        raise ReservationChangedError(
            owner=row.owner,
            line=row.line,
            item=row.item,
            location=row.location,
            held=row.reserved if reserved < 0 else row.queued,
            asked=move.quantity,
        )
    if not reserved and not queued:
        return None
    return evolve(row, reserved=reserved, queued=queued)


def unapplied(
    moves: Iterable[tuple[Cause, StockMove]], applied: Mapping[Cause, StockMove]
) -> Iterator[tuple[Cause, StockMove]]:
    """
    The moves that are not in the ledger yet: a cause that is applied twice changes nothing.

    For stores that may be asked to write the same facts twice; one that checks the version of
    each stream never is.

    Args:
        moves: What a commit wants to apply, each with its cause.
        applied: What the ledger has under these causes.

    Raises:
        CauseReusedError: A cause stands there with another move.

    Source:
        RULES I-2.
    """
    for cause, move in moves:
        if cause not in applied:
            yield cause, move
        elif applied[cause] != move:
            raise CauseReusedError(cause.stream, cause.version)
