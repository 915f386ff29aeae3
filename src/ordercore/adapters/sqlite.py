"""
`SqliteStore`: all storage ports over one SQLite file, through the standard library.

Write-ahead log, ``synchronous=FULL``, one ``BEGIN IMMEDIATE`` transaction for each change set: what
was acknowledged survives a crash of the process and of the machine. Several threads and several
processes may use one file at a time; writers wait for each other up to ``busy_timeout``.

The file holds rows of text and whole numbers. Nothing in it can be executed, and nothing in it is
believed: events go through the closed table of the codec.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from ordercore.adapters._sqlite_pool import Pool
from ordercore.adapters._sqlite_rows import SqliteRows
from ordercore.adapters._sqlite_schema import ensure_schema
from ordercore.adapters._values import (
    COMMIT,
    COUNTERS,
    LEDGER,
    RESERVATION,
    SUMMARY,
    Row,
    batched,
    committed_of,
    counters_of,
    failing_of,
    from_micros,
    instant_or_none,
    ledger_row_of,
    micros,
    micros_or_none,
    reservation_of,
    summary_of,
    tail_of,
    unpublished_of,
)
from ordercore.adapters._write import check_limit, next_try, write
from ordercore.codec.converter import decode
from ordercore.codec.registry import EventCodec, event_codec
from ordercore.codec.state import decode_state
from ordercore.ids import CommitId, ItemId, Key, LocationId, OrderId, PartyId, StreamId
from ordercore.inventory.model import Allocation, Counters, StockPlace
from ordercore.order.model import Order
from ordercore.order.party import Party
from ordercore.ports.repositories import (
    Failing,
    LedgerRow,
    Store,
    StoredStream,
    UnknownOrderError,
    UnknownPartyError,
    Unpublished,
)
from ordercore.ports.unit_of_work import ChangeSet, Committed, OrderSummary, StreamKind

__all__ = ["SqliteStore"]

_Value = TypeVar("_Value")

PAGE: Final = 500
"""How many rows a streaming read takes at a time."""


def _system_clock() -> datetime:
    return datetime.now(UTC)


@cache
def _counters_of(count: int) -> str:
    """The statement for so many items."""
    return (
        f"SELECT {COUNTERS}, item, location FROM oc_stock"  # noqa: S608 - marks, and a constant
        f" WHERE item IN ({', '.join('?' * count)}) ORDER BY item, location"
    )


class SqliteStore(Store):
    """
    A store in one SQLite file, made when it is not there.

    Args:
        path: The file; next to it stand its ``-wal`` and ``-shm``.
        clock: The one clock of all workers; the machine's own by default.
        busy_timeout: Seconds to wait for another writer, also while the file is opened.
        codec: Another table of events than this version's.

    Raises:
        SchemaMismatchError: The file has tables of another version.
        StoreBrokenError: The file is no database, or a damaged one.
        StoreBusyError: Somebody else held it all the while.
        UnusablePathError: ``:memory:``, an URI, a folder, or a SQLite older than 3.37.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Callable[[], datetime] = _system_clock,
        busy_timeout: float = 5.0,
        codec: EventCodec | None = None,
    ) -> None:
        self._clock = clock
        self._codec = codec or event_codec()
        self._pool = Pool(path, busy_timeout=busy_timeout)
        with self._pool.connection() as connection:
            ensure_schema(connection)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A connection with the write lock; commits at the end, rolls back on any error."""
        with self._pool.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        with self._pool.connection() as connection:
            return connection.execute(statement, values).fetchall()

    # --- unit of work ---------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._clock()

    def commit(self, changes: ChangeSet) -> Committed:
        with self._writing() as connection:
            return write(SqliteRows(connection, self._codec), changes, self.now())

    # --- orders ---------------------------------------------------------------------------------

    def load(self, stream: StreamId) -> StoredStream:
        with self._pool.connection() as connection:
            connection.execute("BEGIN")
            return self._load(connection, stream)

    def _load(self, connection: sqlite3.Connection, stream: StreamId) -> StoredStream:
        head = connection.execute(
            "SELECT kind, version, requested, wakes, due_at, recorded_at, attempts, last_error"
            " FROM oc_streams WHERE stream = ?",
            (stream,),
        ).fetchone()
        if head is None:
            raise UnknownOrderError(stream)
        snapshot, reached = self._snapshot(connection, stream)
        commits = connection.execute(
            "SELECT version, count, events FROM oc_commits"
            " WHERE stream = ? AND version > ? AND count > 0 ORDER BY version, seq",
            (stream, reached),
        )
        return StoredStream(
            stream=stream,
            kind=StreamKind(head[0]),
            version=head[1],
            requested=head[2],
            wakes=head[3],
            snapshot=snapshot,
            snapshot_version=reached,
            tail=tail_of(stream, commits, self._codec, after=reached, version=head[1]),
            due_at=instant_or_none(head[4]),
            recorded_at=from_micros(head[5]),
            attempts=head[6],
            last_error=head[7],
        )

    def _snapshot(
        self, connection: sqlite3.Connection, stream: StreamId
    ) -> tuple[Order | None, int]:
        rows: list[Row] = connection.execute(
            "SELECT version, state FROM oc_snapshots WHERE stream = ?", (stream,)
        ).fetchall()
        for version, text in rows:
            state = decode_state(text, Order)
            if state is not None:
                return state, version
        return None, 0

    def find_key(self, key: Key) -> Committed | None:
        with self._pool.connection() as connection:
            return SqliteRows(connection, self._codec).find(key=key)

    def find_commit(self, commit: CommitId) -> Committed | None:
        with self._pool.connection() as connection:
            return SqliteRows(connection, self._codec).find(commit=commit)

    def history(self, stream: StreamId) -> Iterator[Committed]:
        page = (
            f"SELECT {COMMIT}, seq FROM oc_commits"  # noqa: S608 - a constant
            " WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?"
        )
        seq = 0
        while rows := self._rows(page, (stream, seq, PAGE)):
            for row in rows:
                yield committed_of([row], self._codec)
                seq = row[-1]

    def find_claim(self, scope: str, value: str) -> StreamId | None:
        rows = self._rows(
            "SELECT owner FROM oc_claims WHERE scope = ? AND value = ?", (scope, value)
        )
        return StreamId(rows[0][0]) if rows else None

    def streams(
        self,
        *,
        kind: StreamKind = StreamKind.ORDER,
        after: StreamId | None = None,
        limit: int = 100,
    ) -> tuple[StreamId, ...]:
        rows = self._rows(
            "SELECT stream FROM oc_streams WHERE kind = ? AND stream > ? ORDER BY stream LIMIT ?",
            (kind.value, after or "", check_limit(limit)),
        )
        return tuple(StreamId(row[0]) for row in rows)

    def summaries(
        self, *, status: str | None = None, after: OrderId | None = None, limit: int = 100
    ) -> tuple[tuple[OrderId, OrderSummary], ...]:
        condition = "status IS NOT NULL" if status is None else "status = ?"
        values = () if status is None else (status,)
        rows = self._rows(
            f"SELECT {SUMMARY}, stream FROM oc_streams"  # noqa: S608 - two fixed conditions
            f" WHERE {condition} AND stream > ? ORDER BY stream LIMIT ?",
            (*values, after or "", check_limit(limit)),
        )
        return tuple((OrderId(row[-1]), summary_of(row)) for row in rows)

    # --- work that is due -----------------------------------------------------------------------

    def take_due(self, *, limit: int, lease: timedelta) -> tuple[StreamId, ...]:
        check_limit(limit)
        due = "SELECT stream FROM oc_streams WHERE due_at <= ? ORDER BY due_at, stream LIMIT ?"
        if not self._rows(due, (micros(self.now()), min(limit, 1))):
            return ()
        with self._writing() as connection:
            now = self.now()
            rows = connection.execute(due, (micros(now), limit)).fetchall()
            connection.executemany(
                "UPDATE oc_streams SET due_at = ? WHERE stream = ?",
                [(micros(now + lease), row[0]) for row in rows],
            )
        return tuple(StreamId(row[0]) for row in rows)

    def sleep(self, stream: StreamId, *, version: int, wakes: int, due_at: datetime | None) -> bool:
        due = micros_or_none(due_at)
        rows = self._rows(
            "SELECT due_at, attempts FROM oc_streams"
            " WHERE stream = ? AND version = ? AND wakes = ?",
            (stream, version, wakes),
        )
        if not rows or rows[0] == (due, 0):
            return bool(rows)
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE oc_streams SET due_at = ?, attempts = 0, last_error = ''"
                " WHERE stream = ? AND version = ? AND wakes = ?",
                (due, stream, version, wakes),
            )
        return done.rowcount > 0

    def failed(self, stream: StreamId, *, error: str, back_off: tuple[timedelta, ...]) -> int:
        with self._writing() as connection:
            row = connection.execute(
                "SELECT attempts FROM oc_streams WHERE stream = ?", (stream,)
            ).fetchone()
            if row is None:
                raise UnknownOrderError(stream)
            attempts: int = row[0] + 1
            due = micros_or_none(next_try(self.now(), attempts, back_off))
            connection.execute(
                "UPDATE oc_streams SET attempts = ?, last_error = ?, due_at = ? WHERE stream = ?",
                (attempts, error, due, stream),
            )
        return attempts

    def failing(self, *, after: StreamId | None = None, limit: int = 100) -> tuple[Failing, ...]:
        rows = self._rows(
            "SELECT stream, attempts, last_error, due_at FROM oc_streams"
            " WHERE attempts > 0 AND stream > ? ORDER BY stream LIMIT ?",
            (after or "", check_limit(limit)),
        )
        return tuple(failing_of(row) for row in rows)

    # --- stock ----------------------------------------------------------------------------------

    def counters(self, items: Iterable[ItemId]) -> Mapping[StockPlace, Counters]:
        parts = list(batched(sorted(set(items))))
        rows: list[Row] = []
        with self._pool.connection() as connection:
            if len(parts) > 1:
                connection.execute("BEGIN")
            for part in parts:
                rows += connection.execute(_counters_of(len(part)), part).fetchall()
        return {StockPlace(ItemId(row[-2]), LocationId(row[-1])): counters_of(row) for row in rows}

    def allocations(self, owner: StreamId) -> tuple[Allocation, ...]:
        rows = self._rows(
            f"SELECT {RESERVATION} FROM oc_reservations"  # noqa: S608 - a constant
            " WHERE owner = ? ORDER BY line, location, item",
            (owner,),
        )
        return tuple(reservation_of(row).allocation for row in rows)

    def ledger(self) -> Iterator[LedgerRow]:
        rows = self._streamed(
            f"SELECT {LEDGER} FROM oc_ledger"  # noqa: S608 - a constant
            " ORDER BY item, location, seq, ordinal"
        )
        return (ledger_row_of(row) for row in rows)

    def all_counters(self) -> Iterator[tuple[StockPlace, Counters]]:
        rows = self._streamed(
            f"SELECT {COUNTERS}, item, location FROM oc_stock"  # noqa: S608 - a constant
            " ORDER BY item, location"
        )
        return (
            (StockPlace(ItemId(row[-2]), LocationId(row[-1])), counters_of(row)) for row in rows
        )

    def _streamed(self, statement: str) -> Iterator[Row]:
        """The rows of one consistent read, a page at a time in memory."""
        with (
            self._pool.connection() as connection,
            closing(connection.execute(statement)) as cursor,
        ):
            while rows := cursor.fetchmany(PAGE):
                yield from rows

    def locations(self) -> tuple[LocationId, ...]:
        rows = self._rows("SELECT DISTINCT location FROM oc_stock ORDER BY location")
        return tuple(LocationId(row[0]) for row in rows)

    # --- people ---------------------------------------------------------------------------------

    def party(self, party: PartyId, version: int) -> Party:
        rows = self._rows(
            "SELECT data FROM oc_parties WHERE party = ? AND version = ?", (party, version)
        )
        if not rows:
            raise UnknownPartyError(party, version)
        if rows[0][0] is None:
            return Party(id=party, version=version, erased=True)
        return decode(rows[0][0], Party, stream=party)

    def erase(self, party: PartyId) -> int:
        """
        Remove the data of all versions, from the file and its log too.

        The old content is overwritten, and the log is emptied unless others still read from it.
        """
        with self._pool.connection() as connection:
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            try:
                done = connection.execute(
                    "UPDATE oc_parties SET data = NULL WHERE party = ?", (party,)
                )
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute("PRAGMA secure_delete = OFF").fetchone()
        return done.rowcount

    # --- outbox ---------------------------------------------------------------------------------

    def unpublished(self, *, limit: int) -> tuple[Unpublished, ...]:
        rows = self._rows(
            f"SELECT {COMMIT} FROM oc_commits JOIN ("  # noqa: S608 - a constant
            " SELECT seq AS first FROM oc_outbox AS one WHERE NOT EXISTS ("
            " SELECT 1 FROM oc_outbox AS two WHERE two.stream = one.stream AND two.seq < one.seq)"
            " ORDER BY seq LIMIT ?) ON seq = first ORDER BY seq",
            (check_limit(limit),),
        )
        return tuple(unpublished_of(row, self._codec) for row in rows)

    def published(self, stream: StreamId, commit: CommitId) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM oc_outbox WHERE seq IN ("
                " SELECT seq FROM oc_commits WHERE commit_id = ? AND stream = ?)",
                (commit, stream),
            )
