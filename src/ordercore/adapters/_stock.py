"""
How the stock moves of a change set are written, and how queues and shortages are settled by them.

The plan of a reservation comes from a read; here only the bounds count. One conditional write per
place, netted; then the rows of what owners hold; then, where units became free or lack, the queue
is served or the youngest reservations wait again, and their owners are woken (RULES I-5).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from attrs import define, field

from ordercore.ids import StreamId
from ordercore.inventory.model import (
    Cause,
    Counters,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
)
from ordercore.inventory.moves import (
    EFFECTS,
    OWNED_KINDS,
    Delta,
    apply_reservation,
    moves_of,
    net,
    policies_of,
)
from ordercore.inventory.reserve import rebalance
from ordercore.ports.repositories import LedgerRow
from ordercore.ports.unit_of_work import ChangeSet

__all__ = ["StockRows", "write_stock"]


class StockRows(ABC):
    """The rows of stock in one open transaction."""

    @abstractmethod
    def move_all(self, deltas: Sequence[Delta]) -> None:
        """
        Apply the net change of each place, in their order, where its bounds allow it.

        Raises:
            OutOfStockError, BelowZeroError: They do not; see `ordercore.inventory.moves.refusal`.
        """

    @abstractmethod
    def set_policy(self, place: StockPlace, policy: StockPolicy) -> None:
        """Set how a place may be promised."""

    @abstractmethod
    def restless(self, places: Sequence[StockPlace]) -> Mapping[StockPlace, Counters]:
        """The counters of those places that are restless now (`Counters.is_restless`)."""

    @abstractmethod
    def add_to_reservations(self, moves: Sequence[StockMove]) -> None:
        """
        Add what each move takes to the row of its owner, line and place, or make that row.

        A new row gets its position here: behind everyone who has one at that place.
        """

    @abstractmethod
    def reservation(self, move: StockMove) -> Reservation | None:
        """The row of the move's owner, line and place."""

    @abstractmethod
    def put_reservation(self, move: StockMove, row: Reservation | None) -> None:
        """Change the row of the move's owner, line and place; None removes it."""

    @abstractmethod
    def queue(self, place: StockPlace) -> Iterable[Reservation]:
        """The rows of one place that wait for units, oldest first."""

    @abstractmethod
    def holders(self, place: StockPlace) -> Iterable[Reservation]:
        """The rows of one place that hold units, youngest first."""

    @abstractmethod
    def add_to_ledger(self, rows: Sequence[LedgerRow]) -> None:
        """Append moves to the ledger, in their order."""


@define
class _Ledger:
    """The moves of this commit in their order, each with its own cause."""

    recorded_at: datetime
    rows: list[LedgerRow] = field(factory=list[LedgerRow])
    anchors: dict[StockPlace, tuple[StreamId, int]] = field(
        factory=dict[StockPlace, tuple[StreamId, int]]
    )
    used: Counter[tuple[StreamId, int]] = field(factory=Counter[tuple[StreamId, int]])

    def name(self, place: StockPlace, stream: StreamId, version: int) -> None:
        """Remember the first fact that touches a place: what follows from it has that cause."""
        self.anchors.setdefault(place, (stream, version))

    def add(self, cause: Cause, move: StockMove) -> None:
        self.rows.append(LedgerRow(cause=cause, move=move, recorded_at=self.recorded_at))

    def add_after(self, place: StockPlace, move: StockMove) -> None:
        """A move that settles a queue or a shortage; it counts on after the fact's own moves."""
        if not self.used:
            self.used.update((row.cause.stream, row.cause.version) for row in self.rows)
        fact = self.anchors[place]
        self.add(Cause(*fact, self.used[fact]), move)
        self.used[fact] += 1


def write_stock(rows: StockRows, changes: ChangeSet, recorded_at: datetime) -> set[StreamId]:
    """
    Apply the moves and policies of all facts; answers whom a queue or a shortage concerns.

    Source:
        RULES I-2, I-4, I-5.
    """
    ledger, policies = _facts_of(changes, recorded_at)
    if not ledger.anchors:
        return set()
    places = sorted(ledger.anchors)
    deltas = net(row.move for row in ledger.rows)
    if policies:
        _write_places(rows, places, deltas, policies)
    else:
        rows.move_all(list(deltas.values()))
    _write_reservations(rows, [row.move for row in ledger.rows])
    owners: set[StreamId] = set()
    for place, counters in rows.restless(places).items():
        owners |= _settle(rows, place, counters, ledger)
    rows.add_to_ledger(ledger.rows)
    return owners


def _write_places(
    rows: StockRows,
    places: Sequence[StockPlace],
    deltas: Mapping[StockPlace, Delta],
    policies: Mapping[StockPlace, StockPolicy],
) -> None:
    """Move and policy of one place after the other: rows are taken in ascending order."""
    for place in places:
        if place in deltas:
            rows.move_all([deltas[place]])
        if place in policies:
            rows.set_policy(place, policies[place])


def _facts_of(
    changes: ChangeSet, recorded_at: datetime
) -> tuple[_Ledger, dict[StockPlace, StockPolicy]]:
    ledger = _Ledger(recorded_at)
    policies: dict[StockPlace, StockPolicy] = {}
    for change in changes.streams:
        for version, event in enumerate(change.events, start=change.expected_version + 1):
            for index, move in enumerate(moves_of(event)):
                ledger.name(move.place, change.stream, version)
                ledger.add(Cause(change.stream, version, index), move)
            for place, policy in policies_of(event):
                ledger.name(place, change.stream, version)
                policies[place] = policy
    return ledger, policies


def _write_reservations(rows: StockRows, moves: Iterable[StockMove]) -> None:
    """The owners' rows: what only adds goes together, the rest is looked at one by one."""
    owned = (move for move in moves if move.kind in OWNED_KINDS)
    for adds, some in groupby(owned, key=_only_adds):
        if adds:
            rows.add_to_reservations(list(some))
        else:
            for move in some:
                rows.put_reservation(move, apply_reservation(rows.reservation(move), move))


def _only_adds(move: StockMove) -> bool:
    effect = EFFECTS[move.kind]
    return effect.reserved >= 0 and effect.queued >= 0


def _settle(
    rows: StockRows, place: StockPlace, counters: Counters, ledger: _Ledger
) -> set[StreamId]:
    """Fill the queue of one place, or let its youngest reservations wait again."""
    moves = rebalance(place, counters, _concerned(rows, place, counters))
    rows.move_all(list(net(moves).values()))
    _write_reservations(rows, moves)
    owners: set[StreamId] = set()
    for move in moves:
        ledger.add_after(place, move)
        if move.owner is not None:
            owners.add(move.owner)
    return owners


def _concerned(rows: StockRows, place: StockPlace, counters: Counters) -> list[Reservation]:
    """The rows whose turn it is: no more of a long queue than the units at hand reach."""
    if counters.shortage:
        left = counters.shortage
        candidates = ((row.reserved, row) for row in rows.holders(place))
    else:
        left = counters.free if counters.tracked else counters.queued
        candidates = ((row.queued, row) for row in rows.queue(place))
    found: list[Reservation] = []
    for units, row in candidates:
        if left <= 0:
            break
        left -= units
        found.append(row)
    return found
