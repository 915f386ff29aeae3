"""
The rows of one SQLite transaction: every bound is a condition of the statement that changes it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ordercore.adapters import _sqlite_statements as sql
from ordercore.adapters._values import (
    COMMIT,
    RESERVATION,
    Row,
    batched,
    committed_of,
    counters_of,
    from_micros,
    micros,
    micros_or_none,
    reservation_of,
    summary_values,
)
from ordercore.adapters._write import Head, Rows, StreamWrite
from ordercore.codec.converter import decode, encode, write_json
from ordercore.codec.registry import EventCodec
from ordercore.codec.state import encode_state
from ordercore.ids import CommitId, ItemId, Key, LocationId, Series, StreamId
from ordercore.inventory.model import (
    NO_STOCK,
    Counters,
    Reservation,
    StockMove,
    StockPlace,
    StockPolicy,
)
from ordercore.inventory.moves import EFFECTS, Delta, refusal
from ordercore.order.party import Party
from ordercore.ports.repositories import LedgerRow
from ordercore.ports.unit_of_work import Committed, StreamKind

__all__ = ["SqliteRows"]


class SqliteRows(Rows):
    """
    The rows of one open transaction that has the write lock (``BEGIN IMMEDIATE``).

    Args:
        connection: Where the transaction is open.
        codec: The table of events.
    """

    def __init__(self, connection: sqlite3.Connection, codec: EventCodec) -> None:
        self._connection = connection
        self._run = connection.execute
        self._run_many = connection.executemany
        self._codec = codec
        self._seq = 0

    def _one(self, statement: str, values: Sequence[object]) -> Row | None:
        """The only row of an answer; the statement has ended when this returns."""
        rows: list[Any] = self._run(statement, values).fetchall()
        return rows[0] if rows else None

    def _without_effect(self, statement: str, rows: Iterable[Sequence[object]]) -> list[int]:
        """Execute once for each row; answers the indexes of those that changed nothing."""
        idle: list[int] = []

        def given() -> Iterator[Sequence[object]]:
            # The driver asks for the next row when it has executed the one before.
            for index, values in enumerate(rows):
                before = self._connection.total_changes
                yield values
                if self._connection.total_changes == before:
                    idle.append(index)

        self._run_many(statement, given())
        return idle

    # --- history --------------------------------------------------------------------------------

    def is_known(self, commit: CommitId, key: Key | None) -> bool:
        """Also looks up the number of this commit's first row; nobody else can take it."""
        ((is_known, self._seq),) = self._run(sql.IS_KNOWN, (commit, key)).fetchall()
        return bool(is_known)

    def find(self, *, commit: CommitId | None = None, key: Key | None = None) -> Committed | None:
        if commit is None:
            found = self._one(sql.FIND_KEY, (key,))
            if found is None:
                return None
            commit = CommitId(found[0])
        rows = self._run(
            f"SELECT {COMMIT} FROM oc_commits"  # noqa: S608 - a constant
            " WHERE commit_id = ? ORDER BY seq",
            (commit,),
        ).fetchall()
        return committed_of(rows, self._codec) if rows else None

    def head(self, stream: StreamId) -> Head | None:
        row = self._one(
            "SELECT kind, version, recorded_at FROM oc_streams WHERE stream = ?", (stream,)
        )
        if row is None:
            return None
        return Head(kind=StreamKind(row[0]), version=row[1], recorded_at=from_micros(row[2]))

    def finish(
        self, writes: tuple[StreamWrite, ...], wakes: Iterable[StreamId], now: datetime
    ) -> tuple[StreamId, ...]:
        due = micros(now)
        for one in writes:
            self._write_stream(one, due)
        wake = "UPDATE oc_streams SET wakes = wakes + 1, due_at = ? WHERE stream = ?"
        wanted = tuple(wakes)
        if not wanted:
            return ()
        unknown = self._without_effect(wake, ((due, stream) for stream in wanted))
        return tuple(stream for index, stream in enumerate(wanted) if index not in unknown)

    def _write_stream(self, write: StreamWrite, now: int) -> None:
        change, summary = write.change, write.summary
        due = micros_or_none(change.due_at)
        recorded_at = micros(write.recorded_at)
        requested = write.version if change.counts else 0
        if write.is_new:
            columns = summary_values(summary) if summary is not None else (None,) * 10
            is_awake = write.woken or change.seen_wakes != 0
            head = (change.stream, change.kind.value, write.version, requested, write.woken)
            self._run(sql.NEW_STREAM, (*head, now if is_awake else due, recorded_at, *columns))
        else:
            figures = (write.version, requested, recorded_at, change.seen_wakes)
            wake = (write.woken, now, due, write.woken)
            self._run(sql.CHANGE_STREAM, (*figures, *wake, change.stream))
            if summary is not None:
                self._run(sql.SET_SUMMARY, (*summary_values(summary), change.stream))
        if change.snapshot is not None:
            values = (change.stream, change.expected_version, encode_state(change.snapshot))
            self._run("INSERT OR REPLACE INTO oc_snapshots VALUES (?, ?, ?)", values)

    def record(self, committed: Committed) -> None:
        woken = write_json(list(committed.woken)) if committed.woken else "[]"
        streams = committed.events or {StreamId(""): ()}
        for index, (stream, events) in enumerate(streams.items()):
            seq = self._seq + index
            self._run(
                sql.ADD_COMMIT,
                (
                    seq,
                    committed.commit,
                    stream,
                    committed.versions.get(stream, 0),
                    len(events),
                    committed.key,
                    committed.fingerprint,
                    committed.by,
                    committed.reason,
                    micros(committed.occurred_at),
                    micros(committed.recorded_at),
                    woken,
                    self._codec.encode(events),
                    index,
                ),
            )
            if events:
                self._run("INSERT INTO oc_outbox (seq, stream) VALUES (?, ?)", (seq, stream))

    # --- claims, people, numbers ----------------------------------------------------------------

    def claim(self, scope: str, value: str, owner: StreamId) -> StreamId:
        new = "INSERT OR IGNORE INTO oc_claims VALUES (?, ?, ?)"
        if self._run(new, (scope, value, owner)).rowcount:
            return owner
        row = self._one("SELECT owner FROM oc_claims WHERE scope = ? AND value = ?", (scope, value))
        return StreamId(row[0]) if row is not None else owner

    def add_party(self, party: Party) -> bool:
        key = party.id, party.version
        new = "INSERT OR IGNORE INTO oc_parties VALUES (?, ?, ?)"
        if self._run(new, (*key, encode(party))).rowcount:
            return True
        row = self._one("SELECT data FROM oc_parties WHERE party = ? AND version = ?", key)
        if row is None or row[0] is None:
            return False
        return decode(row[0], Party, stream=party.id) == party

    def take_numbers(self, series: Series, count: int) -> int:
        ((last,),) = self._run(sql.TAKE_NUMBERS, (series, count)).fetchall()
        return int(last) - count + 1

    # --- stock ----------------------------------------------------------------------------------

    def move_all(self, deltas: Sequence[Delta]) -> None:
        for index in self._without_effect(sql.MOVE, map(_delta_values, deltas)):
            delta = deltas[index]
            is_new = self._open_place(delta.place)
            if not is_new or not self._run(sql.MOVE, _delta_values(delta)).rowcount:
                raise refusal(self._counters(delta.place), delta)

    def _open_place(self, place: StockPlace) -> bool:
        """Give a place its row; answers whether it had none."""
        policy = (
            NO_STOCK.safety_stock,
            NO_STOCK.backorder_limit,
            NO_STOCK.tracked,
            NO_STOCK.allotment,
        )
        return self._run(sql.NEW_PLACE, (place.item, place.location, *policy)).rowcount > 0

    def _counters(self, place: StockPlace) -> Counters:
        row = self._one(sql.READ_COUNTERS, (place.item, place.location))
        return counters_of(row) if row is not None else NO_STOCK

    def restless(self, places: Sequence[StockPlace]) -> Mapping[StockPlace, Counters]:
        found: dict[StockPlace, Counters] = {}
        for some in batched(places):
            pairs = [text for place in some for text in (place.item, place.location)]
            for row in self._run(sql.restless(len(some)), pairs).fetchall():
                found[StockPlace(ItemId(row[0]), LocationId(row[1]))] = counters_of(row[2:])
        return found

    def set_policy(self, place: StockPlace, policy: StockPolicy) -> None:
        self._open_place(place)
        columns = (policy.safety_stock, policy.backorder_limit, policy.tracked, policy.allotment)
        self._run(sql.SET_POLICY, (*columns, place.item, place.location))

    def reservation(self, move: StockMove) -> Reservation | None:
        row = self._one(sql.READ_RESERVATION, (move.owner, move.line, move.item, move.location))
        return reservation_of(row) if row is not None else None

    def put_reservation(self, move: StockMove, row: Reservation | None) -> None:
        key = (move.owner, move.line, move.item, move.location)
        if row is None:
            self._run(sql.DROP_RESERVATION, key)
        else:
            self._run(sql.PUT_RESERVATION, (row.reserved, row.queued, *key))

    def add_to_reservations(self, moves: Sequence[StockMove]) -> None:
        self._run_many(sql.ADD_RESERVATION, map(_reservation_values, moves))

    def queue(self, place: StockPlace) -> Iterator[Reservation]:
        return self._at(place, "queued > 0 ORDER BY position")

    def holders(self, place: StockPlace) -> Iterator[Reservation]:
        return self._at(place, "reserved > 0 ORDER BY position DESC")

    def _at(self, place: StockPlace, condition: str) -> Iterator[Reservation]:
        rows = self._run(
            f"SELECT {RESERVATION} FROM oc_reservations"  # noqa: S608 - conditions of this module
            f" WHERE item = ? AND location = ? AND {condition}",
            (place.item, place.location),
        )
        return (reservation_of(row) for row in rows)

    def add_to_ledger(self, rows: Sequence[LedgerRow]) -> None:
        values = (_ledger_values(row, self._seq, ordinal) for ordinal, row in enumerate(rows))
        self._run_many(sql.ADD_LEDGER, values)


def _delta_values(delta: Delta) -> tuple[object, ...]:
    return (
        delta.place.item,
        delta.place.location,
        delta.counted,
        delta.on_hand,
        delta.reserved,
        delta.queued,
        delta.unavailable,
        delta.incoming,
        delta.promises,
        delta.queues,
        delta.waiting,
    )


def _reservation_values(move: StockMove) -> tuple[object, ...]:
    effect = EFFECTS[move.kind]
    taken = (effect.reserved * move.quantity, effect.queued * move.quantity)
    return (move.owner, move.line, move.item, move.location, *taken, move.partial)


def _ledger_values(row: LedgerRow, seq: int, ordinal: int) -> tuple[object, ...]:
    move, cause = row.move, row.cause
    return (
        move.item,
        move.location,
        seq,
        ordinal,
        cause.stream,
        cause.version,
        cause.index,
        move.kind.value,
        move.quantity,
        move.owner,
        move.line,
        move.reason,
        move.partial,
        micros(row.recorded_at),
    )
