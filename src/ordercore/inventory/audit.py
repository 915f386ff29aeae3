"""
The ledger against the counters. The ledger is the truth, the counters are its cache.

Everything streams: both sides come sorted by place, and only one place is held at a time, so a
ledger of any size takes the same memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final, Generic, Protocol, TypeVar

from attrs import define, frozen

from ordercore.errors import BrokenContractError
from ordercore.inventory.model import (
    Cause,
    Counters,
    MoveKind,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
)
from ordercore.inventory.moves import EFFECTS, with_policy

__all__ = [
    "CorruptLedgerError",
    "CountDifference",
    "CounterRow",
    "Discrepancy",
    "LedgerRow",
    "UnsortedLedgerError",
    "audit",
    "count_differences",
    "rebuild",
]

FIGURES: Final = ("on_hand", "reserved", "queued", "unavailable", "incoming")
CounterRow = tuple[StockPlace, Counters]


class LedgerRow(Protocol):
    """A move as it was applied; `ordercore.ports.repositories.LedgerRow` is one."""

    @property
    def cause(self) -> Cause:
        """What made it."""
        ...

    @property
    def move(self) -> StockMove:
        """What it changed."""
        ...


@define
class UnsortedLedgerError(BrokenContractError):
    """A store gave rows that are not sorted by item and location."""

    sentence = "The rows of {item} at {location} come too late: they must be sorted by place."
    item: str
    location: str


@define
class CorruptLedgerError(BrokenContractError):
    """The moves of a place add up to something that cannot be."""

    sentence = "The ledger of {item} at {location} adds up to {value} {figure}."
    item: str
    location: str
    figure: str
    value: int


@frozen(kw_only=True)
class Discrepancy:
    """
    A figure of a place that is not what the ledger says.

    ``figure`` names the counter; ``cause`` is given when one move stands in the ledger twice, and
    of the two figures ``reservations …`` the derived one is the sum of the owners' rows.
    """

    place: StockPlace
    figure: str
    recorded: int
    derived: int
    cause: Cause | None = None


@frozen(kw_only=True)
class CountDifference:
    """What a stock-take found: expected by the books, and counted (RULES I-12)."""

    place: StockPlace
    cause: Cause
    expected: int
    counted: int
    reason: str

    @property
    def difference(self) -> int:
        """What was found more (or, below zero, less) than the books said."""
        return self.counted - self.expected


@define
class _Tally:
    """The figures of one place while its moves are added up."""

    on_hand: int = 0
    reserved: int = 0
    queued: int = 0
    unavailable: int = 0
    incoming: int = 0

    def add(self, move: StockMove) -> None:
        effect, quantity = EFFECTS[move.kind], move.quantity
        if move.kind is MoveKind.COUNT:
            self.on_hand = quantity
        self.on_hand += effect.on_hand * quantity
        self.reserved += effect.reserved * quantity
        self.queued += effect.queued * quantity
        self.unavailable += effect.unavailable * quantity
        self.incoming += effect.incoming * quantity

    @property
    def figures(self) -> tuple[int, ...]:
        return (self.on_hand, self.reserved, self.queued, self.unavailable, self.incoming)


def _figures(counters: Counters) -> tuple[int, ...]:
    return (
        counters.on_hand,
        counters.reserved,
        counters.queued,
        counters.unavailable,
        counters.incoming,
    )


_T = TypeVar("_T")


def _in_order(rows: Iterable[tuple[StockPlace, _T]]) -> Iterator[tuple[StockPlace, _T]]:
    """The same rows; stops where they are not sorted by place."""
    last: StockPlace | None = None
    for place, row in rows:
        if last is not None and place < last:
            raise UnsortedLedgerError(place.item, place.location)
        last = place
        yield place, row


def _tallies(
    ledger: Iterable[LedgerRow],
) -> Iterator[tuple[StockPlace, tuple[_Tally, Cause | None]]]:
    """For each place its figures by the ledger, and a cause that stands there twice in a row."""
    placed = _in_order((row.move.place, row) for row in ledger)
    for place, rows in groupby(placed, key=lambda pair: pair[0]):
        tally, last, twice = _Tally(), None, None
        for _, row in rows:
            if row.cause == last:
                twice = row.cause
            last = row.cause
            tally.add(row.move)
        yield place, (tally, twice)


def audit(
    ledger: Iterable[LedgerRow],
    counters: Iterable[CounterRow],
    reservations: Iterable[Reservation] = (),
) -> Iterator[Discrepancy]:
    """
    Every figure in which the counters differ from the sum of the ledger, place by place.

    Args:
        ledger: All moves, sorted by item and location, then as they were applied.
        counters: All counter rows, sorted by item and location.
        reservations: The owners' rows, sorted the same way; without any, they are not looked at.

    Raises:
        UnsortedLedgerError: Rows that are not sorted, or two counter rows of one place.

    Source:
        RULES I-2, I-13.
    """
    held = _Peek(_sums(reservations))
    is_held = held.place is not None
    moved, counted = _Peek(_tallies(ledger)), _Peek(_once(_in_order(counters)))
    while (place := _least(moved.place, counted.place, held.place)) is not None:
        tally, twice = moved.take(place) or (_Tally(), None)
        row = counted.take(place)
        recorded = (0,) * len(FIGURES) if row is None else _figures(row)
        for figure, known, derived in zip(FIGURES, recorded, tally.figures, strict=True):
            if known != derived or (derived < 0 and figure != "on_hand"):
                yield Discrepancy(place=place, figure=figure, recorded=known, derived=derived)
        if twice is not None:
            yield Discrepancy(place=place, figure="moves", recorded=2, derived=1, cause=twice)
        if is_held:
            yield from _against_rows(place, recorded, held.take(place) or (0, 0))


def _against_rows(
    place: StockPlace, recorded: tuple[int, ...], rows: tuple[int, int]
) -> Iterator[Discrepancy]:
    for figure, known, derived in zip(FIGURES[1:3], recorded[1:3], rows, strict=True):
        if known != derived:
            name = f"reservations {figure}"
            yield Discrepancy(place=place, figure=name, recorded=known, derived=derived)


def _sums(rows: Iterable[Reservation]) -> Iterator[tuple[StockPlace, tuple[int, int]]]:
    placed = _in_order((row.allocation.place, row) for row in rows)
    for place, group in groupby(placed, key=lambda pair: pair[0]):
        reserved = queued = 0
        for _, row in group:
            reserved += row.reserved
            queued += row.queued
        yield place, (reserved, queued)


def _once(rows: Iterator[CounterRow]) -> Iterator[CounterRow]:
    last: StockPlace | None = None
    for place, row in rows:
        if place == last:
            raise UnsortedLedgerError(place.item, place.location)
        last = place
        yield place, row


def _least(*places: StockPlace | None) -> StockPlace | None:
    return min((place for place in places if place is not None), default=None)


class _Peek(Generic[_T]):
    """A stream of rows by place whose next place can be seen before it is taken."""

    def __init__(self, rows: Iterator[tuple[StockPlace, _T]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    @property
    def place(self) -> StockPlace | None:
        """The place of the next row; None at the end."""
        return None if self._next is None else self._next[0]

    def take(self, place: StockPlace) -> _T | None:
        """The next row, if it is of *place*."""
        if self._next is None or self._next[0] != place:
            return None
        row = self._next[1]
        self._next = next(self._rows, None)
        return row


def rebuild(
    ledger: Iterable[LedgerRow], policies: Mapping[StockPlace, StockPolicy] | None = None
) -> Iterator[CounterRow]:
    """
    The counters that the ledger adds up to, place by place.

    Args:
        ledger: All moves, sorted by item and location, then as they were applied.
        policies: What the ledger does not know: how each place may be promised.

    Raises:
        UnsortedLedgerError: Rows that are not sorted.
        CorruptLedgerError: More was taken away than ever came.

    Source:
        RULES I-13.
    """
    known = policies or {}
    for place, (tally, _) in _tallies(ledger):
        for figure, value in zip(FIGURES[1:], tally.figures[1:], strict=True):
            if value < 0:
                raise CorruptLedgerError(place.item, place.location, figure, value)
        row = Counters(
            on_hand=tally.on_hand,
            reserved=tally.reserved,
            queued=tally.queued,
            unavailable=tally.unavailable,
            incoming=tally.incoming,
        )
        yield place, with_policy(row, known.get(place, StockPolicy()))


def count_differences(ledger: Iterable[LedgerRow]) -> Iterator[CountDifference]:
    """
    What each stock-take found, by the books of that moment.

    Args:
        ledger: All moves, sorted by item and location, then as they were applied.

    Source:
        RULES I-12.
    """
    placed = _in_order((row.move.place, row) for row in ledger)
    for place, rows in groupby(placed, key=lambda pair: pair[0]):
        tally = _Tally()
        for _, row in rows:
            if row.move.kind is MoveKind.COUNT:
                yield CountDifference(
                    place=place,
                    cause=row.cause,
                    expected=tally.on_hand,
                    counted=row.move.quantity,
                    reason=row.move.reason,
                )
            tally.add(row.move)
